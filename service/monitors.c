/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "monitors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "call.h"
#include "hearer.h"
#include "lifetime.h"
#include "listeners.h"
#include "making.h"
#include "message.h"
#include "monitor-signals.h"
#include "wire.h"

enum { KEY_MAX = 32 };

struct monitor {
	struct object base;
	char key[KEY_MAX];
	struct hearer hearer;
	bool told;  /* its listener has heard of it */
	bool begun; /* one has said that it looks after it, in this life of the service or before */
	bool behind; /* it could not be told everything; what is said now is not what it needs */
};

enum { MORE_NAMESPACE, MORE_HOLDER };

static Usher__NetlinkMonitorObject *message_of(const struct object *object) {
	return (Usher__NetlinkMonitorObject *)object->message;
}

static struct attendants *listeners_of(const struct object *object) {
	return &object->objects->desk->listeners;
}

const char *monitor_key(const struct object *object) {
	return ((const struct monitor *)object)->key;
}

int monitor_namespace(const struct object *object) {
	return object->more[MORE_NAMESPACE];
}

bool monitor_is_told(const struct object *object) {
	return ((const struct monitor *)object)->told;
}

/* ---- to its listener ---- */

static int add_copy(struct fds *fds, int fd, protobuf_c_boolean *ret_has, uint32_t *ret) {
	int place = fd < 0 ? 0 : fds_add_copy(fds, fd);

	*ret_has = fd >= 0;
	*ret = (uint32_t)place;
	return place < 0 ? place : 0;
}

static void describe(const struct object *object, Usher__NetlinkMonitorAdd *add) {
	const Usher__NetlinkMonitorObject *m = message_of(object);

	add->number = object->number;
	add->selection = m->selection;
	add->has_snapshot = m->has_snapshot;
	add->snapshot = m->snapshot;
	add->holder_name = m->holder_name;
}

int monitor_introduce(struct object *object, int connection) {
	struct monitor *monitor = (struct monitor *)object;
	Usher__NetlinkOrder order = USHER__NETLINK_ORDER__INIT;
	Usher__NetlinkMonitorAdd add = USHER__NETLINK_MONITOR_ADD__INIT;
	_cleanup_(fds_done) struct fds fds = { 0 };
	int r;

	describe(object, &add);
	add.has_resumed = true;
	add.resumed = monitor->begun && !object->hidden;
	/* before its path has been told nobody would know what its signals are of */
	add.has_waits = true;
	add.waits = object->hidden && object->socket < 0;
	r = add_copy(&fds, object->socket, &add.has_stream_fd, &add.stream_fd);
	if (r == 0)
		r = add_copy(&fds, object->more[MORE_HOLDER], &add.has_holder_fd, &add.holder_fd);
	order.add = &add;
	if (r == 0)
		r = wire_send(connection, &order.base, &fds);
	monitor->told = r == 0;
	return r;
}

/* Everything, from the beginning. */
static void have_told_anew(struct object *object) {
	Usher__NetlinkOrder order = USHER__NETLINK_ORDER__INIT;
	Usher__NetlinkMonitorAdd add = USHER__NETLINK_MONITOR_ADD__INIT;

	describe(object, &add);
	add.has_anew = add.anew = true;
	order.add = &add;
	(void)attendants_order(listeners_of(object), object, &order.base);
}

/* ---- from its listener ---- */

static void end_with(struct object *object, int code, const char *text) {
	/* nobody has been told of one that is being made */
	if (!object->hidden || !making_begun(object, code, text))
		object_end(object);
}

static void on_added(struct object *object, const Usher__NetlinkMonitorDone *done) {
	struct monitor *monitor = (struct monitor *)object;

	if (done->code != 0) {
		if (monitor->begun)
			sd_journal_print(LOG_WARNING, "a monitor cannot go on: %s",
					 done->text ?: strerrordesc_np(-done->code) ?: "?");
		end_with(object, done->code, done->text);
		return;
	}
	monitor->begun = true;
	monitor->behind = false;
	if (object->hidden)
		(void)making_begun(object, 0, NULL);
}

static void note_signals(struct object *object, int n) {
	struct monitor *monitor = (struct monitor *)object;

	while (n-- > 0)
		hearer_note(&monitor->hearer, object->objects->desk->bus, object->caller->name);
}

/* Of a receiver that sleeps nothing is kept, neither by us nor by the bus: when it is awake again
 * its listener begins anew with a gap. */
