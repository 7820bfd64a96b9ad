/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wait: until a process has ended, which the broker is told by the process's keeper. */

#include "operations.h"

static int wait_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__WaitRequest *m = (const void *)message;

	if (m->has_in_as_fd || m->in_as_object)
		return refusal_note(refusal, REFUSED_INVALID,
				    "in: a process object is its own place");
	return 0;
}

const struct operation operation_wait = {
	.interface = "Process",
	.method = "Wait",
	.request = &usher__wait_request__descriptor,
	.reply = &usher__wait_reply__descriptor,
	.syscalls = (const int[]){ -1 },
	.here = true,
	.waits = true,
	.looks = true,
	.check = wait_check,
};
