/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watchers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "call.h"
#include "instant.h"
#include "message.h"
#include "store.h"
#include "watches.h"
#include "wire.h"

/* One that dies so often without having been of use is not started again. */
enum { FAILURES_MAX = 5, KEPT_FOR_EACH = 4 };

enum { MORE_JOURNAL, MORE_CONNECTION };

/* How long it may take to answer, from when on it has been of use, and how long the next one is
 * waited with for each that failed. */
static const uint64_t patience_usec = 10 * UINT64_C(1000000), use_usec = 10 * UINT64_C(1000000),
		      pause_usec = 50000, sending_usec = 1000;

static const char kind_name[] = "watcher", decisions[] = "decisions:";

struct watcher {
	struct watcher *next;
	struct watchers *watchers;
	char *key;
	uint64_t number;    /* by which systemd keeps it; 0: it does not */
	int connection;     /* -1: it is to be started again */
	int group, journal; /* of the one before, or -1 */
	sd_event_source *io, *timer, *sending;
	bool ready; /* for watches */
	bool heard; /* its first report has been acted upon, and is still to be taken */
	unsigned failures;
	uint64_t started_usec;
};

static void restart(struct watcher *watcher);

/* ---- coming and going ---- */

static void disconnect(struct watcher *watcher) {
	watcher->io = sd_event_source_disable_unref(watcher->io);
	watcher->timer = sd_event_source_disable_unref(watcher->timer);
	watcher->sending = sd_event_source_disable_unref(watcher->sending);
	fd_closep(&watcher->connection);
	watcher->ready = watcher->heard = false;
}

static void watcher_free(struct watcher *watcher) {
	sd_event_source_disable_unref(watcher->io);
	sd_event_source_disable_unref(watcher->timer);
	sd_event_source_disable_unref(watcher->sending);
	fd_closep(&watcher->connection);
	fd_closep(&watcher->group);
	fd_closep(&watcher->journal);
	free(watcher->key);
	free(watcher);
}

static struct watcher *watcher_new(struct watchers *watchers, const char *key) {
	struct watcher *watcher = calloc(1, sizeof *watcher);

	if (!watcher)
		return NULL;
	*watcher = (struct watcher){ .next = watchers->first,
				     .watchers = watchers,
				     .key = strdup(key),
				     .connection = -1,
				     .group = -1,
				     .journal = -1 };
	if (!watcher->key) {
		watcher_free(watcher);
		return NULL;
	}
	watchers->first = watcher;
	return watcher;
}

static void watcher_remove(struct watcher *watcher) {
	struct watcher **at = &watcher->watchers->first;

	while (*at != watcher)
		at = &(*at)->next;
	*at = watcher->next;
	disconnect(watcher);
	if (watcher->number > 0) {
		store_forget(kind_name, watcher->number);
		store_forget_more(kind_name, watcher->number);
	}
	watcher_free(watcher);
}

static struct watcher *find(const struct watchers *watchers, const char *key) {
	struct watcher *watcher = watchers->first;

	while (watcher && strcmp(watcher->key, key) != 0)
		watcher = watcher->next;
	return watcher;
}

static struct objects *watches_of(const struct watchers *watchers) {
	return &watchers->desk->objects[KIND_WATCH];
}

static bool is_of(const struct watcher *watcher, const struct object *watch) {
	return strcmp(watch_key(watch), watcher->key) == 0;
}

static struct object *any_of(const struct watcher *watcher) {
	struct object *watch = watches_of(watcher->watchers)->first;

	while (watch && !is_of(watcher, watch))
		watch = watch->next;
	return watch;
}

static bool has_others(const struct watcher *watcher, const struct object *but) {
	for (struct object *watch = watches_of(watcher->watchers)->first; watch;
	     watch = watch->next)
		if (watch != but && is_of(watcher, watch))
			return true;
	return false;
}

/* ---- what systemd keeps ---- */

static int keep_first(struct watcher *watcher) {
	const struct store_descriptors descriptors = {
		.fd = watcher->group,
		.socket = -1,
		.more = { [MORE_JOURNAL] = watcher->journal,
			  [MORE_CONNECTION] = watcher->connection },
	};
	Usher__WatcherObject message = USHER__WATCHER_OBJECT__INIT;

	watcher->number = ++watcher->watchers->last_number;
	message.has_number = true;
	message.number = watcher->number;
	message.watcher = watcher->key;
	return store_keep(kind_name, watcher->number, &message.base, &descriptors);
}

