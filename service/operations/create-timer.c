/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Create: a timer, which is two timerfds of the same times: the caller reads the one, the service
 * tells of the other. */

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "job.h"
#include "lifetime.h"
#include "message.h"
#include "operations.h"
#include "timing.h"

static int create_timer_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__CreateTimerRequest *m = (const void *)message;
	int r = timing_check_clock(m->clock, refusal);

	if (r == 0)
		r = lifetime_check(m->lifetime, refusal);
	if (r != 0 || !m->cancel_on_set)
		return r;
	if (!m->absolute || timing_clock_find(m->clock)->read_id != CLOCK_REALTIME)
		return refusal_note(refusal, REFUSED_INVALID,
				    "cancel_on_set: takes a time of the clock realtime or "
				    "realtime-alarm that is `absolute`");
	return 0;
}

static int create_timer_prepare(struct job *job, const char *libexec) {
	const Usher__CreateTimerRequest *m = (const void *)job->request;
	const struct timing timing = { .clock = timing_clock_find(m->clock),
				       .initial_usec = m->initial_usec,
				       .interval_usec = m->interval_usec,
				       .slack_usec = m->slack_usec,
				       .absolute = m->absolute,
				       .cancel_on_set = m->cancel_on_set };

	return timing_prepare(job, &timing);
}

/* A machine that is woken takes power from everybody. */
static int create_timer_resolve(struct job *job) {
	const struct timing *timing = job->state;

	if (timing->clock->alarm)
		job_require(job, TIER_OWN);
	return job_detail(job, "clock", timing->clock->name);
}

/* A timerfd of such a clock is there without anything that could wake the machine; a timer that
 * sends signals is not. */
static int check_waking(struct job *job, const struct timing_clock *clock) {
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	int ignored;

	if (!clock->alarm)
		return 0;
	if (syscall(SYS_timer_create, clock->id, &none, &ignored) == 0 || errno != EOPNOTSUPP)
		return 0;
	return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
			    "clock: %s: this machine has no clock that could wake it", clock->name);
}

static int add_timerfd(struct job *job, int flags, uint32_t *ret) {
	const struct timing *timing = job->state;
	int fd = timerfd_create(timing->clock->id, TFD_CLOEXEC | flags), place;

	if (fd < 0 && errno == EPERM)
		return refusal_note(&job->refusal, REFUSED_PERMISSION,
				    "clock: %s: the service may not wake this machine "
				    "(CAP_WAKE_ALARM)",
				    timing->clock->name);
	if (fd < 0)
		return -errno;
	place = fds_add(&job->reply_fds, fd);
	if (place < 0)
		return place;
	*ret = (uint32_t)place;
	return timing_set(timing, fd);
}

static int describe(struct job *job) {
	const Usher__CreateTimerRequest *m = (const void *)job->request;
	Usher__CreateTimerReply *reply = (Usher__CreateTimerReply *)job->reply;
	Usher__TimerObject *made =
		(Usher__TimerObject *)message_new(&usher__timer_object__descriptor);

	reply->made = made;
	reply->timer_object = strdup("");
	if (!made || !reply->timer_object)
		return -ENOMEM;
	made->has_intervalusec = made->has_owner = true;
	made->intervalusec = m->interval_usec;
	made->owner = job->place.uid;
	made->has_slack_usec = m->has_slack_usec;
	made->slack_usec = m->slack_usec;
	made->has_cancel_on_set = m->has_cancel_on_set;
	made->cancel_on_set = m->cancel_on_set;
	made->clock = strdup(m->clock);
	made->lifetime = strdup(m->lifetime ?: "connection");
	return made->clock && made->lifetime ? 0 : -ENOMEM;
}

static int create_timer_run(struct job *job) {
	Usher__CreateTimerReply *reply = (Usher__CreateTimerReply *)job->reply;
	const struct timing *timing = job->state;
	int r = add_timerfd(job, 0, &reply->timerfd_fd);

	if (r == 0)
		r = check_waking(job, timing->clock);
	if (r == 0)
		r = add_timerfd(job, TFD_NONBLOCK, &reply->signalling_fd);
	reply->has_signalling_fd = true;
	if (r == 0)
		r = describe(job);
	return r == 0 ? job_announce(job) : r;
}

const struct operation operation_create_timer = {
	.interface = "Timers",
	.method = "Create",
	.actions = { [TIER_OWN] = "create-timer-own", [TIER_ADMIN] = "create-timer" },
	.request = &usher__create_timer_request__descriptor,
	.reply = &usher__create_timer_reply__descriptor,
	.capabilities = CAP(CAP_WAKE_ALARM),
	.wakes = true,
	.syscalls = SYSCALLS(SYS_timerfd_create, SYS_timerfd_settime, SYS_timer_create),
	.check = create_timer_check,
	.prepare = create_timer_prepare,
	.resolve = create_timer_resolve,
	.run = create_timer_run,
};
