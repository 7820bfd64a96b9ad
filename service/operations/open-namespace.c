/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open and OpenLeader: descriptors of a namespace object's namespaces, and of the process that
 * keeps them. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "job.h"
#include "namespace-type.h"
#include "operations.h"
#include "subject.h"

static int check_place(bool given, struct refusal *refusal) {
	return given ? refusal_note(refusal, REFUSED_INVALID,
				    "in: a namespace object is its own place")
		     : 0;
}

static int open_namespace_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__OpenNamespaceRequest *m = (const void *)message;

	if (!namespace_type_find(m->type))
		return refusal_note(refusal, REFUSED_INVALID,
				    "type: '%.64s' is none of cgroup ipc mnt net pid time user uts",
				    m->type);
	return check_place(m->has_in_as_fd || m->in_as_object, refusal);
}

static int open_leader_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__OpenLeaderRequest *m = (const void *)message;

	return check_place(m->has_in_as_fd || m->in_as_object, refusal);
}

/* What the caller could open itself is opened as the caller, so that nothing else can be what it
 * gets: a process may be in other namespaces, and somebody else's, a moment after it was judged. */
static int open_namespace_prepare(struct job *job, const char *libexec) {
	const Usher__OpenNamespaceRequest *m = (const void *)job->request;
	int *namespace = malloc(sizeof *namespace);
	char path[64];

	job->state = namespace;
	if (!namespace)
		return -ENOMEM;
	*namespace = -1;
	if (job->place.foreign)
		return 0;
	(void)snprintf(path, sizeof path, "%d/ns/%s", job->place.pid, m->type);
	*namespace = place_open_as_caller(&job->place, path);
	if (*namespace < 0 && *namespace != -ENOENT)
		job->place.foreign = true; /* by now, at the latest */
	return 0;
}

static int open_namespace_resolve(struct job *job) {
	const Usher__OpenNamespaceRequest *m = (const void *)job->request;
	int r = job_detail(job, "name", m->name);

	return r == 0 ? job_detail(job, "type", m->type) : r;
}

static int failed(struct job *job, int r, const char *type) {
	if (r == -EOPNOTSUPP)
		return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "type: this kernel has no namespaces of type %s", type);
	if (r == -ESRCH)
		return refusal_note(&job->refusal, REFUSED_NOT_FOUND,
				    "the process that kept the namespaces has ended");
	return r;
}

static int open_namespace_run(struct job *job) {
	const Usher__OpenNamespaceRequest *m = (const void *)job->request;
	Usher__OpenNamespaceReply *reply = (Usher__OpenNamespaceReply *)job->reply;
	int leader = job_descriptor(job, m->has_leader_fd, m->leader_fd), *namespace = job->state;
	int fd = *namespace;

	if (fd < 0)
		fd = subject_open_namespace(&job->place, leader, m->type);
	else if (!subject_lives(leader))
		fd = -ESRCH;
	if (fd < 0)
		return failed(job, fd, m->type);
	fd = fds_add(&job->reply_fds, fd);
	reply->namespace_fd = (uint32_t)fd;
	return fd < 0 ? fd : 0;
}

static int open_leader_resolve(struct job *job) {
	const Usher__OpenLeaderRequest *m = (const void *)job->request;

	return job_detail(job, "name", m->name);
}

static int open_leader_run(struct job *job) {
	const Usher__OpenLeaderRequest *m = (const void *)job->request;
	Usher__OpenLeaderReply *reply = (Usher__OpenLeaderReply *)job->reply;
	int leader = job_descriptor(job, m->has_leader_fd, m->leader_fd);
	int place = subject_lives(leader) ? fds_add_copy(&job->reply_fds, leader) : -ESRCH;

	reply->pidfd_fd = (uint32_t)place;
	return place < 0 ? failed(job, place, "") : 0;
}

const struct operation operation_open_namespace = {
	.interface = "Namespace",
	.method = "Open",
	.actions = { [TIER_ADMIN] = "open-namespace" },
	.request = &usher__open_namespace_request__descriptor,
	.reply = &usher__open_namespace_reply__descriptor,
	.capabilities = CAP(CAP_SYS_PTRACE),
	.syscalls = SYSCALLS(SYS_pidfd_send_signal),
	.check = open_namespace_check,
	.prepare = open_namespace_prepare,
	.resolve = open_namespace_resolve,
	.run = open_namespace_run,
};

const struct operation operation_open_leader = {
	.interface = "Namespace",
	.method = "OpenLeader",
	.actions = { [TIER_ADMIN] = "open-namespace" },
	.request = &usher__open_leader_request__descriptor,
	.reply = &usher__open_leader_reply__descriptor,
	.syscalls = SYSCALLS(SYS_pidfd_send_signal),
	.check = open_leader_check,
	.resolve = open_leader_resolve,
	.run = open_leader_run,
};
