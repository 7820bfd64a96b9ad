/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signal: to a process that was spawned here, by its pidfd: never to another of its number. */

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "job.h"
#include "operations.h"
#include "signal-name.h"
#include "subject.h"

static int signal_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__SignalRequest *m = (const void *)message;

	if (m->has_in_as_fd || m->in_as_object)
		return refusal_note(refusal, REFUSED_INVALID,
				    "in: a process object is its own place");
	return signal_name_check("name", m->name, refusal);
}

static int process_of(const struct job *job) {
	const Usher__SignalRequest *m = (const void *)job->request;

	return job_descriptor(job, m->has_process_fd, m->process_fd);
}

static int ended(struct job *job) {
	return refusal_note(&job->refusal, REFUSED_NOT_FOUND, "the process has ended");
}

static int signal_prepare(struct job *job, const char *libexec) {
	const Usher__SignalRequest *m = (const void *)job->request;
	int process = process_of(job);
	char name[SUBJECT_NAME_MAX];
	bool may = false;
	int r;

	if (job->place.pid == 0) /* the service's own: who asked for that has been judged */
		return 0;
	r = subject_may_signal(&job->place, process, &may);
	if (r == -ESRCH)
		return ended(job);
	if (!may)
		job_require(job, TIER_ADMIN);
	subject_name(&job->place, place_process(&job->place, process), name);
	if (r == 0)
		r = job_detail(job, "process", name);
	return r == 0 ? job_detail(job, "signal", m->name) : r;
}

static int signal_run(struct job *job) {
	const Usher__SignalRequest *m = (const void *)job->request;

	job_commit();
	if (syscall(SYS_pidfd_send_signal, process_of(job), signal_name_find(m->name), NULL, 0) < 0)
		return errno == ESRCH ? ended(job) : -errno;
	return 0;
}

const struct operation operation_signal = {
	.interface = "Process",
	.method = "Signal",
	.actions = { [TIER_ADMIN] = "signal-process" },
	.request = &usher__signal_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = CAP(CAP_KILL),
	.syscalls = SYSCALLS(SYS_pidfd_send_signal),
	.spawns = true,
	.check = signal_check,
	.prepare = signal_prepare,
	.run = signal_run,
};
