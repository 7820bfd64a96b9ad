/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Close, of a monitor. */

#include "operations.h"

static int close_monitor_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__CloseMonitorRequest *m = (const void *)message;

	return m->has_in_as_fd || m->in_as_object
		       ? refusal_note(refusal, REFUSED_INVALID,
				      "in: a monitor object is its own place")
		       : 0;
}

const struct operation operation_close_monitor = {
	.interface = "NetlinkMonitor",
	.method = "Close",
	.request = &usher__close_monitor_request__descriptor,
	.reply = &usher__empty__descriptor,
	.syscalls = (const int[]){ -1 },
	.here = true,
	.check = close_monitor_check,
};
