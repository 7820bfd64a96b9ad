/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches of whole file systems: one fanotify mark that all of them share. */

#include <errno.h>

#include "watch.h"
#include "watcher.h"

static int begin(struct watcher *watcher, int *superblock, int *group, struct refusal *refusal) {
	return refusal_note(refusal, REFUSED_UNSUPPORTED, "file systems cannot be watched yet");
}

static int add(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	return -EOPNOTSUPP;
}

static int set_events(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	return -EOPNOTSUPP;
}

static void remove_watch(struct watcher *watcher, struct watch *watch) {
}

const struct watcher_kind filesystem_kind = {
	.name = "filesystem",
	.begin = begin,
	.add = add,
	.set_events = set_events,
	.remove = remove_watch,
};
