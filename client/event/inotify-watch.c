/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches that do not know of each other. The kernel has one for an inode, with the bits of all of
 * them; what it tells is copied to each whom it concerns.
 */

#include "event/inotify-watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "event/inotify-queue.h"
#include "event/source.h"
#include "event/verdict.h"

/* What comes whether it was asked for or not. */
#define UNASKED (IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW)

struct usher_inotify_watch {
	struct usher_inotify_watch *next; /* of the same source */
	struct usher_source *source;      /* NULL: it was removed, or the source was closed */
	bool closed;                      /* the latter */
	int wd;
	uint32_t mask;
	struct inotify_queue queue;
};

/* To the watches that it concerns; those of which the kernel's has gone get no more. */
static void spread(struct usher_source *source, const struct usher_inotify_event *event) {
	struct usher_inotify_watch **at = &source->watches, *watch;

	while ((watch = *at)) {
		bool meant = event->wd == watch->wd || event->mask & IN_Q_OVERFLOW;

		if (meant && event->mask & (watch->mask | UNASKED))
			inotify_queue_append(&watch->queue, event);
		if (meant && event->mask & IN_IGNORED) {
			watch->source = NULL;
			*at = watch->next;
		} else
			at = &watch->next;
	}
}

void inotify_watches_end(struct usher_source *source) {
	for (struct usher_inotify_watch *watch = source->watches; watch; watch = watch->next) {
		watch->source = NULL;
		watch->closed = true;
	}
	source->watches = NULL;
}

int usher_inotify_watch_new(struct usher_source *source, const char *path, uint32_t mask,
			    size_t limit, struct usher_inotify_watch **ret) {
	_cleanup_free_ struct usher_inotify_watch *watch = NULL;
	int r = source_check_kind(source, USHER_SOURCE_INOTIFY);

	if (r < 0)
		return r;
	if (mask & (IN_ONESHOT | IN_MASK_CREATE))
		return verdict_note(-EINVAL, "mask: IN_ONESHOT and IN_MASK_CREATE would end the "
					     "watches of others");
	watch = calloc(1, sizeof *watch);
	if (!watch)
		return verdict_note(-ENOMEM, "no memory");
	r = usher_inotify_watch(source, path, mask | IN_MASK_ADD);
	if (r < 0)
		return r;
	watch->source = source;
	watch->wd = r;
	watch->mask = mask & IN_ALL_EVENTS;
	watch->queue.limit = limit ?: 16384;
	watch->next = source->watches;
	source->watches = watch;
	*ret = take_pointer(watch);
	return 0;
}

static bool is_wanted(const struct usher_inotify_event *event, uint32_t mask, const char *name) {
	/* Who waits for something has to know that it may have been missed. */
	if (event->mask & IN_Q_OVERFLOW)
		return true;
	if (event->mask & UNASKED)
		return mask == 0 || event->mask & mask;
	return (mask == 0 || event->mask & mask) && (!name || strcmp(event->name, name) == 0);
}

int usher_inotify_watch_wait(struct usher_inotify_watch *watch, uint32_t mask, const char *name,
			     uint64_t timeout_usec, struct usher_inotify_event *ret) {
	uint64_t end = source_end_of(timeout_usec);
	struct usher_inotify_event kept;
	struct usher_event event;
	int r;

	if (!watch)
		return verdict_note(-EBADF, "there is no watch");
	for (;;) {
		while (inotify_queue_take(&watch->queue, &kept))
			if (is_wanted(&kept, mask, name)) {
				*ret = kept;
				return 0;
			}
		if (!watch->source)
			return watch->closed ? verdict_note(-EBADF, "the source is closed")
					     : verdict_note(-ENOENT, "the watch was removed");
		r = source_take(watch->source, end, &event);
		if (r == -ETIMEDOUT && timeout_usec == 0)
			return verdict_note(-EAGAIN, "there is nothing now");
		if (r < 0)
			return r;
		spread(watch->source, &event.inotify);
	}
}

int usher_inotify_watch_remove(struct usher_inotify_watch *watch) {
	struct usher_source *source = watch ? watch->source : NULL;
	struct usher_inotify_watch **at;
	bool shared = false;

	if (!source)
		return verdict_note(-ENOENT, "the watch was removed");
	for (at = &source->watches; *at != watch;)
		at = &(*at)->next;
	*at = watch->next;
	watch->source = NULL;
	for (const struct usher_inotify_watch *w = source->watches; w; w = w->next)
		shared |= w->wd == watch->wd;
	return shared ? 0 : usher_inotify_ignore(source, watch->wd);
}

struct usher_inotify_watch *usher_inotify_watch_free(struct usher_inotify_watch *watch) {
	int number = errno;

	if (!watch)
		return NULL;
	if (watch->source)
		(void)usher_inotify_watch_remove(watch);
	free(watch->queue.kept);
	free(watch);
	errno = number;
	return NULL;
}
