/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "call.h"
#include "lifetime.h"
#include "making.h"
#include "message.h"
#include "reception.h"
#include "store.h"
#include "watch-signals.h"
#include "watch-words.h"
#include "watchers.h"
#include "wire.h"

struct watch {
	struct object base;
	struct watch_signals signals;
	bool told;  /* its watcher has heard of it */
	bool begun; /* one has said that it looks after it, in this life of the service or before */
	uint64_t serial; /* of the change of events that is under way, or 0 */
	uint32_t events; /* that it is to have then */
};

enum { MORE_ROOT, MORE_SUPERBLOCK };

static uint64_t last_serial;

static Usher__WatchObject *message_of(const struct object *object) {
	return (Usher__WatchObject *)object->message;
}

static struct attendants *watchers_of(const struct object *object) {
	return &object->objects->desk->watchers;
}

const char *watch_key(const struct object *object) {
	return message_of(object)->watcher;
}

/* What is watched: a directory is kept under the name of the watch. A file might be one in memory,
 * as the message is. */
static int root_of(const struct object *object) {
	return object->fd >= 0 ? object->fd : object->more[MORE_ROOT];
}

int watch_superblock(const struct object *object) {
	return object->more[MORE_SUPERBLOCK];
}

bool watch_is_told(const struct object *object) {
	return ((const struct watch *)object)->told;
}

bool watch_session_of(const struct object *object, uid_t *ret) {
	*ret = message_of(object)->session_of;
	return message_of(object)->has_session_of;
}

void watches_drop_user(struct objects *watches, uid_t uid) {
	uid_t of;

	for (struct object *object = watches->first, *next; object; object = next) {
		next = object->next;
		if (watch_session_of(object, &of) && of == uid)
			object_end(object);
	}
}

/* ---- to its watcher ---- */

static int add_copy(struct fds *fds, int fd, uint32_t *ret) {
	int place = fds_add_copy(fds, fd);

	*ret = (uint32_t)place;
	return place < 0 ? place : 0;
}

int watch_introduce(struct object *object, int connection) {
	struct watch *watch = (struct watch *)object;
	Usher__WatcherOrder order = USHER__WATCHER_ORDER__INIT;
	Usher__WatchAdd add = USHER__WATCH_ADD__INIT;
	_cleanup_(fds_done) struct fds fds = { 0 };
	int r;

	add.number = object->number;
	add.watch = message_of(object)->order;
	add.has_resumed = add.resumed = watch->begun;
	add.has_stream_fd = object->socket >= 0;
	r = add_copy(&fds, root_of(object), &add.root_fd);
	if (r == 0 && add.has_stream_fd)
		r = add_copy(&fds, object->socket, &add.stream_fd);
	order.add = &add;
	if (r == 0)
		r = wire_send(connection, &order.base, &fds);
	watch->told = r == 0;
	return r;
}

/* ---- from its watcher ---- */

static void end_with(struct object *object, int code, const char *text) {
	/* nobody has been told of one that is being made */
	if (!object->hidden || !making_begun(object, code, text))
		object_end(object);
}

static void on_added(struct object *object, const Usher__WatchDone *done) {
	struct watch *watch = (struct watch *)object;
	bool again = watch->begun;

	if (done->code != 0) {
		if (again)
			sd_journal_print(LOG_WARNING, "a watch cannot go on: %s",
					 done->text ?: strerrordesc_np(-done->code) ?: "?");
		end_with(object, done->code, done->text);
		return;
	}
	watch->begun = true;
	if (!again)
		message_of(object)->clock = done->clock;
	/* systemd keeps one copy of a descriptor, under the name that it heard first */
	if (!again && watchers_have_root(watchers_of(object), watch_key(object)))
		fd_closep(&object->more[MORE_SUPERBLOCK]);
	if (object->hidden)
		(void)making_begun(object, 0, NULL);
}

static int rename_events(char ***words, size_t *n, uint32_t events) {
	char **named = NULL;
	size_t n_named = 0;
	int r = watch_words_name(events, &named, &n_named);

	if (r == 0) {
		char **old = *words;
		size_t n_old = *n;

		*words = named;
		*n = n_named;
		named = old;
		n_named = n_old;
	}
	while (n_named > 0)
		free(named[--n_named]);
	free(named);
	return r;
}

