/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "patrol.h"

void departure_conclude(struct watcher *watcher, struct watch *watch) {
	struct look *look = watch->own;
	struct departure *departure = &look->departure;
	struct patrol *patrol = watcher->own;
	struct happening happening = { .events = USHER_WATCH_DELETE, .half = true };

	if (departure->cookie == 0)
		return;
	departure->cookie = 0;
	happening.directory = departure->directory;
	happening.clock = journal_tick(&watcher->journal);
	happening.usec = patrol->usec;
	happening.path = departure->path;
	happening.path_length = departure->path_length;
	if (departure->verdict == DIRECTORY_SEEN)
		watch_tell(watcher, watch, &happening);
	if (departure->directory)
		growth_cut(watcher, departure->from, departure->name);
}

void departure_begin(struct watcher *watcher, struct directory *directory,
		     enum directory_verdict verdict, const struct inotify_event *event) {
	struct look *look = directory->watch->own;
	struct departure *departure = &look->departure;
	ssize_t length;

	departure_conclude(watcher, directory->watch);
	length = directory_path(directory, event->name, departure->path, sizeof departure->path);
	if (length < 0) {
		look->again = true;
		return;
	}
	if (verdict == DIRECTORY_DOUBTFUL)
		mention_rescan(watcher, directory);
	departure->path_length = (size_t)length;
	(void)snprintf(departure->name, sizeof departure->name, "%s", event->name);
	departure->cookie = event->cookie;
	departure->directory = event->mask & IN_ISDIR;
	departure->verdict = verdict;
	departure->from = directory;
}

/* The tree follows. */
static void graft(struct watcher *watcher, struct directory *directory, const char *name) {
	struct look *look = directory->watch->own;
	struct directory *moved = directory_child(look->departure.from, look->departure.name);
	char *copy;

	if (!moved || directory_child(directory, name)) {
		(void)growth_of(watcher, directory, name, false);
		return;
	}
	copy = strdup(name);
	if (!copy) {
		look->again = true;
		return;
	}
	directory_graft(moved, directory, copy);
	growth_doubt(watcher, moved);
}

void departure_arrive(struct watcher *watcher, struct directory *directory,
		      enum directory_verdict verdict, const struct inotify_event *event) {
	struct watch *watch = directory->watch;
	struct look *look = watch->own;
	struct departure *departure = &look->departure;
	struct patrol *patrol = watcher->own;
	bool is_directory = event->mask & IN_ISDIR;
	bool is_other_half = departure->cookie != 0 && departure->cookie == event->cookie;
	bool was_seen = is_other_half && departure->verdict == DIRECTORY_SEEN;
	char path[PATH_MAX];
	ssize_t length = directory_path(directory, event->name, path, sizeof path);
	struct happening happening = {
		.events = was_seen ? USHER_WATCH_MOVE : USHER_WATCH_CREATE,
		.directory = is_directory,
		.half = !was_seen,
		.clock = journal_tick(&watcher->journal),
		.usec = patrol->usec,
		.path = path,
		.path_length = (size_t)length,
		.old_path = was_seen ? departure->path : NULL,
		.old_path_length = was_seen ? departure->path_length : 0,
	};

	if (length < 0 || (is_other_half && verdict != DIRECTORY_SEEN)) {
		departure_conclude(watcher, watch);
		is_other_half = false;
	}
	if (verdict == DIRECTORY_SEEN && length >= 0)
		watch_tell(watcher, watch, &happening);
	else if (verdict == DIRECTORY_DOUBTFUL)
		mention_rescan(watcher, directory);
	if (is_directory && look_is_deep(watch) && is_other_half)
		graft(watcher, directory, event->name);
	else if (is_directory && look_is_deep(watch))
		(void)growth_of(watcher, directory, event->name, false);
	if (is_other_half)
		departure->cookie = 0;
}

bool departure_is_open(const struct watcher *watcher) {
	for (size_t i = 0; i < watcher->n_watches; i++)
		if (((const struct look *)watcher->watches[i]->own)->departure.cookie != 0)
			return true;
	return false;
}
