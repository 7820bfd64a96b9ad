/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Close: nothing is told of a timer any more. The broker does that. */

#include "operations.h"

static int close_timer_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__CloseTimerRequest *m = (const void *)message;

	if (m->has_in_as_fd || m->in_as_object)
		return refusal_note(refusal, REFUSED_INVALID, "in: a timer is in no place");
	return 0;
}

const struct operation operation_close_timer = {
	.interface = "Timer",
	.method = "Close",
	.request = &usher__close_timer_request__descriptor,
	.reply = &usher__empty__descriptor,
	.syscalls = (const int[]){ -1 },
	.here = true,
	.check = close_timer_check,
};
