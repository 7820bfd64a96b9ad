/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "attendants.h"

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
#include "wire.h"

/* One that dies so often without having been of use is not started again. */
enum { FAILURES_MAX = 5, KEPT_FOR_EACH = 2 + ATTENDANT_OWN_MAX };

enum { MORE_OWN, MORE_CONNECTION, MORE_LAST };

/* How long it may take to answer, from when on it has been of use, and how long the next one is
 * waited with for each that failed. */
static const uint64_t patience_usec = 10 * UINT64_C(1000000), use_usec = 10 * UINT64_C(1000000),
		      pause_usec = 50000;

struct attendant {
	struct attendant *next;
	struct attendants *attendants;
	char *key;
	uint64_t number; /* by which systemd keeps it; 0: it does not */
	int connection;  /* -1: it is to be started again */
	int own[ATTENDANT_OWN_MAX];
	sd_event_source *io, *timer;
	sd_bus_slot *sending;
	bool ready; /* for objects */
	bool heard; /* its first report has been acted upon, and is still to be taken */
	unsigned failures;
	uint64_t started_usec;
};

static void restart(struct attendant *attendant);

static const struct attendant_kind *kind_of(const struct attendant *attendant) {
	return attendant->attendants->kind;
}

/* ---- coming and going ---- */

static void disconnect(struct attendant *attendant) {
	attendant->io = sd_event_source_disable_unref(attendant->io);
	attendant->timer = sd_event_source_disable_unref(attendant->timer);
	attendant->sending = sd_bus_slot_unref(attendant->sending);
	fd_closep(&attendant->connection);
	attendant->ready = attendant->heard = false;
}

static void attendant_free(struct attendant *attendant) {
	sd_event_source_disable_unref(attendant->io);
	sd_event_source_disable_unref(attendant->timer);
	sd_bus_slot_unref(attendant->sending);
	fd_closep(&attendant->connection);
	for (size_t i = 0; i < ATTENDANT_OWN_MAX; i++)
		fd_closep(&attendant->own[i]);
	free(attendant->key);
	free(attendant);
}

static struct attendant *attendant_new(struct attendants *attendants, const char *key) {
	struct attendant *attendant = calloc(1, sizeof *attendant);

	if (!attendant)
		return NULL;
	*attendant = (struct attendant){ .next = attendants->first,
					 .attendants = attendants,
					 .key = strdup(key),
					 .connection = -1,
					 .own = { -1, -1, -1 } };
	if (!attendant->key) {
		attendant_free(attendant);
		return NULL;
	}
	attendants->first = attendant;
	return attendant;
}

static void attendant_remove(struct attendant *attendant) {
	struct attendant **at = &attendant->attendants->first;

	while (*at != attendant)
		at = &(*at)->next;
	*at = attendant->next;
	disconnect(attendant);
	if (attendant->number > 0) {
		const int had[STORE_MORE_MAX] = {
			[MORE_OWN] = attendant->own[1], [MORE_LAST] = attendant->own[2]
		};

		store_forget(kind_of(attendant)->name, attendant->number);
		store_forget_more(kind_of(attendant)->name, attendant->number, had, false);
	}
	attendant_free(attendant);
}

static struct attendant *find(const struct attendants *attendants, const char *key) {
	struct attendant *attendant = attendants->first;

	while (attendant && strcmp(attendant->key, key) != 0)
		attendant = attendant->next;
	return attendant;
}

static struct objects *objects_of(const struct attendants *attendants) {
	return &attendants->desk->objects[attendants->kind->objects];
}

static bool is_of(const struct attendant *attendant, const struct object *object) {
	return strcmp(kind_of(attendant)->key(object), attendant->key) == 0;
}

struct object *attendant_any(const struct attendant *attendant) {
	struct object *object = objects_of(attendant->attendants)->first;

	while (object && !is_of(attendant, object))
		object = object->next;
	return object;
}

static bool has_others(const struct attendant *attendant, const struct object *but) {
	for (struct object *object = objects_of(attendant->attendants)->first; object;
	     object = object->next)
		if (object != but && is_of(attendant, object))
			return true;
	return false;
}

/* ---- what systemd keeps ---- */

