/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open and OpenLeader: descriptors of a namespace object's namespaces, and of the process that
 * keeps them. */

#include <linux/capability.h>
#include <sys/syscall.h>

#include "job.h"
#include "namespace-type.h"
#include "operations.h"

static int open_namespace_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__OpenNamespaceRequest *m = (const void *)message;

	if (!namespace_type_find(m->type))
		return refusal_note(refusal, REFUSED_INVALID,
				    "type: '%.64s' is none of cgroup ipc mnt net pid time user uts",
				    m->type);
	return 0;
}

static int open_run(struct job *job) {
	int r = place_join_names(&job->place);

	return r < 0 ? r
		     : refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "not in this version of usher");
}

const struct operation operation_open_namespace = {
	.interface = "Namespace",
	.method = "Open",
	.actions = { [TIER_ADMIN] = "open-namespace" },
	.request = &usher__open_namespace_request__descriptor,
	.reply = &usher__open_namespace_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN),
	.syscalls = SYSCALLS(SYS_setns),
	.check = open_namespace_check,
	.run = open_run,
};

const struct operation operation_open_leader = {
	.interface = "Namespace",
	.method = "OpenLeader",
	.actions = { [TIER_ADMIN] = "open-namespace" },
	.request = &usher__open_leader_request__descriptor,
	.reply = &usher__open_leader_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN),
	.syscalls = SYSCALLS(SYS_setns),
	.run = open_run,
};
