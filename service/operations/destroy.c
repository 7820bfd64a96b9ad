/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Destroy: ends whatever runs in the namespaces of an object. */

#include <linux/capability.h>
#include <sys/syscall.h>

#include "job.h"
#include "operations.h"

static int destroy_run(struct job *job) {
	int r = place_join_names(&job->place);

	return r < 0 ? r
		     : refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "not in this version of usher");
}

const struct operation operation_destroy = {
	.interface = "Namespace",
	.method = "Destroy",
	.actions = { [TIER_ADMIN] = "destroy-namespace" },
	.request = &usher__destroy_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN),
	.syscalls = SYSCALLS(SYS_setns),
	.run = destroy_run,
};