static int keep_first(struct attendant *attendant) {
	const struct store_descriptors descriptors = {
		.fd = attendant->own[0],
		.socket = -1,
		.more = { [MORE_OWN] = attendant->own[1],
			  [MORE_CONNECTION] = attendant->connection,
			  [MORE_LAST] = attendant->own[2] },
	};
	Usher__WatcherObject message = USHER__WATCHER_OBJECT__INIT;

	attendant->number = ++attendant->attendants->last_number;
	message.has_number = true;
	message.number = attendant->number;
	message.watcher = attendant->key;
	return store_keep(kind_of(attendant)->name, attendant->number, &message.base, &descriptors);
}

/* What it has of its own stays systemd's from the first of its kind to the last, so that there is
 * no moment at which it would be lost. */
int attendant_keep(struct attendant *attendant) {
	if (attendant->number == 0)
		return keep_first(attendant);
	return store_replace(kind_of(attendant)->name, attendant->number, MORE_CONNECTION,
			     attendant->connection);
}

bool attendant_is_kept(const struct attendant *attendant) {
	return attendant->number > 0;
}

const struct attendant *attendants_next(const struct attendants *attendants,
					const struct attendant *attendant) {
	return attendant ? attendant->next : attendants->first;
}

const char *attendant_key(const struct attendant *attendant) {
	return attendant->key;
}

int attendant_connection(const struct attendant *attendant) {
	return attendant->connection;
}

int attendant_own(const struct attendant *attendant, size_t i) {
	return attendant->own[i];
}

void attendant_set_own(struct attendant *attendant, size_t i, int fd) {
	int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return;
	fd_closep(&attendant->own[i]);
	attendant->own[i] = copy;
}

/* ---- what it is told ---- */

/* Nobody waits for ever. */
static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
	struct attendant *attendant = userdata;

	sd_journal_print(LOG_WARNING, "the %s %s does not answer", kind_of(attendant)->what,
			 attendant->key);
	restart(attendant);
	return 0;
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata);

static int set_timer(struct attendant *attendant, uint64_t usec, sd_event_time_handler_t handler) {
	attendant->timer = sd_event_source_disable_unref(attendant->timer);
	return sd_event_add_time_relative(attendant->attendants->desk->event, &attendant->timer,
					  CLOCK_MONOTONIC, usec, 0, handler, attendant);
}

static int introduce(struct attendant *attendant, struct object *object) {
	int r = kind_of(attendant)->introduce(object, attendant->connection);

	if (r == 0)
		return set_timer(attendant, patience_usec, on_late);
	if (r == -EAGAIN) /* when it has heard what it was told */
		r = sd_event_source_set_io_events(attendant->io, EPOLLIN | EPOLLOUT);
	return r;
}

static int introduce_all(struct attendant *attendant) {
	const struct attendant_kind *kind = kind_of(attendant);
	int r = sd_event_source_set_io_events(attendant->io, EPOLLIN);

	for (struct object *object = objects_of(attendant->attendants)->first; r >= 0 && object;
	     object = object->next)
		if (is_of(attendant, object) && !kind->is_told(object) && !object->orphan)
			r = introduce(attendant, object);
	return r;
}

/* ---- what it says ---- */

/* One that goes on where another one was says so before it is told of any object: what it then says
 * is not lost with us. */
static int on_own(struct attendant *attendant) {
	const struct attendant_kind *kind = kind_of(attendant);
	_cleanup_(fds_done) struct fds fds = { 0 };
	ProtobufCMessage *message = NULL;
	int r = wire_receive(attendant->connection, kind->report, &fds, &message);

	if (r < 0)
		return r;
	r = kind->take_own(attendant, message, &fds);
	attendant->ready = true;
	message_freep(&message);
	return r == 0 ? introduce_all(attendant) : r;
}

static bool is_awaited(const struct attendant *attendant) {
	return attendant->timer && sd_event_source_get_enabled(attendant->timer, NULL) > 0;
}

static void note_use(struct attendant *attendant) {
	if (is_awaited(attendant))
		attendant->timer = sd_event_source_disable_unref(attendant->timer);
	if (instant_usec() - attendant->started_usec > use_usec)
		attendant->failures = 0;
}

