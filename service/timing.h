/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a timer goes off: on which clock, by whose time, and how exactly. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "job.h"
#include "refusal.h"

struct timing_clock {
	const char *name;
	clockid_t id;      /* the timer's */
	clockid_t read_id; /* that tells the same time, also on a machine that cannot be woken */
	bool alarm;        /* wakes the machine */
	bool shifted;      /* a time namespace has one of its own */
};

struct timing {
	const struct timing_clock *clock;
	uint64_t initial_usec; /* 0: it does not run */
	uint64_t interval_usec, slack_usec;
	bool absolute, cancel_on_set;
	int64_t offset_usec; /* of the place's clock from ours */
};

/* NULL if there is no such clock. */
const struct timing_clock *timing_clock_find(const char *name);
/* 0, or a refusal that names the argument. */
int timing_check_clock(const char *name, struct refusal *refusal);
/* For prepare(): a copy becomes the job's state, with the offset where the time is one of the
 * place's. -EBADMSG without a clock. */
int timing_prepare(struct job *job, const struct timing *timing);
/* Sets a timerfd. 0 or a negative errno. */
int timing_set(const struct timing *timing, int fd);
