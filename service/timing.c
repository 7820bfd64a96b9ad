/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "timing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const struct timing_clock clocks[] = {
	{ "realtime", CLOCK_REALTIME, CLOCK_REALTIME, false, false },
	{ "monotonic", CLOCK_MONOTONIC, CLOCK_MONOTONIC, false, true },
	{ "boottime", CLOCK_BOOTTIME, CLOCK_BOOTTIME, false, true },
	{ "realtime-alarm", CLOCK_REALTIME_ALARM, CLOCK_REALTIME, true, false },
	{ "boottime-alarm", CLOCK_BOOTTIME_ALARM, CLOCK_BOOTTIME, true, true },
};

static const uint64_t second = 1000000;

const struct timing_clock *timing_clock_find(const char *name) {
	for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
		if (strcmp(clocks[i].name, name) == 0)
			return &clocks[i];
	return NULL;
}

int timing_check_clock(const char *name, struct refusal *refusal) {
	if (timing_clock_find(name))
		return 0;
	return refusal_note(refusal, REFUSED_INVALID,
			    "clock: '%.64s' is none of realtime, monotonic, boottime, "
			    "realtime-alarm and boottime-alarm",
			    name);
}

/* ---- the clocks of a place ---- */

static int read_namespace(const struct place *place, const char *process, const char *name,
			  char ret[64]) {
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof path, "%.20s/ns/%.20s", process, name);
	n = readlinkat(place->proc, path, ret, 63);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

/* "monotonic SECONDS NANOSECONDS" of timens_offsets. */
static bool find_offset(const char *text, const char *clock, int64_t *ret_usec) {
	size_t n = strlen(clock);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		long long seconds, nanoseconds;

		line += *line == '\n';
		if (strncmp(line, clock, n) != 0 ||
		    sscanf(line + n, "%lld %lld", &seconds, &nanoseconds) != 2)
			continue;
		*ret_usec = seconds * (int64_t)second + nanoseconds / 1000;
		return true;
	}
	return false;
}

static int read_offset(struct job *job, const char *process, struct timing *timing) {
	bool monotonic = timing->clock->read_id == CLOCK_MONOTONIC;
	char path[64], text[512];
	int r;

	(void)snprintf(path, sizeof path, "%s/timens_offsets", process);
	r = place_read(&job->place, path, text, sizeof text);
	if (r < 0)
		return r;
	return find_offset(text, monotonic ? "monotonic" : "boottime", &timing->offset_usec)
		       ? 0
		       : -EBADMSG;
}

/* The kernel tells the offsets of those that a process's children are in. */
static int offset(struct job *job, struct timing *timing) {
	char process[24], ours[64], theirs[64], children[64];
	int r;

	if (!timing->absolute || !timing->clock->shifted || job->place.pid == 0)
		return 0;
	(void)snprintf(process, sizeof process, "%d", job->place.pid);
	r = read_namespace(&job->place, "self", "time", ours);
	if (r == -ENOENT)
		return 0; /* a kernel without time namespaces */
	if (r == 0)
		r = read_namespace(&job->place, process, "time", theirs);
	if (r < 0 || strcmp(ours, theirs) == 0)
		return r;
	r = read_namespace(&job->place, process, "time_for_children", children);
	if (r == 0 && strcmp(theirs, children) != 0)
		return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "in: the process has left its time namespace, whose clock "
				    "nobody can tell then");
	return r == 0 ? read_offset(job, process, timing) : r;
}

int timing_prepare(struct job *job, const struct timing *timing) {
	struct timing *copy = calloc(1, sizeof *copy);

	if (!copy)
		return -ENOMEM;
	*copy = *timing;
	job->state = copy;
	return copy->clock ? offset(job, copy) : -EBADMSG;
}

/* ---- when ---- */

/* The first full minute within the slack, or else ten seconds, and so on: whoever may wait goes off
 * together with others. */
static uint64_t align(uint64_t at_usec, uint64_t slack_usec) {
	const uint64_t steps[] = { 60 * second, 10 * second, second,
				   second / 4,  second / 20, second / 1000 };

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		uint64_t wait = (steps[i] - at_usec % steps[i]) % steps[i];

		if (wait <= slack_usec && at_usec <= UINT64_MAX - wait)
			return at_usec + wait;
	}
	return at_usec;
}

static uint64_t now_usec(const struct timing_clock *clock) {
	struct timespec now;

	(void)clock_gettime(clock->read_id, &now);
	return (uint64_t)now.tv_sec * second + (uint64_t)now.tv_nsec / 1000;
}

/* What has been long ago is so at once, and not never. */
static uint64_t in_our_time(uint64_t usec, int64_t offset_usec) {
	if (offset_usec < 0)
		return usec > UINT64_MAX + (uint64_t)offset_usec ? UINT64_MAX
								 : usec - (uint64_t)offset_usec;
	return usec > (uint64_t)offset_usec ? usec - (uint64_t)offset_usec : 1;
}

static uint64_t initial_of(const struct timing *timing) {
	uint64_t at, now;

	if (timing->initial_usec == 0)
		return 0;
	if (timing->absolute)
		return align(in_our_time(timing->initial_usec, timing->offset_usec),
			     timing->slack_usec);
	now = now_usec(timing->clock);
	if (timing->initial_usec > UINT64_MAX - now)
		return timing->initial_usec;
	at = now + timing->initial_usec;
	return align(at, timing->slack_usec) - now;
}

static struct timespec timespec_of(uint64_t usec) {
	return (struct timespec){ (time_t)(usec / second), (long)(usec % second * 1000) };
}

int timing_set(const struct timing *timing, int fd) {
	const struct itimerspec when = { .it_value = timespec_of(initial_of(timing)),
					 .it_interval = timespec_of(timing->interval_usec) };
	int flags = timing->absolute ? TFD_TIMER_ABSTIME : 0;

	if (timing->absolute && timing->cancel_on_set)
		flags |= TFD_TIMER_CANCEL_ON_SET;
	return timerfd_settime(fd, flags, &when, NULL) < 0 ? -errno : 0;
}
