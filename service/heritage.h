/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process has from who started it. That is the service, but is to look like the caller: who
 * is limited is limited here, too, and nobody gets what the service has.
 */
#pragma once

#include <sched.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "place.h"

struct heritage {
	pid_t caller;
	mode_t umask;
	int out_of_memory; /* oom_score_adj */
	int nice;
	cpu_set_t processors;
};

/* Of the caller. What cannot be read is as everybody has it. */
void heritage_read(struct heritage *heritage, const struct place *place);
/* Before we are anybody else: what takes a file of our own. */
void heritage_begin(const struct heritage *heritage, int proc);
/* The caller's limits, as the caller: they are shown to no other. As far as the service's own
 * reach.
 */
void heritage_read_limits(const struct heritage *heritage, struct rlimit limits[RLIM_NLIMITS]);
/* The rest. */
void heritage_take(const struct heritage *heritage, const struct rlimit limits[RLIM_NLIMITS]);
