/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signal: to a process that was spawned here, by its pidfd. */

#include <linux/capability.h>
#include <sys/syscall.h>

#include "job.h"
#include "operations.h"
#include "signal-name.h"

static int signal_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__SignalRequest *m = (const void *)message;

	return signal_name_check("name", m->name, refusal);
}

static int signal_run(struct job *job) {
	int r = place_join_names(&job->place);

	return r < 0 ? r
		     : refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "not in this version of usher");
}

const struct operation operation_signal = {
	.interface = "Process",
	.method = "Signal",
	.actions = { [TIER_ADMIN] = "signal-process" },
	.request = &usher__signal_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN),
	.syscalls = SYSCALLS(SYS_setns),
	.check = signal_check,
	.run = signal_run,
};