/* Of an object that we know nothing of any more, it is told so. */
static int heed(struct attendant *attendant, const ProtobufCMessage *report) {
	const struct attendant_kind *kind = kind_of(attendant);
	uint64_t number = kind->number(report);

	if (kind->is_own && kind->is_own(report))
		return on_own(attendant);
	note_use(attendant);
	attendant->heard = true;
	if (!kind->heed(objects_of(attendant->attendants), report) && number > 0 &&
	    attendant->connection >= 0)
		(void)kind->dismiss(attendant, number);
	return 0;
}

static void take(struct attendant *attendant) {
	wire_skip(attendant->connection);
	attendant->heard = false;
}

static int on_sent(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
	struct attendant *attendant = userdata;

	attendant->sending = sd_bus_slot_unref(attendant->sending);
	take(attendant);
	return sd_event_source_set_enabled(attendant->io, SD_EVENT_ON);
}

/* A report is taken out of the socket when the bus has what follows from it: it answers in the
 * order in which it is told. Whoever is killed in the middle, the next one hears it again; what has
 * only been written to the bus is lost with its writer, if that leaves something unread behind. */
static int take_report(struct attendant *attendant) {
	if (!attendant->sending &&
	    sd_bus_call_method_async(attendant->attendants->desk->bus, &attendant->sending,
				     "org.freedesktop.DBus", "/org/freedesktop/DBus",
				     "org.freedesktop.DBus.Peer", "Ping", on_sent, attendant,
				     NULL) < 0) {
		take(attendant);
		return 0;
	}
	return sd_event_source_set_enabled(attendant->io, SD_EVENT_OFF);
}

static int read_report(struct attendant *attendant) {
	ProtobufCMessage *message = NULL;
	int r = attendant->heard
			? 0
			: wire_peek(attendant->connection, kind_of(attendant)->report, &message);

	if (message)
		r = heed(attendant, message);
	message_freep(&message);
	if (r == 0 && attendant->connection >= 0 && attendant->heard)
		r = take_report(attendant);
	return r == -EAGAIN ? 0 : r;
}

static int on_report(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	struct attendant *attendant = userdata;
	int r = events & EPOLLOUT ? introduce_all(attendant) : 0;

	if (r >= 0 && events & ~(uint32_t)EPOLLOUT)
		r = read_report(attendant);
	if (r < 0 && attendant->connection >= 0)
		restart(attendant);
	return 0;
}

/* ---- starting ---- */

static int listen_to(struct attendant *attendant) {
	return sd_event_add_io(attendant->attendants->desk->event, &attendant->io,
			       attendant->connection, EPOLLIN, on_report, attendant);
}

static bool has_own(const struct attendant *attendant) {
	for (size_t i = 0; i < ATTENDANT_OWN_MAX; i++)
		if (attendant->own[i] >= 0)
			return true;
	return false;
}

static int start(struct attendant *attendant) {
	const struct attendant_kind *kind = kind_of(attendant);
	int r;

	attendant->started_usec = instant_usec();
	attendant->connection = kind->connect(&attendant->attendants->desk->launcher);
	r = attendant->connection < 0 ? attendant->connection : listen_to(attendant);
	if (r >= 0)
		r = kind->begin(attendant);
	if (r >= 0 && !kind->is_own)
		r = attendant_keep(attendant);
	/* one that cannot begin says why to its objects */
	attendant->ready = !has_own(attendant);
	if (r >= 0)
		r = attendant->ready ? introduce_all(attendant)
				     : set_timer(attendant, patience_usec, on_late);
	if (r < 0)
		disconnect(attendant);
	return r < 0 ? r : 0;
}

/* The objects go, and with the last of them the attendant. */
static void give_up(struct attendant *attendant) {
	const struct attendant_kind *kind = kind_of(attendant);
	struct object *object;

	sd_journal_print(LOG_ERR, "the %s %s dies again and again", kind->what, attendant->key);
	(void)set_timer(attendant, 0, on_pause_over);
	while ((object = attendant_any(attendant)))
		kind->give_up(object, kind->dies_again);
}

