/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "instant.h"
#include "lookout.h"

struct inquiry {
	const struct eye *eye;
	struct watcher_changes *changes;
	uint32_t directory;
	bool everything, failed;
};

static bool visit_changed(struct lookout *lookout, struct eye *eye, char *path, size_t length,
			  enum doubt doubt, void *data) {
	struct inquiry *inquiry = data;
	const char *shown = path;

	if (eye != inquiry->eye)
		return false;
	if (!inquiry->everything)
		shown = outlook_nearest(lookout, eye->outlook, inquiry->directory, path, &length);
	if (shown && watcher_changed(inquiry->changes, shown) < 0)
		inquiry->failed = true;
	return false;
}

static void look_for_change(struct lookout *lookout, const struct handle *handle,
			    struct inquiry *inquiry) {
	inquiry->directory = superblock_find(&lookout->superblock, handle);
	if (inquiry->directory && sight_prepare(lookout, inquiry->directory))
		(void)sight_each(lookout, SIGHT_NEW, inquiry->directory, "", 0, visit_changed,
				 inquiry);
}

/* Others are told nothing meanwhile. Where somebody has a directory locked nobody knows what has
 * changed: then not all is said. */
bool retrospect(struct watcher *watcher, struct watch *watch, uint64_t clock,
		struct watcher_changes *changes) {
	const Usher__Beholder *who = watch->order->beholder;
	struct inquiry inquiry = { .eye = watch->own,
				   .changes = changes,
				   .everything = who->everything };
	struct lookout *lookout = watcher->own;
	uint64_t began = instant_usec(), before = lookout->superblock.unanswered;
	struct handle handle;
	uint32_t at = 0;

	if (clock < journal_floor(&watcher->journal) || clock > journal_clock(&watcher->journal))
		return false;
	while (!inquiry.failed && journal_next(&watcher->journal, clock, &at, &handle)) {
		uint64_t now = instant_usec();

		toil_spend(&watcher->toil, who->uid, now - began);
		began = now;
		if (toil_left(&watcher->toil, who->uid, now) == 0)
			return false;
		look_for_change(lookout, &handle, &inquiry);
		if (lookout->superblock.unanswered != before)
			return false;
	}
	return !inquiry.failed;
}
