/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "instant.h"
#include "message.h"
#include "watch.h"
#include "wire.h"

enum {
	EVENTS_AT_ONCE = 16,
	SAY_MSEC = 20000,
	GATHERING_USEC = 500 * 1000,
	CHANGED_MAX = 10000,
	CHANGED_BYTES_MAX = 1 << 20, /* a quarter of what they may be on the bus, with escapes */
};

static const struct watcher_kind *const kinds[] = {
	&filesystem_kind, &overlay_kind, &inotify_kind, &mounts_kind, &decisions_kind,
};

/* ---- what is listened to ---- */

static int control(struct watcher *watcher, int what, struct source *source, uint32_t events) {
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(watcher->epoll, what, source->fd, &event) < 0 ? -errno : 0;
}

int watcher_listen(struct watcher *watcher, struct source *source, uint32_t events) {
	return control(watcher, EPOLL_CTL_ADD, source, events);
}

int watcher_listen_for(struct watcher *watcher, struct source *source, uint32_t events) {
	return control(watcher, EPOLL_CTL_MOD, source, events);
}

void watcher_ignore(struct watcher *watcher, struct source *source) {
	(void)control(watcher, EPOLL_CTL_DEL, source, 0);
}

/* ---- what is said to the broker ---- */

int watcher_try_to_say(struct watcher *watcher, const Usher__WatcherReport *report) {
	return wire_send(watcher->connection.fd, &report->base, NULL);
}

void watcher_say(struct watcher *watcher, const Usher__WatcherReport *report,
		 const struct fds *fds) {
	struct pollfd broker = { .fd = watcher->connection.fd, .events = POLLOUT };
	int r;

	/* It never waits for us, so that this does not last; it may be about to be started again.
	 */
	while ((r = wire_send(watcher->connection.fd, &report->base, fds)) == -EAGAIN)
		if (poll(&broker, 1, SAY_MSEC) == 0)
			break;
	if (r < 0)
		watcher->leaving = true;
}

static void say_done(struct watcher *watcher, uint64_t number, const uint64_t *serial, int code,
		     const char *text) {
	Usher__WatcherReport report = USHER__WATCHER_REPORT__INIT;
	Usher__WatchDone done = USHER__WATCH_DONE__INIT;

	done.number = number;
	done.code = code;
	done.text = code != 0 && *text ? (char *)(uintptr_t)text : NULL;
	done.has_serial = serial != NULL;
	done.serial = serial ? *serial : 0;
	done.has_clock = true;
	done.clock = journal_clock(&watcher->journal);
	report.done = &done;
	watcher_say(watcher, &report, NULL);
}

void watcher_keep(struct watcher *watcher, int group) {
	Usher__WatcherReport report = USHER__WATCHER_REPORT__INIT;
	Usher__WatcherKept kept = USHER__WATCHER_KEPT__INIT;
	const struct fds fds = { .fd = { watcher->journal.fd, group }, .n = group < 0 ? 1 : 2 };

	kept.has_journal_fd = true;
	kept.journal_fd = 0;
	kept.has_group_fd = group >= 0;
	kept.group_fd = 1;
	report.kept = &kept;
	watcher_say(watcher, &report, &fds);
}

void watcher_end(struct watcher *watcher, struct watch *watch, const char *text) {
	Usher__WatcherReport report = USHER__WATCHER_REPORT__INIT;
	Usher__WatchEnded ended = USHER__WATCH_ENDED__INIT;

	if (watch->ended)
		return;
	watch->ended = watch->stream.alone = true;
	chorus_except(&watch->stream);
	ended.number = watch->number;
	ended.text = (char *)(uintptr_t)text;
	report.ended = &ended;
	watcher_say(watcher, &report, NULL);
}

struct watcher_changes {
	Usher__WatchChanged answer;
	size_t bytes;
};

int watcher_changed(struct watcher_changes *changes, const char *directory) {
	Usher__WatchChanged *answer = &changes->answer;

	changes->bytes += strlen(directory) + 1;
	if (answer->n_directories >= CHANGED_MAX || changes->bytes > CHANGED_BYTES_MAX)
		return -E2BIG;
	return message_append_string(&answer->directories, &answer->n_directories, directory);
}

/* ---- what the broker orders ---- */

struct watch *watcher_find(const struct watcher *watcher, uint64_t number) {
	for (size_t i = 0; i < watcher->n_watches; i++)
		if (watcher->watches[i]->number == number)
			return watcher->watches[i];
	return NULL;
}

