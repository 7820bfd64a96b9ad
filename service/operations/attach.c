/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attach: the namespaces of a process that runs already, under a name. */

#include <linux/capability.h>
#include <sys/syscall.h>

#include "job.h"
#include "lifetime.h"
#include "namespace-name.h"
#include "namespace-type.h"
#include "operations.h"

static int attach_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__AttachRequest *m = (const void *)message;
	uint32_t ignored;
	int r = namespace_name_check(m->name, refusal);

	if (r == 0 && m->n_types == 0)
		r = refusal_note(refusal, REFUSED_INVALID, "types: none is named");
	if (r == 0)
		r = namespace_type_parse(m->types, m->n_types, &ignored, refusal);
	return r == 0 ? lifetime_check(m->lifetime, refusal) : r;
}

static int attach_run(struct job *job) {
	int r = place_join_names(&job->place);

	return r < 0 ? r
		     : refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "not in this version of usher");
}

const struct operation operation_attach = {
	.interface = "Namespaces",
	.method = "Attach",
	.actions = { [TIER_ADMIN] = "attach-namespace" },
	.request = &usher__attach_request__descriptor,
	.reply = &usher__namespace_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN),
	.syscalls = SYSCALLS(SYS_setns),
	.check = attach_check,
	.run = attach_run,
};
