/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mask.h"
#include "patrol.h"

static const char *why(int r, char *text, size_t size) {
	if (r == -E2BIG)
		(void)snprintf(
			text, size,
			"scope: there are more than %d directories, which is as many as are "
			"watched one by one where a file system cannot be watched as a whole",
			DIRECTORIES_MAX);
	else if (r == -ENOSPC)
		(void)snprintf(text, size,
			       "the kernel's limit fs.inotify.max_user_watches is reached");
	else if (r == -EMFILE)
		(void)snprintf(text, size,
			       "the kernel's limit fs.inotify.max_user_instances is reached");
	else
		(void)snprintf(text, size, "cannot be watched: %s", strerrordesc_np(-r));
	return text;
}

int growth_failed(int r, struct refusal *refusal) {
	char text[256];
	bool limit = r == -E2BIG || r == -ENOSPC || r == -EMFILE;

	return refusal_note(refusal, limit ? REFUSED_LIMIT : r, "%s", why(r, text, sizeof text));
}

/* What is there already in a directory that has just come has come, too. */
static void found(struct directory *directory, const char *name, bool is_directory, void *data) {
	struct watcher *watcher = data;

	directory->changed = journal_clock(&watcher->journal);
	if (directory->visible)
		mention_event(watcher, directory, USHER_WATCH_CREATE, is_directory, name);
}

bool growth_of(struct watcher *watcher, struct directory *parent, const char *name, bool is_new) {
	struct patrol *patrol = watcher->own;
	struct watch *watch = parent->watch;
	struct look *look = watch->own;
	char text[256];
	int r;

	/* Two that changed places, or one that took another's: too rare to be followed. */
	if (name && directory_child(parent, name)) {
		look->again = true;
		return true;
	}
	r = directory_grow(&patrol->directories, parent, name, mask_of(watch->events), &look->n,
			   is_new ? found : NULL, watcher);

	if (r == 0 || r == -ENOENT)
		return r == 0;
	watcher_end(watcher, watch, why(r, text, sizeof text));
	return false;
}

void growth_again(struct watcher *watcher, struct watch *watch) {
	struct patrol *patrol = watcher->own;
	struct look *look = watch->own;

	look->again = false;
	look->departure.cookie = 0;
	watch_tell_lost(watcher, watch, journal_tick(&watcher->journal));
	look->begun = journal_clock(&watcher->journal);
	directory_prune(&patrol->directories, look->root, &look->n);
	if (look_is_deep(watch) && !watch->ended)
		(void)growth_of(watcher, look->root, NULL, false);
}

void growth_cut(struct watcher *watcher, struct directory *directory, const char *name) {
	struct patrol *patrol = watcher->own;
	struct look *look = directory->watch->own;
	struct directory *child = directory_child(directory, name);

	if (child)
		directory_cut(&patrol->directories, child, &look->n);
}

void growth_doubt(struct watcher *watcher, struct directory *directory) {
	const struct patrol *patrol = watcher->own;

	directory->doubted = patrol->position;
	((struct look *)directory->watch->own)->doubt = true;
}
