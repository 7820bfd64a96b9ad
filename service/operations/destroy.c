/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Destroy: ends whatever runs in the namespaces of an object. */

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "job.h"
#include "namespace-type.h"
#include "operations.h"
#include "population.h"
#include "subject.h"

static int destroy_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__DestroyRequest *m = (const void *)message;

	if (m->has_in_as_fd || m->in_as_object)
		return refusal_note(refusal, REFUSED_INVALID,
				    "in: a namespace object is its own place");
	return 0;
}

static int leader_of(const struct job *job) {
	const Usher__DestroyRequest *m = (const void *)job->request;

	return job_descriptor(job, m->has_leader_fd, m->leader_fd);
}

static int ended(struct job *job) {
	return refusal_note(&job->refusal, REFUSED_NOT_FOUND,
			    "the process that kept the namespaces has ended");
}

/* Whom one may end is not the same as whom one may look into; and an object of one's own that only
 * names somebody's process may always be given up. */
static int destroy_prepare(struct job *job, const char *libexec) {
	const Usher__DestroyRequest *m = (const void *)job->request;
	bool may = m->attached && m->has_owner && m->owner == job->place.uid;
	int r;

	if (job->place.pid == 0) /* the service's own */
		return 0;
	job->place.foreign = false;
	r = m->attached ? 0 : subject_may_signal(&job->place, leader_of(job), &may);
	if (r == -ESRCH)
		return ended(job);
	if (!may)
		job_require(job, TIER_ADMIN);
	return r;
}

static int destroy_resolve(struct job *job) {
	const Usher__DestroyRequest *m = (const void *)job->request;
	_cleanup_free_ char *words =
		namespace_type_words(namespace_type_mask(m->types, m->n_types));
	int r = job_detail(job, "name", m->name);

	if (!words)
		return -ENOMEM;
	return r == 0 ? job_detail(job, "types", words) : r;
}

/* With process 1 of a pid namespace goes everybody in it. */
static int end_leader(int leader) {
	struct pollfd ending = { .fd = leader, .events = POLLIN };

	if (syscall(SYS_pidfd_send_signal, leader, SIGKILL, NULL, 0) < 0)
		return -errno;
	while (ppoll(&ending, 1, NULL, NULL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int destroy_run(struct job *job) {
	const Usher__DestroyRequest *m = (const void *)job->request;
	uint32_t types = namespace_type_mask(m->types, m->n_types);
	int r = 0;

	if (m->attached)
		return 0;
	if (!(types & CLONE_NEWPID))
		r = population_end(&job->place, leader_of(job), types, m->owner);
	if (r == 0 || r == -ESRCH)
		r = end_leader(leader_of(job));
	return r == -ESRCH ? 0 : r;
}

const struct operation operation_destroy = {
	.interface = "Namespace",
	.method = "Destroy",
	.actions = { [TIER_ADMIN] = "destroy-namespace" },
	.request = &usher__destroy_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = POPULATION_CAPABILITIES,
	.syscalls = SYSCALLS(POPULATION_END),
	.spawns = true,
	.check = destroy_check,
	.prepare = destroy_prepare,
	.resolve = destroy_resolve,
	.run = destroy_run,
};
