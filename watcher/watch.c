/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "bulletin.h"
#include "exclude.h"
#include "instant.h"
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

enum {
	ROOM_USUAL = 4096,
	SLOW_USEC = 100 * 1000,
	FRAME_USEC = 100 * 1000,
	COUNTERS_USEC = 1000 * 1000,
};

static void hear_reader(struct watcher *watcher, struct source *source, uint32_t events) {
	struct watch *watch = (struct watch *)source; /* its first member */

	watch->stream.stuck = false;
	if (events & (EPOLLHUP | EPOLLERR)) {
		watcher_ignore(watcher, source);
		watcher_end(watcher, watch, "its reader has gone");
	}
}

int watch_set_events(struct watch *watch, char *const *names, size_t n, struct refusal *refusal) {
	return watch_event_parse("events", names, n, &watch->events, refusal);
}

static int take(struct watch *watch, const Usher__WatchAdd *add, struct fds *fds) {
	watch->number = add->number;
	watch->resumed = add->resumed;
	watch->root = add->root_fd < fds->n ? fd_take(&fds->fd[add->root_fd]) : -1;
	if (add->has_stream_fd && add->stream_fd < fds->n)
		watch->reader.fd = fd_take(&fds->fd[add->stream_fd]);
	if (watch->root < 0 || add->has_stream_fd != (watch->reader.fd >= 0))
		return -EBADF;
	watch->order = (Usher__Watcher *)message_copy(&add->watch->base);
	if (!watch->order)
		return -ENOMEM;
	watch->direct = watch->reader.fd >= 0 && watch->order->settle_usec == 0 &&
			watch->order->n_exclude == 0;
	watch->stream.fd = watch->reader.fd;
	watch->stream.uid = watch->backlog.uid = watch->order->beholder->uid;
	watch->stream.room = watch->backlog.room =
		watch->order->has_queue ? watch->order->queue : ROOM_USUAL;
	return 0;
}

int watch_new(struct watcher *watcher, const Usher__WatchAdd *add, struct fds *fds,
	      struct watch **ret, struct refusal *refusal) {
	struct watch *watch = calloc(1, sizeof *watch);
	int r;

	if (!watch)
		return -ENOMEM;
	watch->reader = (struct source){ .fd = -1, .ready = hear_reader };
	r = take(watch, add, fds);
	if (r == 0)
		r = parse_scope(watch->order->scope, &watch->scope, refusal);
	if (r == 0)
		r = watch_set_events(watch, watch->order->events, watch->order->n_events, refusal);
	if (r == 0 && watch->reader.fd >= 0)
		r = watcher_listen(watcher, &watch->reader, 0);
	if (r != 0) {
		watch_free(watcher, watch);
		return r;
	}
	*ret = watch;
	return 0;
}

void watch_free(struct watcher *watcher, struct watch *watch) {
	ProtobufCMessage *order = watch->order ? &watch->order->base : NULL;

	/* Closing it does not end that: the broker has the same stream. */
	if (watch->reader.fd >= 0)
		watcher_ignore(watcher, &watch->reader);
	fd_closep(&watch->reader.fd);
	fd_closep(&watch->root);
	message_freep(&order);
	stream_done(&watch->stream);
	backlog_drop(&watch->backlog, SIZE_MAX);
	hints_clear(&watch->missing);
	free(watch);
}

/* ---- what it is told ---- */

/* Others wait meanwhile, so that its user has only so much time for that: -ETIME if it is over. */
static int is_excluded(struct watcher *watcher, const struct watch *watch, const char *path,
		       size_t length) {
	const Usher__Watcher *order = watch->order;
	uint64_t began, left;
	int r = -ETIME;

	if (order->n_exclude == 0)
		return 0;
	began = instant_usec();
	left = toil_left(&watcher->toil, order->beholder->uid, began);
	if (left > 0)
		r = exclude_matches(order->exclude, order->n_exclude, path, length, began + left);
	toil_spend(&watcher->toil, order->beholder->uid, instant_usec() - began);
	return r;
}

/* One end of a move that is excluded is as good as hidden. 0 if nothing is left, or -ETIME. */
static int choose(struct watcher *watcher, const struct watch *watch, struct happening *happening) {
	int excluded = is_excluded(watcher, watch, happening->path, happening->path_length),
	    old_excluded = happening->old_path ? is_excluded(watcher, watch, happening->old_path,
							     happening->old_path_length)
					       : 0;
	bool here = !excluded;

	if (excluded < 0 || old_excluded < 0)
		return -ETIME;
	if (happening->old_path && old_excluded) {
		happening->old_path = NULL;
		happening->old_path_length = 0;
		happening->events = USHER_WATCH_CREATE;
		happening->half = true;
	} else if (happening->old_path && !here) {
		here = true;
		happening->path = happening->old_path;
		happening->path_length = happening->old_path_length;
		happening->old_path = NULL;
		happening->old_path_length = 0;
		happening->events = USHER_WATCH_DELETE;
		happening->half = true;
	}
	if (!happening->half || !(watch->events & USHER_WATCH_MOVE))
		happening->events &= watch->events;
	return here && happening->events != 0;
}