static void on_changed(struct object *object, const Usher__NetlinkMonitorChanged *changed) {
	struct monitor *monitor = (struct monitor *)object;

	if (!object->caller || object->hidden)
		return;
	if (!hearer_is_ready(&monitor->hearer)) {
		monitor->behind = true;
		note_signals(object, 1);
	} else if (monitor->behind)
		have_told_anew(object);
	else
		note_signals(object, monitor_signals_send(object, changed->blocks.data,
							  changed->blocks.len));
}

static void on_caught_up(void *userdata) {
	struct monitor *monitor = userdata;

	if (monitor->behind && hearer_is_ready(&monitor->hearer))
		have_told_anew(&monitor->base);
}

static void on_counters(struct object *object, const Usher__NetlinkMonitorCounters *counters) {
	Usher__NetlinkMonitorObject *m = message_of(object);

	m->delivered = counters->delivered;
	m->lost = counters->lost;
}

static void on_ended(struct object *object, const Usher__NetlinkMonitorEnded *ended) {
	if (ended->vanished && object->caller && !object->hidden)
		monitor_signals_vanished(object);
	end_with(object, REFUSED_FAILED, ended->text);
}

uint64_t monitor_number(const Usher__NetlinkReport *report) {
	return report->done       ? report->done->number
	       : report->changed  ? report->changed->number
	       : report->counters ? report->counters->number
	       : report->ended    ? report->ended->number
				  : 0;
}

bool monitor_heed(struct objects *monitors, const Usher__NetlinkReport *report) {
	struct object *object = objects_find(monitors, monitor_number(report));

	if (!object)
		return false;
	if (report->done)
		on_added(object, report->done);
	else if (report->changed)
		on_changed(object, report->changed);
	else if (report->counters)
		on_counters(object, report->counters);
	else
		on_ended(object, report->ended);
	return true;
}

void monitor_lose_listener(struct object *object) {
	((struct monitor *)object)->told = false;
}

void monitor_give_up(struct object *object, const char *why) {
	end_with(object, REFUSED_FAILED, why);
}

/* ---- as an object ---- */

static int adopt(struct object *object, const ProtobufCMessage *request) {
	struct monitor *monitor = (struct monitor *)object;
	const Usher__NetlinkMonitorObject *m = message_of(object);

	monitor->hearer = (struct hearer){ .caught_up = on_caught_up, .userdata = monitor };
	(void)snprintf(monitor->key, sizeof monitor->key, "%" PRIu64, m->namespace_);
	return m->has_namespace_ && m->selection && m->lifetime && object->more[MORE_NAMESPACE] >= 0
		       ? 0
		       : -EBADMSG;
}

static int start(struct object *object) {
	return attendants_add(listeners_of(object), object);
}

/* One of an earlier life, whose listener may have gone with that; or one that was waited with. */
static void begin(struct object *object) {
	struct monitor *monitor = (struct monitor *)object;

	if (!monitor->begun) {
		monitor->begun = true;
		(void)attendants_add(listeners_of(object), object);
	} else if (object->socket < 0)
		have_told_anew(object);
}

static void end(struct object *object) {
	attendants_remove(listeners_of(object), object);
	object_remove(object);
}

static void done(struct object *object) {
	hearer_done(&((struct monitor *)object)->hearer);
}

/* Signals go to it, and to nobody else. */
static bool needs_connection(const struct object *object) {
	return object->socket < 0;
}

static int order(const struct object *object, ProtobufCMessage *request, struct fds *fds) {
	return -EBADMSG; /* no method of its own is the worker's */
}

static void answer(struct object *object, struct call *call) {
	call_answer(call, message_new(&usher__empty__descriptor), NULL);
	object_end(object);
}

const struct object_kind monitor_kind = {
	.name = "monitor",
	.interface = "NetlinkMonitor",
	.size = sizeof(struct monitor),
	.message = &usher__netlink_monitor_object__descriptor,
	.reply = &usher__subscribe_rows_reply__descriptor,
	.other_reply = &usher__open_monitor_reply__descriptor,
	.more = { [MORE_NAMESPACE] = "namespace_fd", [MORE_HOLDER] = "holder_fd" },
	.socket = "writing_fd",
	.lifetime = "lifetime",
	.limit = LIMIT_MONITORS,
	.adopt = adopt,
	.start = start,
	.begin = begin,
	.end = end,
	.done = done,
	.needs_connection = needs_connection,
	.order = order,
	.answer = answer,
};