/* From here on it goes on when we are killed. What it has of its own stays systemd's from the first
 * of its kind to the last, so that there is no moment at which it would be lost. */
static int keep(struct watcher *watcher) {
	if (strncmp(watcher->key, decisions, strlen(decisions)) == 0)
		return 0; /* a group that nobody reads would hold up whoever asks it */
	if (watcher->number == 0)
		return keep_first(watcher);
	return store_replace(kind_name, watcher->number, MORE_CONNECTION, watcher->connection);
}

/* ---- what it is told ---- */

/* It is any watch's: of one descriptor systemd keeps one copy, whatever its names. */
static int superblock_of(const struct watcher *watcher) {
	const struct object *watch = any_of(watcher);

	return watch ? watch_superblock(watch) : -1;
}

/* Nobody waits for ever. */
static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
	struct watcher *watcher = userdata;

	sd_journal_print(LOG_WARNING, "the watcher of %s does not answer", watcher->key);
	restart(watcher);
	return 0;
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata);

static int set_timer(struct watcher *watcher, uint64_t usec, sd_event_time_handler_t handler) {
	watcher->timer = sd_event_source_disable_unref(watcher->timer);
	return sd_event_add_time_relative(watcher->watchers->desk->event, &watcher->timer,
					  CLOCK_MONOTONIC, usec, 0, handler, watcher);
}

static int introduce(struct watcher *watcher, struct object *watch) {
	int r = watch_introduce(watch, watcher->connection);

	if (r == 0)
		return set_timer(watcher, patience_usec, on_late);
	if (r == -EAGAIN) /* when it has heard what it was told */
		r = sd_event_source_set_io_events(watcher->io, EPOLLIN | EPOLLOUT);
	return r;
}

static int introduce_all(struct watcher *watcher) {
	int r = sd_event_source_set_io_events(watcher->io, EPOLLIN);

	for (struct object *watch = watches_of(watcher->watchers)->first; r >= 0 && watch;
	     watch = watch->next)
		if (is_of(watcher, watch) && !watch_is_told(watch) && !watch->orphan)
			r = introduce(watcher, watch);
	return r;
}

static int add_descriptor(struct fds *fds, int fd, protobuf_c_boolean *ret_has, uint32_t *ret) {
	int place = fd < 0 ? 0 : fds_add_copy(fds, fd);

	*ret_has = fd >= 0;
	*ret = (uint32_t)place;
	return place < 0 ? place : 0;
}

static int say_what_for(const struct watcher *watcher) {
	_cleanup_free_ char *kind = strndup(watcher->key, strcspn(watcher->key, ":"));
	Usher__WatcherOrder order = USHER__WATCHER_ORDER__INIT;
	Usher__WatcherBegin begin = USHER__WATCHER_BEGIN__INIT;
	_cleanup_(fds_done) struct fds fds = { 0 };
	int r = kind ? 0 : -ENOMEM;

	begin.kind = kind;
	order.begin = &begin;
	if (r == 0)
		r = add_descriptor(&fds, superblock_of(watcher), &begin.has_superblock_fd,
				   &begin.superblock_fd);
	if (r == 0)
		r = add_descriptor(&fds, watcher->group, &begin.has_group_fd, &begin.group_fd);
	if (r == 0)
		r = add_descriptor(&fds, watcher->journal, &begin.has_journal_fd,
				   &begin.journal_fd);
	return r == 0 ? wire_send(watcher->connection, &order.base, &fds) : r;
}

/* ---- what it says ---- */