static const struct watcher_kind *find_kind(const char *name) {
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

/* The descriptor at a place of a frame's, which is the caller's now; -1 if there is none. */
static int take_from(struct fds *fds, bool has, uint32_t place) {
	return has && place < fds->n ? fd_take(&fds->fd[place]) : -1;
}

static void begin(struct watcher *watcher, const Usher__WatcherBegin *order, struct fds *fds) {
	_cleanup_close_ int superblock =
		take_from(fds, order->has_superblock_fd, order->superblock_fd);
	_cleanup_close_ int group = take_from(fds, order->has_group_fd, order->group_fd);
	_cleanup_close_ int journal = take_from(fds, order->has_journal_fd, order->journal_fd);
	const struct watcher_kind *kind = find_kind(order->kind);

	if (watcher->kind || !kind || journal_open(&watcher->journal, &journal) < 0) {
		watcher->leaving = true;
		return;
	}
	watcher->succeeds = order->has_journal_fd;
	if (!order->has_journal_fd) /* a watch that had a watcher before has none of its eyes */
		watcher->journal.interrupted = true;
	watcher->refused = kind->begin(watcher, &superblock, &group, &watcher->refusal);
	watcher->kind = kind;
}

static int append(struct watcher *watcher, struct watch *watch) {
	struct watch **more = reallocarray(watcher->watches, watcher->n_watches + 1, sizeof *more);

	if (!more)
		return -ENOMEM;
	watcher->watches = more;
	watcher->watches[watcher->n_watches++] = watch;
	return 0;
}

static int add(struct watcher *watcher, const Usher__WatchAdd *order, struct fds *fds,
	       struct refusal *refusal) {
	struct watch *watch;
	int r;

	if (watcher->refused) {
		*refusal = watcher->refusal;
		return watcher->refused;
	}
	if (watcher_find(watcher, order->number))
		return 0; /* the broker has been restarted */
	r = watch_new(watcher, order, fds, &watch, refusal);
	if (r != 0)
		return r;
	r = watcher->kind->add(watcher, watch, refusal);
	if (r == 0) {
		r = append(watcher, watch);
		if (r < 0)
			watcher->kind->remove(watcher, watch);
	}
	if (r != 0) {
		watch_free(watcher, watch);
		return r;
	}
	watcher->begun = true;
	watcher->last_add_usec = instant_usec();
	if (watch->resumed && watcher->journal.interrupted)
		watch_tell_lost(watcher, watch, journal_tick(&watcher->journal));
	return 0;
}

static void drop(struct watcher *watcher, uint64_t number) {
	for (size_t i = 0; i < watcher->n_watches; i++) {
		struct watch *watch = watcher->watches[i];

		if (watch->number != number)
			continue;
		watcher->watches[i] = watcher->watches[--watcher->n_watches];
		watcher->kind->remove(watcher, watch);
		watch_free(watcher, watch);
		return;
	}
}

static int set_events(struct watcher *watcher, const Usher__WatchSetEvents *order,
		      struct refusal *refusal) {
	struct watch *watch = watcher_find(watcher, order->number);
	uint32_t before;
	int r;

	if (!watch)
		return -ENOENT;
	before = watch->events;
	r = watch_set_events(watch, order->events, order->n_events, refusal);
	if (r == 0)
		r = watcher->kind->set_events(watcher, watch, refusal);
	if (r != 0)
		watch->events = before;
	return r;
}

static int decide(struct watcher *watcher, const Usher__WatchDecide *order,
		  struct refusal *refusal) {
	struct watch *watch = watcher_find(watcher, order->number);

	if (!watch)
		return -ENOENT;
	if (!watcher->kind->decide)
		return refusal_note(refusal, REFUSED_INVALID, "clock: nothing waits for it");
	return watcher->kind->decide(watcher, watch, order->clock, order->allow, refusal);
}

static void since(struct watcher *watcher, const Usher__WatchSince *order) {
	struct watch *watch = watcher_find(watcher, order->number);
	Usher__WatcherReport report = USHER__WATCHER_REPORT__INIT;
	struct watcher_changes changes = { USHER__WATCH_CHANGED__INIT, 0 };
	Usher__WatchChanged *answer = &changes.answer;

	answer->number = order->number;
	answer->serial = order->serial;
	answer->complete = watch && watcher->kind->since &&
			   watcher->kind->since(watcher, watch, order->clock, &changes);
	answer->clock = journal_clock(&watcher->journal);
	report.changed = answer;
	watcher_say(watcher, &report, NULL);
	for (size_t i = 0; i < answer->n_directories; i++)
		free(answer->directories[i]);
	free(answer->directories);
}

static void obey(struct watcher *watcher, const Usher__WatcherOrder *order, struct fds *fds) {
	struct refusal refusal = { 0 };

	if (order->begin)
		begin(watcher, order->begin, fds);
	if (!watcher->kind)
		return;
	if (order->add)
		say_done(watcher, order->add->number, NULL, add(watcher, order->add, fds, &refusal),
			 refusal.text);
	if (order->set_events)
		say_done(watcher, order->set_events->number, &order->set_events->serial,
			 set_events(watcher, order->set_events, &refusal), refusal.text);
	if (order->decide)
		say_done(watcher, order->decide->number, &order->decide->serial,
			 decide(watcher, order->decide, &refusal), refusal.text);
	if (order->since)
		since(watcher, order->since);
	if (order->has_remove)
		drop(watcher, order->remove);
	if ((order->add || order->has_remove) && watcher->begun && watcher->n_watches == 0)
		watcher->leaving = true;
}

static void hear_broker(struct watcher *watcher, struct source *source, uint32_t events) {
	while (!watcher->leaving) {
		ProtobufCMessage *message = NULL;
		struct fds fds = { 0 };
		int r = wire_receive(source->fd, &usher__watcher_order__descriptor, &fds, &message);

		if (r == 0)
			obey(watcher, (Usher__WatcherOrder *)message, &fds);
		else if (r != -EAGAIN && r != -EINTR)
			watcher->leaving = true;
		message_freep(&message);
		fds_done(&fds);
		if (r != 0)
			return;
	}
}

/* ---- the loop ---- */

/* What an earlier watcher had read and not told is said to each of its watches, as they come, one
 * after the other. Until all have heard it, a next watcher must hear it, too. */
static uint64_t gathers_until(const struct watcher *watcher) {
	if (!watcher->succeeds || !watcher->journal.interrupted)
		return 0;
	return watcher->begun ? watcher->last_add_usec + GATHERING_USEC : UINT64_MAX;
}

/* After what was heard: has it told, and returns until when nothing is to be done. */
static uint64_t settle(struct watcher *watcher) {
	uint64_t now = instant_usec(), next = UINT64_MAX, until = gathers_until(watcher);
	bool behind = now < until;

	if (behind)
		next = until;
	if (watcher->kind && watcher->kind->settle)
		next = instant_earlier(next, watcher->kind->settle(watcher, now));
	for (size_t i = 0; i < watcher->n_watches; i++) {
		struct watch *watch = watcher->watches[i];

		next = instant_earlier(next, watch_flush(watcher, watch, now));
		behind = behind || watch_is_behind(watch);
	}
	if (watcher->kind)
		journal_set_busy(&watcher->journal, behind || watcher->behind);
	return next;
}

static int turn(struct watcher *watcher, uint64_t next) {
	struct epoll_event heard[EVENTS_AT_ONCE];
	uint32_t orders = 0;
	int n;

	watcher->idle_since = instant_usec();
	n = epoll_wait(watcher->epoll, heard, EVENTS_AT_ONCE, instant_milliseconds_until(next));
	if (n < 0 && errno != EINTR)
		return -errno;
	/* What an order removes may be among the rest of what was heard: that comes first. */
	for (int i = 0; i < n; i++) {
		struct source *source = heard[i].data.ptr;

		if (source == &watcher->connection)
			orders = heard[i].events;
		else
			source->ready(watcher, source, heard[i].events);
	}
	if (orders)
		watcher->connection.ready(watcher, &watcher->connection, orders);
	return 0;
}

static void finish(struct watcher *watcher) {
	while (watcher->n_watches > 0)
		drop(watcher, watcher->watches[0]->number);
	free(watcher->watches);
	if (watcher->kind && watcher->kind->end)
		watcher->kind->end(watcher);
	journal_close(&watcher->journal);
	fd_closep(&watcher->epoll);
}

int watcher_serve(int connection) {
	struct watcher watcher = {
		.connection = { .fd = connection, .ready = hear_broker },
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.journal = { .fd = -1 },
	};
	int r;

	if (watcher.epoll < 0 || fcntl(connection, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return -errno;
	r = watcher_listen(&watcher, &watcher.connection, EPOLLIN);
	while (r == 0 && !watcher.leaving)
		r = turn(&watcher, settle(&watcher));
	finish(&watcher);
	return r;
}