/* It is told already; what is written down is for the next watcher. */
static int note_events(struct object *object, uint32_t events) {
	Usher__WatchObject *m = message_of(object);
	char path[OBJECT_PATH_MAX];
	int r = rename_events(&m->events, &m->n_events, events);

	if (r == 0)
		r = rename_events(&m->order->events, &m->order->n_events, events);
	object->renewed = true;
	if (r == 0)
		r = store_renew(watch_kind.name, object->number, &m->base);
	object_path(object, path);
	(void)sd_bus_emit_properties_changed(object->objects->desk->bus, path, "org.usher1.Watch",
					     "Events", NULL);
	return r;
}

static void answer_nothing(struct call *call) {
	call_answer(call, message_new(&usher__empty__descriptor), NULL);
}

static void on_ordered(struct object *object, const Usher__WatchDone *done) {
	struct watch *watch = (struct watch *)object;
	struct call *call = reception_find(object, done->serial);
	int r = done->code;

	if (watch->serial == done->serial && watch->serial != 0) {
		watch->serial = 0;
		if (r == 0)
			r = note_events(object, watch->events);
	}
	if (call && r == 0)
		answer_nothing(call);
	else if (call)
		call_refuse(call, r, done->text);
}

static void on_changed(struct object *object, const Usher__WatchChanged *changed) {
	struct call *call = reception_find(object, changed->serial);
	Usher__SinceReply *reply =
		call ? (Usher__SinceReply *)message_new(&usher__since_reply__descriptor) : NULL;
	int r = reply ? 0 : -ENOMEM;

	if (!call)
		return;
	for (size_t i = 0; r == 0 && i < changed->n_directories; i++)
		r = message_append_string(&reply->directories, &reply->n_directories,
					  changed->directories[i]);
	if (r == 0) {
		reply->clock = changed->clock;
		reply->complete = changed->complete;
	} else
		message_freep((ProtobufCMessage **)&reply);
	call_answer(call, (ProtobufCMessage *)reply, NULL);
}

static void on_counters(struct object *object, const Usher__WatchCounters *counters) {
	uint64_t more = ((struct watch *)object)->signals.lost;
	Usher__WatchObject *m = message_of(object);

	m->clock = counters->clock;
	m->delivered = counters->delivered > more ? counters->delivered - more : 0;
	m->lost = counters->lost + more;
}

uint64_t watch_number(const Usher__WatcherReport *report) {
	return report->done       ? report->done->number
	       : report->events   ? report->events->number
	       : report->lost     ? report->lost->number
	       : report->changed  ? report->changed->number
	       : report->counters ? report->counters->number
	       : report->ended    ? report->ended->number
				  : 0;
}

bool watch_heed(struct objects *watches, const Usher__WatcherReport *report) {
	struct object *object = objects_find(watches, watch_number(report));
	struct watch *watch = (struct watch *)object;

	if (!object)
		return false;
	if (report->done && report->done->has_serial)
		on_ordered(object, report->done);
	else if (report->done)
		on_added(object, report->done);
	else if (report->events)
		watch_signals_events(&watch->signals, report->events);
	else if (report->lost)
		watch_signals_lost(&watch->signals, report->lost);
	else if (report->changed)
		on_changed(object, report->changed);
	else if (report->counters)
		on_counters(object, report->counters);
	else
		end_with(object, REFUSED_FAILED, report->ended->text);
	return true;
}

void watch_lose_watcher(struct object *object) {
	struct watch *watch = (struct watch *)object;

	watch->told = false;
	watch->serial = 0;
	reception_refuse(object, REFUSED_RETRY, "the watcher of the watch has just died");
}

void watch_give_up(struct object *object, const char *why) {
	reception_refuse(object, REFUSED_FAILED, why);
	end_with(object, REFUSED_FAILED, why);
}

/* ---- calls ---- */

static void order_for(struct object *object, struct call *call, const Usher__WatcherOrder *order) {
	int r = attendants_order(watchers_of(object), object, &order->base);

	if (r == -EAGAIN)
		call_refuse(call, REFUSED_RETRY, "the watcher of the watch is being started again");
	else if (r < 0)
		call_refuse(call, r, NULL);
	else
		reception_await(call, call_deadline_usec(call),
				"the watcher of the watch does not answer");
}