static void restart(struct attendant *attendant) {
	disconnect(attendant);
	for (struct object *object = objects_of(attendant->attendants)->first; object;
	     object = object->next)
		if (is_of(attendant, object))
			kind_of(attendant)->lose(object);
	if (!attendant_any(attendant))
		attendant_remove(attendant);
	else if (attendant->failures++ == FAILURES_MAX)
		give_up(attendant);
	else
		(void)set_timer(attendant, pause_usec * (attendant->failures - 1), on_pause_over);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata) {
	struct attendant *attendant = userdata;

	attendant->timer = sd_event_source_disable_unref(attendant->timer);
	if (!attendant_any(attendant))
		attendant_remove(attendant);
	else if (attendant->connection < 0 && start(attendant) < 0)
		restart(attendant);
	return 0;
}

/* ---- for objects ---- */

/* What goes wrong goes wrong later: who calls this is in the middle of something. */
int attendants_add(struct attendants *attendants, struct object *object) {
	const char *key = attendants->kind->key(object);
	struct attendant *attendant = find(attendants, key) ?: attendant_new(attendants, key);
	int r = attendant ? 0 : -ENOMEM;

	if (attendant && attendant->connection < 0 && attendant->failures == 0)
		r = start(attendant);
	else if (attendant && attendant->ready)
		r = introduce(attendant, object);
	if (attendant && r < 0)
		r = set_timer(attendant, 0, on_late);
	return r < 0 ? r : 0;
}

int attendants_order(const struct attendants *attendants, const struct object *object,
		     const ProtobufCMessage *order) {
	const struct attendant *attendant = find(attendants, attendants->kind->key(object));

	if (!attendant || attendant->connection < 0 || !attendants->kind->is_told(object))
		return -EAGAIN;
	return wire_send(attendant->connection, order, NULL);
}

void attendants_remove(struct attendants *attendants, const struct object *object) {
	struct attendant *attendant = find(attendants, attendants->kind->key(object));

	if (!attendant)
		return;
	if (attendant->connection >= 0 && attendants->kind->is_told(object))
		(void)attendants->kind->dismiss(attendant, object->number);
	if (has_others(attendant, object))
		return;
	disconnect(attendant); /* which ends it */
	(void)set_timer(attendant, 0, on_pause_over);
}

/* ---- over a restart ---- */

static int adopt(struct attendants *attendants, const Usher__WatcherObject *m,
		 struct store_descriptors *descriptors) {
	struct attendant *attendant;

	if (!m->watcher || m->number == 0 || find(attendants, m->watcher))
		return -EBADMSG;
	attendant = attendant_new(attendants, m->watcher);
	if (!attendant)
		return -ENOMEM;
	attendant->number = m->number;
	attendant->own[0] = fd_take(&descriptors->fd);
	attendant->own[1] = fd_take(&descriptors->more[MORE_OWN]);
	attendant->own[2] = fd_take(&descriptors->more[MORE_LAST]);
	attendant->connection = fd_take(&descriptors->more[MORE_CONNECTION]);
	attendant->started_usec = instant_usec();
	if (attendants->last_number < m->number)
		attendants->last_number = m->number;
	attendant->ready = attendant->connection >= 0;
	return attendant->ready && listen_to(attendant) < 0 ? -ENOMEM : 0;
}

static int take_back(void *userdata, ProtobufCMessage *message,
		     struct store_descriptors *descriptors) {
	int r = adopt(userdata, (const Usher__WatcherObject *)message, descriptors);

	message_freep(&message);
	return r;
}

int attendants_load(struct attendants *attendants) {
	return store_load(attendants->kind->name, &usher__watcher_object__descriptor, take_back,
			  attendants);
}

void attendants_tidy(struct attendants *attendants) {
	struct attendant *next;

	for (struct attendant *attendant = attendants->first; attendant; attendant = next) {
		next = attendant->next;
		if (!attendant_any(attendant))
			attendant_remove(attendant);
	}
}

/* Those that systemd keeps stay. */
void attendants_done(struct attendants *attendants) {
	while (attendants->first) {
		struct attendant *attendant = attendants->first;

		attendants->first = attendant->next;
		attendant_free(attendant);
	}
}

size_t attendants_kept(const struct attendants *attendants) {
	size_t n = 0;

	for (const struct attendant *attendant = attendants->first; attendant;
	     attendant = attendant->next)
		n += KEPT_FOR_EACH;
	return n;
}