static void replace(int *fd, const struct fds *fds, bool has, uint32_t place) {
	int given = has ? fds_get(fds, place) : -1;
	int copy = given < 0 ? -1 : fcntl(given, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return;
	fd_closep(fd);
	*fd = copy;
}

/* It says so before it marks anything, and one that goes on before it is told of any watch: what it
 * then says is not lost with us. */
static int on_kept(struct watcher *watcher) {
	_cleanup_(fds_done) struct fds fds = { 0 };
	ProtobufCMessage *message = NULL;
	const Usher__WatcherKept *kept;
	int r = wire_receive(watcher->connection, &usher__watcher_report__descriptor, &fds,
			     &message);

	if (r < 0)
		return r;
	kept = ((Usher__WatcherReport *)message)->kept;
	if (kept) {
		replace(&watcher->group, &fds, kept->has_group_fd, kept->group_fd);
		replace(&watcher->journal, &fds, kept->has_journal_fd, kept->journal_fd);
		r = keep(watcher);
		watcher->ready = true;
	}
	message_freep(&message);
	return r == 0 ? introduce_all(watcher) : r;
}

static bool is_awaited(const struct watcher *watcher) {
	return watcher->timer && sd_event_source_get_enabled(watcher->timer, NULL) > 0;
}

static void note_use(struct watcher *watcher) {
	if (is_awaited(watcher))
		watcher->timer = sd_event_source_disable_unref(watcher->timer);
	if (instant_usec() - watcher->started_usec > use_usec)
		watcher->failures = 0;
}

/* Of one that we know nothing of any more. */
static void dismiss(const struct watcher *watcher, uint64_t number) {
	Usher__WatcherOrder order = USHER__WATCHER_ORDER__INIT;

	order.has_remove = true;
	order.remove = number;
	(void)wire_send(watcher->connection, &order.base, NULL);
}

static int heed(struct watcher *watcher, const Usher__WatcherReport *report) {
	uint64_t number = watch_number(report);

	if (report->kept)
		return on_kept(watcher);
	note_use(watcher);
	watcher->heard = true;
	if (!watch_heed(watches_of(watcher->watchers), report) && number > 0 &&
	    watcher->connection >= 0)
		dismiss(watcher, number);
	return 0;
}

static int on_sent(sd_event_source *source, uint64_t usec, void *userdata) {
	struct watcher *watcher = userdata;

	watcher->sending = sd_event_source_disable_unref(watcher->sending);
	return watcher->io ? sd_event_source_set_enabled(watcher->io, SD_EVENT_ON) : 0;
}

/* A report is taken out of the socket when what follows from it has left us: whoever is killed in
 * the middle, the next one hears it again. */
static int take_report(struct watcher *watcher) {
	uint64_t queued = 0;

	(void)sd_bus_get_n_queued_write(watcher->watchers->desk->bus, &queued);
	if (queued == 0) {
		wire_skip(watcher->connection);
		watcher->heard = false;
		return 0;
	}
	if (!watcher->sending &&
	    sd_event_add_time_relative(watcher->watchers->desk->event, &watcher->sending,
				       CLOCK_MONOTONIC, sending_usec, 1, on_sent, watcher) < 0)
		return 0;
	return sd_event_source_set_enabled(watcher->io, SD_EVENT_OFF);
}

static int read_report(struct watcher *watcher) {
	ProtobufCMessage *message = NULL;
	int r = watcher->heard ? 0
			       : wire_peek(watcher->connection, &usher__watcher_report__descriptor,
					   &message);

	if (message)
		r = heed(watcher, (const Usher__WatcherReport *)message);
	message_freep(&message);
	if (r == 0 && watcher->connection >= 0 && watcher->heard)
		r = take_report(watcher);
	return r == -EAGAIN ? 0 : r;
}

static int on_report(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	struct watcher *watcher = userdata;
	int r = events & EPOLLOUT ? introduce_all(watcher) : 0;

	if (r >= 0 && events & ~(uint32_t)EPOLLOUT)
		r = read_report(watcher);
	if (r < 0 && watcher->connection >= 0)
		restart(watcher);
	return 0;
}

/* ---- starting ---- */

static int listen_to(struct watcher *watcher) {
	return sd_event_add_io(watcher->watchers->desk->event, &watcher->io, watcher->connection,
			       EPOLLIN, on_report, watcher);
}

static int start(struct watcher *watcher) {
	int r;

	watcher->started_usec = instant_usec();
	watcher->connection = launcher_connect_watcher(&watcher->watchers->desk->launcher);
	r = watcher->connection < 0 ? watcher->connection : listen_to(watcher);
	if (r >= 0)
		r = say_what_for(watcher);
	/* one that cannot begin says why to its watches */
	watcher->ready = watcher->group < 0 && watcher->journal < 0;
	if (r >= 0)
		r = watcher->ready ? introduce_all(watcher)
				   : set_timer(watcher, patience_usec, on_late);
	if (r < 0)
		disconnect(watcher);
	return r < 0 ? r : 0;
}

/* The watches go, and with the last of them the watcher. */
static void give_up(struct watcher *watcher) {
	struct object *watch;

	sd_journal_print(LOG_ERR, "the watcher of %s dies again and again", watcher->key);
	(void)set_timer(watcher, 0, on_pause_over);
	while ((watch = any_of(watcher)))
		watch_give_up(watch, "the watcher of the file system dies again and again");
}

static void restart(struct watcher *watcher) {
	disconnect(watcher);
	for (struct object *watch = watches_of(watcher->watchers)->first; watch;
	     watch = watch->next)
		if (is_of(watcher, watch))
			watch_lose_watcher(watch);
	if (!any_of(watcher))
		watcher_remove(watcher);
	else if (watcher->failures++ == FAILURES_MAX)
		give_up(watcher);
	else
		(void)set_timer(watcher, pause_usec * (watcher->failures - 1), on_pause_over);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata) {
	struct watcher *watcher = userdata;

	watcher->timer = sd_event_source_disable_unref(watcher->timer);
	if (!any_of(watcher))
		watcher_remove(watcher);
	else if (watcher->connection < 0 && start(watcher) < 0)
		restart(watcher);
	return 0;
}

/* ---- for watches ---- */

/* What goes wrong goes wrong later: who calls this is in the middle of something. */
int watchers_add(struct watchers *watchers, struct object *watch) {
	struct watcher *watcher =
		find(watchers, watch_key(watch)) ?: watcher_new(watchers, watch_key(watch));
	int r = watcher ? 0 : -ENOMEM;

	if (watcher && watcher->connection < 0 && watcher->failures == 0)
		r = start(watcher);
	else if (watcher && watcher->ready)
		r = introduce(watcher, watch);
	if (watcher && r < 0)
		r = set_timer(watcher, 0, on_late);
	return r < 0 ? r : 0;
}

int watchers_order(const struct watchers *watchers, const struct object *watch,
		   const Usher__WatcherOrder *order) {
	const struct watcher *watcher = find(watchers, watch_key(watch));

	if (!watcher || watcher->connection < 0 || !watch_is_told(watch))
		return -EAGAIN;
	return wire_send(watcher->connection, &order->base, NULL);
}

void watchers_remove(struct watchers *watchers, const struct object *watch) {
	struct watcher *watcher = find(watchers, watch_key(watch));

	if (!watcher)
		return;
	if (watcher->connection >= 0 && watch_is_told(watch))
		dismiss(watcher, watch->number);
	if (has_others(watcher, watch))
		return;
	disconnect(watcher); /* which ends it */
	(void)set_timer(watcher, 0, on_pause_over);
}

/* ---- over a restart ---- */

static int adopt(struct watchers *watchers, const Usher__WatcherObject *m,
		 struct store_descriptors *descriptors) {
	struct watcher *watcher;

	if (!m->watcher || m->number == 0 || find(watchers, m->watcher))
		return -EBADMSG;
	watcher = watcher_new(watchers, m->watcher);
	if (!watcher)
		return -ENOMEM;
	watcher->number = m->number;
	watcher->group = fd_take(&descriptors->fd);
	watcher->journal = fd_take(&descriptors->more[MORE_JOURNAL]);
	watcher->connection = fd_take(&descriptors->more[MORE_CONNECTION]);
	watcher->started_usec = instant_usec();
	if (watchers->last_number < m->number)
		watchers->last_number = m->number;
	watcher->ready = watcher->connection >= 0;
	return watcher->ready && listen_to(watcher) < 0 ? -ENOMEM : 0;
}

static int take_back(void *userdata, ProtobufCMessage *message,
		     struct store_descriptors *descriptors) {
	int r = adopt(userdata, (const Usher__WatcherObject *)message, descriptors);

	message_freep(&message);
	return r;
}

int watchers_load(struct watchers *watchers) {
	return store_load(kind_name, &usher__watcher_object__descriptor, take_back, watchers);
}

void watchers_tidy(struct watchers *watchers) {
	struct watcher *next;

	for (struct watcher *watcher = watchers->first; watcher; watcher = next) {
		next = watcher->next;
		if (!any_of(watcher))
			watcher_remove(watcher);
	}
}

/* Those that systemd keeps stay. */
void watchers_done(struct watchers *watchers) {
	while (watchers->first) {
		struct watcher *watcher = watchers->first;

		watchers->first = watcher->next;
		watcher_free(watcher);
	}
}

size_t watchers_kept(const struct watchers *watchers) {
	size_t n = 0;

	for (const struct watcher *watcher = watchers->first; watcher; watcher = watcher->next)
		n += KEPT_FOR_EACH;
	return n;
}
