/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches of what cannot be marked as a whole: the queue, its watches, and what becomes of them. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guise.h"
#include "instant.h"
#include "kernel.h"
#include "mask.h"
#include "patrol.h"

enum { BUFFER_SIZE = 65536, OTHER_HALF_MSEC = 2, ROOTS_USEC = 1000000 };

/* ---- the end of a root ---- */

/* The kernel does not tell of the end of what is held open. */
static bool has_gone(const struct watch *watch) {
	struct statx stx;

	return statx(watch->root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &stx) == 0 &&
	       stx.stx_nlink == 0;
}

/* 0, -ENOENT where its mount is not in our namespace, or why that cannot be told. */
static int find_mount(const struct watch *watch) {
	struct kernel_mount_request request = { .size = sizeof request };
	struct kernel_statmount mount;
	struct statx stx;

	if (statx(watch->root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID_UNIQUE, &stx) <
	    0)
		return -errno;
	if (!(stx.stx_mask & STATX_MNT_ID_UNIQUE))
		return -EOPNOTSUPP;
	request.mnt_id = stx.stx_mnt_id;
	return syscall(SYS_statmount, &request, &mount, sizeof mount, 0) < 0 ? -errno : 0;
}

/* What nobody gets to any more is held by nobody else. */
static void end_if_gone(struct watcher *watcher, struct watch *watch) {
	struct patrol *patrol = watcher->own;
	const struct look *look = watch->own;
	bool unmounted = look->mounted && find_mount(watch) == -ENOENT;

	if (watch->ended || watch->gone || (!unmounted && !has_gone(watch)))
		return;
	patrol->usec = instant_date_usec();
	mention_event(watcher, look->root,
		      unmounted ? USHER_WATCH_UNMOUNT : USHER_WATCH_DELETE_SELF, look->is_directory,
		      NULL);
	watch->gone = true;
}

static uint64_t look_at_roots(struct watcher *watcher, uint64_t now) {
	struct patrol *patrol = watcher->own;

	if (now < patrol->roots_looked_at + ROOTS_USEC)
		return patrol->roots_looked_at + ROOTS_USEC;
	patrol->roots_looked_at = now;
	for (size_t i = 0; i < watcher->n_watches; i++)
		end_if_gone(watcher, watcher->watches[i]);
	return now + ROOTS_USEC;
}

/* ---- hearing ---- */

static bool read_some(struct watcher *watcher) {
	static _Alignas(struct inotify_event) char buffer[BUFFER_SIZE];
	struct patrol *patrol = watcher->own;
	ssize_t n = read(patrol->source.fd, buffer, sizeof buffer);

	if (n <= 0)
		return false;
	journal_set_busy(&watcher->journal, true);
	patrol->usec = instant_date_usec();
	patrol->round++;
	patrol->position = patrol->directories.position;
	patrol->directories.position += (uint64_t)n;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const void *)(buffer + at);

		hearing_event(watcher, event);
		at += (ssize_t)(sizeof *event + event->len);
		patrol->position += sizeof *event + event->len;
	}
	return true;
}

static void hear_kernel(struct watcher *watcher, struct source *source, uint32_t events) {
	struct pollfd queue = { .fd = source->fd, .events = POLLIN };

	if (!read_some(watcher))
		return;
	/* the other half of a move is about to come, if it comes */
	if (departure_is_open(watcher) && poll(&queue, 1, OTHER_HALF_MSEC) > 0)
		(void)read_some(watcher);
	for (size_t i = 0; i < watcher->n_watches; i++) {
		struct watch *watch = watcher->watches[i];
		struct look *look = watch->own;

		departure_conclude(watcher, watch);
		if (look->again)
			growth_again(watcher, watch);
		if (look->doubt)
			directory_look_again(&((struct patrol *)watcher->own)->directories,
					     look->root);
		look->doubt = false;
	}
}

/* ---- the kind ---- */

static int begin(struct watcher *watcher, int *superblock, int *group, struct refusal *refusal) {
	struct patrol *patrol = calloc(1, sizeof *patrol);

	watcher->own = patrol;
	if (!patrol)
		return -ENOMEM;
	patrol->source = (struct source){ .fd = -1, .ready = hear_kernel };
	patrol->directories.inotify = -1;
	patrol->directories.position = 1; /* 0 is before everything */
	watcher_keep(watcher, -1);
	return 0;
}

