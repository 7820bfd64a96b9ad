/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SetEvents, Since, Decide and Close: of a watch, which its watcher sees to. */

#include <stdbool.h>

#include "operations.h"
#include "watch-event.h"

static int check_place(bool given, struct refusal *refusal) {
	return given ? refusal_note(refusal, REFUSED_INVALID, "in: a watch object is its own place")
		     : 0;
}

/* Whether they go together is said by the watch that they are for. */
static int set_events_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__SetEventsRequest *m = (const void *)message;
	uint32_t ignored;
	int r = m->n_events > 0
			? watch_event_parse("events", m->events, m->n_events, &ignored, refusal)
			: 0;

	return r == 0 ? check_place(m->has_in_as_fd || m->in_as_object, refusal) : r;
}

static int since_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__SinceRequest *m = (const void *)message;

	return check_place(m->has_in_as_fd || m->in_as_object, refusal);
}

static int decide_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__DecideRequest *m = (const void *)message;

	return check_place(m->has_in_as_fd || m->in_as_object, refusal);
}

static int close_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__CloseWatchRequest *m = (const void *)message;

	return check_place(m->has_in_as_fd || m->in_as_object, refusal);
}

const struct operation operation_set_events = {
	.interface = "Watch",
	.method = "SetEvents",
	.request = &usher__set_events_request__descriptor,
	.reply = &usher__empty__descriptor,
	.syscalls = (const int[]){ -1 },
	.here = true,
	.check = set_events_check,
};

const struct operation operation_since = {
	.interface = "Watch",
	.method = "Since",
	.request = &usher__since_request__descriptor,
	.reply = &usher__since_reply__descriptor,
	.syscalls = (const int[]){ -1 },
	.here = true,
	.looks = true,
	.check = since_check,
};

const struct operation operation_decide = {
	.interface = "Watch",
	.method = "Decide",
	.request = &usher__decide_request__descriptor,
	.reply = &usher__empty__descriptor,
	.syscalls = (const int[]){ -1 },
	.here = true,
	.check = decide_check,
};

const struct operation operation_close_watch = {
	.interface = "Watch",
	.method = "Close",
	.request = &usher__close_watch_request__descriptor,
	.reply = &usher__empty__descriptor,
	.syscalls = (const int[]){ -1 },
	.here = true,
	.check = close_check,
};
