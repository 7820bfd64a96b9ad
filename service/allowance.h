/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a program may use: a control group of its own, below that of the service, which systemd has
 * handed over to it (Delegate=). What the service itself consists of moves into another one there,
 * since a group that is divided has no processes.
 *
 * Those that are empty go when another is made, and with the service. Where the worker is killed,
 * systemd cannot begin another in a group that is divided; so the division is taken back then, and
 * what still runs is no longer held.
 */
#pragma once

#include "job.h"

struct allowance {
	int group; /* for clone3(2); -1: none of its own */
	int tasks; /* what says how many there may be, written when it has come to be */
	uint64_t tasks_max;
};

#define ALLOWANCE_NONE \
	{ .group = -1, .tasks = -1 }

bool allowance_is_asked(const Usher__SpawnRequest *request);
/* The group, with its limits but for that of tasks. ours: so many of them are not the program's.
 * 0, a refusal or a negative errno. */
int allowance_make(struct job *job, const Usher__SpawnRequest *request, unsigned ours,
		   struct allowance *ret);
/* And that one. */
int allowance_finish(const struct allowance *allowance);
void allowance_done(struct allowance *allowance);
/* After the service has ended: its group is undivided again, and what is empty gone. */
void allowance_reset(void);
