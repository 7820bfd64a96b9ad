/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Set: another time for a timer, for both of its timerfds. */

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "job.h"
#include "operations.h"
#include "timing.h"

static int set_timer_prepare(struct job *job, const char *libexec) {
	const Usher__SetTimerRequest *m = (const void *)job->request;
	const struct timing timing = { .clock = m->clock ? timing_clock_find(m->clock) : NULL,
				       .initial_usec = m->initial_usec,
				       .interval_usec = m->interval_usec,
				       .slack_usec = m->slack_usec,
				       .absolute = m->absolute,
				       .cancel_on_set = m->cancel_on_set };

	return timing_prepare(job, &timing);
}

static int set_timer_resolve(struct job *job) {
	const Usher__SetTimerRequest *m = (const void *)job->request;

	if (!m->has_owner || m->owner != job->place.uid)
		job_require_admin(job, "the timer is another user's");
	return job_detail(job, "clock", m->clock);
}

static int set_timer_run(struct job *job) {
	const Usher__SetTimerRequest *m = (const void *)job->request;
	int theirs = job_descriptor(job, m->has_timerfd_fd, m->timerfd_fd),
	    ours = job_descriptor(job, m->has_signalling_fd, m->signalling_fd), r;

	job_commit();
	r = timing_set(job->state, theirs);
	return r == 0 ? timing_set(job->state, ours) : r;
}

const struct operation operation_set_timer = {
	.interface = "Timer",
	.method = "Set",
	.actions = { [TIER_ADMIN] = "set-timer" },
	.request = &usher__set_timer_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = CAP(CAP_WAKE_ALARM),
	.wakes = true,
	.syscalls = SYSCALLS(SYS_timerfd_settime),
	.resolve = set_timer_resolve,
	.prepare = set_timer_prepare,
	.run = set_timer_run,
};
