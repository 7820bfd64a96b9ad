/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "patrol.h"

void mention_event(struct watcher *watcher, const struct directory *directory, uint32_t events,
		   bool is_directory, const char *name) {
	struct patrol *patrol = watcher->own;
	char path[PATH_MAX];
	ssize_t length = directory_path(directory, name, path, sizeof path);
	struct happening happening = {
		.events = events,
		.directory = is_directory,
		.clock = journal_tick(&watcher->journal),
		.usec = patrol->usec,
		.path = path,
		.path_length = (size_t)length,
	};

	if (length < 0)
		watch_tell_lost(watcher, directory->watch, happening.clock);
	else
		watch_tell(watcher, directory->watch, &happening);
}

void mention_rescan(struct watcher *watcher, const struct directory *directory) {
	char path[PATH_MAX];
	ssize_t length = directory_path(directory, NULL, path, sizeof path);
	uint64_t clock = journal_tick(&watcher->journal);

	if (length < 0)
		watch_tell_lost(watcher, directory->watch, clock);
	else
		watch_tell_rescan(watcher, directory->watch, path, (size_t)length, clock);
}

void mention_judged(struct watcher *watcher, const struct directory *directory,
		    enum directory_verdict verdict, uint32_t events, bool is_directory,
		    const char *name) {
	if (verdict == DIRECTORY_SEEN)
		mention_event(watcher, directory, events, is_directory, name);
	else if (verdict == DIRECTORY_DOUBTFUL)
		mention_rescan(watcher, directory);
}