/* Not before it is known for whom, so that it counts for that one. */
static int open_queue(struct watcher *watcher, struct refusal *refusal) {
	struct patrol *patrol = watcher->own;
	int r;

	if (patrol->source.fd >= 0)
		return 0;
	patrol->source.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (patrol->source.fd < 0)
		return growth_failed(-errno, refusal);
	patrol->directories.inotify = patrol->source.fd;
	r = watcher_listen(watcher, &patrol->source, EPOLLIN);
	return r < 0 ? r : 0;
}

static int refuse_events(uint32_t events, struct refusal *refusal) {
	if (events & ~mask_events(~UINT32_C(0)))
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "events: inotify does not tell of one of them");
	return 0;
}

static void remove_watch(struct watcher *watcher, struct watch *watch) {
	struct patrol *patrol = watcher->own;
	struct look *look = watch->own;

	if (look && look->root)
		directory_cut(&patrol->directories, look->root, &look->n);
	free(look);
	watch->own = NULL;
}

static int plant(struct watcher *watcher, struct watch *watch, struct look *look) {
	struct patrol *patrol = watcher->own;
	uint32_t mask = mask_of(watch->events);
	int r = directory_plant(&patrol->directories, watch, mask, &look->root);

	look->n = 1;
	if (r == 0 && look_is_deep(watch))
		r = directory_grow(&patrol->directories, look->root, NULL, mask, &look->n, NULL,
				   NULL);
	return r;
}

static int add(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	struct look *look;
	int r = guise_take(watch->order->beholder, refusal);

	if (r == 0)
		r = open_queue(watcher, refusal);
	if (r == 0)
		r = refuse_events(watch->events, refusal);
	if (r != 0)
		return r;
	watch->own = look = calloc(1, sizeof *look);
	if (!look)
		return -ENOMEM;
	look->begun = journal_clock(&watcher->journal);
	look->is_directory = watch->order->directory;
	look->mounted = find_mount(watch) == 0;
	r = plant(watcher, watch, look);
	if (r < 0) {
		r = growth_failed(r, refusal);
		remove_watch(watcher, watch);
		return r;
	}
	/* what an earlier one was told of nobody knows */
	if (watch->resumed)
		watch_tell_lost(watcher, watch, journal_tick(&watcher->journal));
	return 0;
}

static int set_events(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	struct patrol *patrol = watcher->own;
	struct look *look = watch->own;
	int r = refuse_events(watch->events, refusal);

	if (r == 0)
		r = directory_mask(&patrol->directories, look->root, mask_of(watch->events));
	return r < 0 ? growth_failed(r, refusal) : r;
}

/* What may not be seen now is not told, either. */
static int add_changed(struct watcher *watcher, struct directory *directory, uint64_t clock,
		       struct watcher_changes *changes) {
	struct patrol *patrol = watcher->own;
	char path[PATH_MAX];

	if (directory->changed <= clock ||
	    directory_judge(&patrol->directories, directory, patrol->directories.position, 0) ==
		    DIRECTORY_HIDDEN)
		return 0;
	if (directory_path(directory, NULL, path, sizeof path) < 0)
		return -ENAMETOOLONG;
	return watcher_changed(changes, path);
}

static bool since(struct watcher *watcher, struct watch *watch, uint64_t clock,
		  struct watcher_changes *changes) {
	struct look *look = watch->own;
	struct directory *at = look->root;

	/* one that is yet to come is of another time, such as before the machine's was set back */
	if (clock < look->begun || clock > journal_clock(&watcher->journal))
		return false;
	while (at) {
		if (add_changed(watcher, at, clock, changes) < 0)
			return false;
		if (at->first)
			at = at->first;
		else {
			while (at && !at->next)
				at = at->parent;
			at = at ? at->next : NULL;
		}
	}
	return true;
}

static void end(struct watcher *watcher) {
	struct patrol *patrol = watcher->own;

	if (patrol)
		fd_closep(&patrol->source.fd);
	free(patrol);
}

const struct watcher_kind inotify_kind = {
	.name = "inotify",
	.begin = begin,
	.end = end,
	.add = add,
	.set_events = set_events,
	.remove = remove_watch,
	.since = since,
	.settle = look_at_roots,
};
