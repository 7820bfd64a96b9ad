/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Create: a set of new namespaces, kept by a process that does nothing else. */

#include <linux/capability.h>
#include <sys/syscall.h>

#include "job.h"
#include "namespace-name.h"
#include "operations.h"
#include "surroundings.h"

static int create_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__CreateRequest *m = (const void *)message;
	int r = namespace_name_check(m->name, refusal);

	if (r == 0 && m->n_types == 0)
		r = refusal_note(refusal, REFUSED_INVALID, "types: none is named");
	return r == 0 ? surroundings_check(message, refusal) : r;
}

static int create_run(struct job *job) {
	int r = place_join_names(&job->place);

	return r < 0 ? r
		     : refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "not in this version of usher");
}

const struct operation operation_create = {
	.interface = "Namespaces",
	.method = "Create",
	.actions = { [TIER_OWN] = "create-namespace-own", [TIER_ADMIN] = "create-namespace" },
	.request = &usher__create_request__descriptor,
	.reply = &usher__namespace_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN),
	.syscalls = SYSCALLS(SYS_setns),
	.check = create_check,
	.run = create_run,
};
