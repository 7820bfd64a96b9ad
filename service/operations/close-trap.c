/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Close: the process of a trap ends. The broker does that, by letting go of its keeper. */

#include "operations.h"

static int close_trap_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__CloseTrapRequest *m = (const void *)message;

	if (m->has_in_as_fd || m->in_as_object)
		return refusal_note(refusal, REFUSED_INVALID, "in: a trap is its own place");
	return 0;
}

const struct operation operation_close_trap = {
	.interface = "SignalTrap",
	.method = "Close",
	.request = &usher__close_trap_request__descriptor,
	.reply = &usher__empty__descriptor,
	.syscalls = (const int[]){ -1 },
	.here = true,
	.check = close_trap_check,
};
