/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/inotify.h>

#include "mask.h"
#include "patrol.h"

static void hear_self(struct watcher *watcher, struct directory *directory,
		      const struct inotify_event *event) {
	struct watch *watch = directory->watch;

	if (event->mask & (IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF))
		growth_doubt(watcher, directory);
	if (directory->parent)
		return; /* the parent tells of it by name */
	mention_event(watcher, directory, mask_events(event->mask), event->mask & IN_ISDIR, NULL);
	if (event->mask & (IN_DELETE_SELF | IN_UNMOUNT))
		watch->gone = true;
}

static void hear_child(struct watcher *watcher, struct directory *directory,
		       const struct inotify_event *event) {
	struct patrol *patrol = watcher->own;
	struct watch *watch = directory->watch;
	bool is_directory = event->mask & IN_ISDIR;
	enum directory_verdict verdict =
		directory_judge(&patrol->directories, directory, patrol->position, patrol->round);
	struct directory *child;

	directory->changed = journal_clock(&watcher->journal);
	if (watch->scope == WATCH_INODE)
		return;
	if (event->mask & IN_MOVED_FROM)
		departure_begin(watcher, directory, verdict, event);
	else if (event->mask & IN_MOVED_TO)
		departure_arrive(watcher, directory, verdict, event);
	else
		mention_judged(watcher, directory, verdict, mask_events(event->mask), is_directory,
			       event->name);
	if (!is_directory || !look_is_deep(watch))
		return;
	child = directory_child(directory, event->name);
	if (event->mask & IN_DELETE)
		growth_cut(watcher, directory, event->name);
	else if (event->mask & IN_CREATE && !child)
		(void)growth_of(watcher, directory, event->name, true);
	else if (event->mask & IN_ATTRIB && child)
		growth_doubt(watcher, child);
	else if (event->mask & IN_ATTRIB && growth_of(watcher, directory, event->name, false))
		mention_rescan(watcher, directory_child(directory, event->name));
}

/* The kernel has let go of it. */
static void lose(struct watcher *watcher, struct directory *directory) {
	struct patrol *patrol = watcher->own;
	struct look *look = directory->watch->own;

	if (!directory->parent)
		directory->watch->gone = true;
	else
		directory_cut(&patrol->directories, directory, &look->n);
}

/* Hearing of one may change the tree of its watch, and no other's. */
void hearing_event(struct watcher *watcher, const struct inotify_event *event) {
	struct patrol *patrol = watcher->own;

	for (size_t i = 0; i < watcher->n_watches; i++) {
		struct watch *watch = watcher->watches[i];
		struct directory *d;

		if (watch->ended || watch->gone)
			continue;
		if (event->mask & IN_Q_OVERFLOW)
			((struct look *)watch->own)->again = true;
		d = event->wd < 0 ? NULL
				  : patrol->directories.by_number[event->wd % DIRECTORY_BUCKETS];
		while (d && (d->number != event->wd || d->watch != watch))
			d = d->chain;
		if (!d)
			continue;
		if (event->mask & (IN_IGNORED | IN_DELETE))
			departure_conclude(watcher, watch); /* while its directory is there */
		if (event->mask & IN_IGNORED)
			lose(watcher, d);
		else if (event->len > 0)
			hear_child(watcher, d, event);
		else
			hear_self(watcher, d, event);
	}
}
