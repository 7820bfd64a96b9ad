/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "message.h"
#include "watch-event.h"

static const char *const scopes[] = {
	[WATCH_INODE] = "inode",         [WATCH_CHILDREN] = "children",
	[WATCH_RECURSIVE] = "recursive", [WATCH_FILESYSTEM] = "filesystem",
	[WATCH_MOUNTS] = "mounts",
};

static int parse_scope(const char *name, enum watch_scope *ret, struct refusal *refusal) {
	for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
		if (strcmp(scopes[i], name) == 0) {
			*ret = (enum watch_scope)i;
			return 0;
		}
	return refusal_note(refusal, REFUSED_INVALID, "scope: '%.64s' is none", name);
}

static void hear_reader(struct watcher *watcher, struct source *source, uint32_t events) {
	struct watch *watch = (struct watch *)source; /* its first member */

	if (events & (EPOLLHUP | EPOLLERR)) {
		watcher_ignore(watcher, source);
		watcher_end(watcher, watch, "its reader has gone");
	}
}

int watch_set_events(struct watch *watch, char *const *names, size_t n, struct refusal *refusal) {
	return watch_event_parse("events", names, n, &watch->events, refusal);
}

int watch_new(struct watcher *watcher, const Usher__WatchAdd *add, struct fds *fds,
	      struct watch **ret, struct refusal *refusal) {
	struct watch *watch = calloc(1, sizeof *watch);
	int r;

	if (!watch)
		return -ENOMEM;
	watch->number = add->number;
	watch->resumed = add->resumed;
	watch->root = add->root_fd < fds->n ? fd_take(&fds->fd[add->root_fd]) : -1;
	watch->stream = (struct source){ .fd = -1, .ready = hear_reader };
	if (add->has_stream_fd && add->stream_fd < fds->n)
		watch->stream.fd = fd_take(&fds->fd[add->stream_fd]);
	watch->order = (Usher__Watcher *)message_copy(&add->watch->base);
	r = watch->order ? 0 : -ENOMEM;
	if (r == 0 && (watch->root < 0 || add->has_stream_fd != (watch->stream.fd >= 0)))
		r = -EBADF;
	if (r == 0)
		r = parse_scope(watch->order->scope, &watch->scope, refusal);
	if (r == 0)
		r = watch_set_events(watch, watch->order->events, watch->order->n_events, refusal);
	if (r == 0 && watch->stream.fd >= 0)
		r = watcher_listen(watcher, &watch->stream, 0);
	if (r != 0) {
		watch_free(watcher, watch);
		return r;
	}
	*ret = watch;
	return 0;
}

void watch_free(struct watcher *watcher, struct watch *watch) {
	ProtobufCMessage *order = watch->order ? &watch->order->base : NULL;

	fd_closep(&watch->stream.fd); /* which is listened to no more by that */
	fd_closep(&watch->root);
	message_freep(&order);
	free(watch);
}

void watch_tell(struct watcher *watcher, struct watch *watch, const struct happening *happening) {
}

void watch_tell_rescan(struct watcher *watcher, struct watch *watch, const char *directory,
		       size_t length, uint64_t clock) {
}

void watch_tell_lost(struct watcher *watcher, struct watch *watch, uint64_t clock) {
}

uint64_t watch_flush(struct watcher *watcher, struct watch *watch, uint64_t now) {
	return UINT64_MAX;
}

bool watch_is_behind(const struct watch *watch) {
	return false;
}