static void set_events(struct object *object, struct call *call) {
	const Usher__SetEventsRequest *m = (const void *)call->request;
	const Usher__Watcher *own = message_of(object)->order;
	struct watch *watch = (struct watch *)object;
	Usher__WatcherOrder order = USHER__WATCHER_ORDER__INIT;
	Usher__WatchSetEvents change = USHER__WATCH_SET_EVENTS__INIT;
	struct refusal refusal = { 0 };
	uint32_t events;
	int r = watch_words_events(m->events, m->n_events, own->scope, own->decide, &events,
				   &refusal);

	if (r == 0 && watch->serial != 0)
		r = refusal_note(&refusal, REFUSED_BUSY,
				 "another call is changing the events of the watch");
	if (r == 0)
		r = watch_words_name(events, &change.events, &change.n_events);
	if (r == 0) {
		change.number = object->number;
		change.has_serial = true;
		change.serial = watch->serial = call->serial = ++last_serial;
		watch->events = events;
		order.set_events = &change;
		order_for(object, call, &order);
	} else
		call_refuse(call, r, *refusal.text ? refusal.text : NULL);
	while (change.n_events > 0)
		free(change.events[--change.n_events]);
	free(change.events);
}

static void since(struct object *object, struct call *call) {
	const Usher__SinceRequest *m = (const void *)call->request;
	Usher__WatcherOrder order = USHER__WATCHER_ORDER__INIT;
	Usher__WatchSince question = USHER__WATCH_SINCE__INIT;

	question.number = object->number;
	question.serial = call->serial = ++last_serial;
	question.clock = m->clock;
	order.since = &question;
	order_for(object, call, &order);
}

static void decide(struct object *object, struct call *call) {
	const Usher__DecideRequest *m = (const void *)call->request;
	Usher__WatcherOrder order = USHER__WATCHER_ORDER__INIT;
	Usher__WatchDecide decision = USHER__WATCH_DECIDE__INIT;

	if (!message_of(object)->order->decide) {
		call_refuse(call, REFUSED_UNSUPPORTED, "a watch without `decide` asks nothing");
		return;
	}
	decision.number = object->number;
	decision.clock = m->clock;
	decision.allow = m->allow;
	decision.has_serial = true;
	decision.serial = call->serial = ++last_serial;
	order.decide = &decision;
	order_for(object, call, &order);
}

static void answer(struct object *object, struct call *call) {
	const ProtobufCMessageDescriptor *request = call->operation->request;

	if (request == &usher__set_events_request__descriptor)
		set_events(object, call);
	else if (request == &usher__since_request__descriptor)
		since(object, call);
	else if (request == &usher__decide_request__descriptor)
		decide(object, call);
	else {
		answer_nothing(call);
		object_end(object);
	}
}

/* ---- as an object ---- */

static int adopt(struct object *object, const ProtobufCMessage *request) {
	const Usher__WatchObject *m = message_of(object);

	watch_signals_begin(&((struct watch *)object)->signals, object);
	/* nothing of it is left without what is watched: not after a stop of the service */
	return m->path && m->scope && m->backend && m->lifetime && m->watcher && m->order &&
			       root_of(object) >= 0
		       ? 0
		       : -EBADMSG;
}

static int start(struct object *object) {
	return attendants_add(watchers_of(object), object);
}

/* One of an earlier life, whose watcher may have gone with that. */
static void begin(struct object *object) {
	struct watch *watch = (struct watch *)object;

	if (watch->begun)
		return;
	watch->begun = true;
	(void)attendants_add(watchers_of(object), object);
}

static void end(struct object *object) {
	reception_refuse(object, REFUSED_NOT_FOUND, "the watch has been closed");
	attendants_remove(watchers_of(object), object);
	object_remove(object);
}

static void done(struct object *object) {
	watch_signals_done(&((struct watch *)object)->signals);
}

/* Signals go to it, and to nobody else. */
static bool needs_connection(const struct object *object) {
	return object->socket < 0;
}

static void lose_connection(struct object *object) {
	caller_release(object->caller);
	object->caller = NULL;
}

static int order(const struct object *object, ProtobufCMessage *request, struct fds *fds) {
	return 0;
}

const struct object_kind watch_kind = {
	.name = "watch",
	.interface = "Watch",
	.size = sizeof(struct watch),
	.message = &usher__watch_object__descriptor,
	.reply = &usher__subscribe_reply__descriptor,
	.other_reply = &usher__open_watch_reply__descriptor,
	.fd = "directory_fd",
	.more = { [MORE_ROOT] = "root_fd", [MORE_SUPERBLOCK] = "superblock_fd" },
	.socket = "writing_fd",
	.lifetime = "lifetime",
	.limit = LIMIT_WATCHES,
	.adopt = adopt,
	.start = start,
	.begin = begin,
	.end = end,
	.done = done,
	.needs_connection = needs_connection,
	.lose_connection = lose_connection,
	.order = order,
	.answer = answer,
};
