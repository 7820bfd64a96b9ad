/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch-signals.h"

#include "call.h"
#include "message-bus.h"
#include "object.h"

static sd_bus *bus_of(const struct watch_signals *signals) {
	return signals->object->objects->desk->bus;
}

/* With its connection gone, nobody hears it. */
static sd_bus_message *signal_new(const struct watch_signals *signals, const char *member) {
	const struct object *object = signals->object;

	return object->caller && !object->hidden ? object_signal(object, member) : NULL;
}

static int append(sd_bus_message *message, const ProtobufCMessage *frame, const char *name) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(frame->descriptor, name);

	return message_bus_append_field(message, frame, field, NULL);
}

static void send(struct watch_signals *signals, sd_bus_message *message, int r) {
	if (r >= 0)
		r = sd_bus_send(bus_of(signals), message, NULL);
	sd_bus_message_unref(message);
	if (r >= 0)
		hearer_note(&signals->hearer, bus_of(signals), signals->object->caller->name);
}

/* There is no room for it; everything is to be looked at anew when there is. */
static bool is_kept_back(struct watch_signals *signals, uint64_t clock) {
	if (hearer_is_ready(&signals->hearer) && signals->lost_clock == 0)
		return false;
	signals->lost_clock = clock;
	if (signals->object->caller)
		hearer_note(&signals->hearer, bus_of(signals), signals->object->caller->name);
	return true;
}

void watch_signals_events(struct watch_signals *signals, const Usher__WatchEvents *events) {
	uint64_t clock = events->n_events > 0 ? events->events[events->n_events - 1]->clock : 1;
	sd_bus_message *message;

	if (is_kept_back(signals, clock)) {
		signals->lost += events->n_events;
		return;
	}
	message = signal_new(signals, "Events");
	if (message)
		send(signals, message, append(message, &events->base, "events"));
}

static void send_lost(struct watch_signals *signals, const Usher__WatchLost *lost) {
	sd_bus_message *message = signal_new(signals, "Lost");
	int r;

	if (!message)
		return;
	r = append(message, &lost->base, "clock");
	send(signals, message, r < 0 ? r : append(message, &lost->base, "directories"));
}

void watch_signals_lost(struct watch_signals *signals, const Usher__WatchLost *lost) {
	if (!is_kept_back(signals, lost->clock))
		send_lost(signals, lost);
}

static void on_caught_up(void *userdata) {
	struct watch_signals *signals = userdata;
	Usher__WatchLost lost = USHER__WATCH_LOST__INIT;

	if (signals->lost_clock == 0 || !hearer_is_ready(&signals->hearer))
		return;
	lost.clock = signals->lost_clock;
	signals->lost_clock = 0;
	send_lost(signals, &lost);
}

void watch_signals_begin(struct watch_signals *signals, struct object *object) {
	*signals = (struct watch_signals){
		.hearer = { .caught_up = on_caught_up, .userdata = signals }, .object = object
	};
}

void watch_signals_done(struct watch_signals *signals) {
	hearer_done(&signals->hearer);
}