static void put_off(struct watch *watch, const struct happening *happening) {
	uint64_t window = watch->order->settle_usec;

	if (happening->slow && window < SLOW_USEC)
		window = SLOW_USEC;
	if (watch->backlog.n == 0)
		watch->due = instant_usec() + window;
	watch->stream.alone = true;
	chorus_except(&watch->stream);
	/* what comes after something that is lost is lost too until that has been said */
	if (!watch->missing.all && watch->missing.n == 0 &&
	    backlog_add(&watch->backlog, happening) == 0)
		return;
	watch->lost++;
	hints_add(&watch->missing, happening->path, happening_directory(happening),
		  happening->clock);
}

/* Nothing about it has to be thought over, and nothing waits before it. */
static bool is_plain(const struct watch *watch, const struct happening *happening) {
	return watch->direct && watch->backlog.n == 0 && !happening->slow && !happening->half;
}

void watch_tell(struct watcher *watcher, struct watch *watch, const struct happening *told) {
	struct happening happening;
	int r;

	if (watch->ended)
		return;
	if (is_plain(watch, told)) {
		if (told->events & watch->events)
			stream_put(&watch->stream, told, told->events & watch->events);
		return;
	}
	happening = *told;
	r = choose(watcher, watch, &happening);
	if (r < 0)
		watch_tell_lost(watcher, watch, told->clock);
	if (r <= 0)
		return;
	/* whatever comes after something that waits waits too */
	if (watch->reader.fd >= 0 && !happening.slow && watch->order->settle_usec == 0 &&
	    watch->backlog.n == 0)
		stream_put(&watch->stream, &happening, happening.events);
	else
		put_off(watch, &happening);
}

void watch_tell_rescan(struct watcher *watcher, struct watch *watch, const char *directory,
		       size_t length, uint64_t clock) {
	struct hints *hints = watch->reader.fd >= 0 ? &watch->stream.rescan : &watch->missing;

	if (!watch->ended && !(length > 0 && is_excluded(watcher, watch, directory, length) > 0))
		hints_add(hints, directory, length, clock);
}

void watch_tell_lost(struct watcher *watcher, struct watch *watch, uint64_t clock) {
	struct hints *hints = watch->reader.fd >= 0 ? &watch->stream.lost : &watch->missing;

	watch->lost++;
	chorus_except(&watch->stream);
	if (!watch->ended)
		hints_add_all(hints, clock);
}

/* ---- what is handed on ---- */

static void hand_to_stream(struct watcher *watcher, struct watch *watch, uint64_t now) {
	if (watch->backlog.n > 0 && now >= watch->due) {
		for (const struct pending *p = watch->backlog.first; p; p = p->next)
			stream_put(&watch->stream, &p->happening, p->happening.events);
		backlog_drop(&watch->backlog, SIZE_MAX);
	}
	if (watch->backlog.n == 0) {
		watch->stream.alone = false;
		hints_move(&watch->stream.lost, &watch->missing);
	}
	if (stream_is_empty(&watch->stream))
		return;
	if (!watch->stream.stuck)
		stream_flush(&watch->stream);
	if (watch->stream.stuck != watch->listening)
		(void)watcher_listen_for(watcher, &watch->reader,
					 watch->stream.stuck ? EPOLLOUT : 0);
	watch->listening = watch->stream.stuck;
	if (watch->stream.broken)
		watcher_end(watcher, watch, "its reader has gone");
}

static void hand_to_broker(struct watcher *watcher, struct watch *watch, uint64_t now) {
	int r = 0;

	if (now < watch->told + FRAME_USEC)
		return;
	if (watch->backlog.n > 0 && now >= watch->due)
		r = bulletin_say_events(watcher, watch);
	else if (watch->backlog.n == 0 && hints_any(&watch->missing))
		r = bulletin_say_lost(watcher, watch);
	else
		return;
	watch->told = now; /* also when there is no room now, so as not to try all the time */
	(void)r;
}

static uint64_t sum_of_counters(const struct watch *watch) {
	return watch->delivered + watch->lost + watch->stream.delivered + watch->stream.n_lost;
}

static void count(struct watcher *watcher, struct watch *watch, uint64_t now) {
	uint64_t sum = sum_of_counters(watch);

	if (sum == watch->counted || now < watch->counted_at + COUNTERS_USEC)
		return;
	watch->counted_at = now;
	if (bulletin_say_counters(watcher, watch) == 0)
		watch->counted = sum;
}

static uint64_t later(uint64_t one, uint64_t other) {
	return one > other ? one : other;
}

/* Of what waits, when it is to go on. */
static uint64_t next_of(const struct watch *watch) {
	uint64_t next = UINT64_MAX;

	if (watch->ended)
		return next;
	if (watch->backlog.n > 0)
		next = watch->due;
	else if (hints_any(&watch->missing))
		next = 0;
	if (next != UINT64_MAX && watch->reader.fd < 0)
		next = later(next, watch->told + FRAME_USEC);
	if (sum_of_counters(watch) != watch->counted && watch->counted_at + COUNTERS_USEC < next)
		next = watch->counted_at + COUNTERS_USEC;
	return next;
}

uint64_t watch_flush(struct watcher *watcher, struct watch *watch, uint64_t now) {
	if (!watch->ended) {
		if (watch->reader.fd >= 0)
			hand_to_stream(watcher, watch, now);
		else
			hand_to_broker(watcher, watch, now);
		count(watcher, watch, now);
		if (watch->gone && !watch_is_behind(watch))
			watcher_end(watcher, watch, "what it watched has gone");
	}
	return next_of(watch);
}

bool watch_is_behind(const struct watch *watch) {
	return !watch->ended && (watch->backlog.n > 0 || hints_any(&watch->missing) ||
				 !stream_is_empty(&watch->stream));
}
