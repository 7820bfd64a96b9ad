/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "heritage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"

void heritage_read(struct heritage *heritage, const struct place *place) {
	char path[64], text[32] = "";

	*heritage = (struct heritage){ .caller = place->caller, .umask = place->umask };
	(void)snprintf(path, sizeof path, "%d/oom_score_adj", place->caller);
	(void)place_read(place, path, text, sizeof text);
	heritage->out_of_memory = atoi(text);
	errno = 0;
	heritage->nice = getpriority(PRIO_PROCESS, (id_t)place->caller);
	if (errno != 0)
		heritage->nice = 0;
	if (sched_getaffinity(place->caller, sizeof heritage->processors, &heritage->processors) <
	    0)
		CPU_ZERO(&heritage->processors);
}

/* A score below ours takes a right that we do not have. */
void heritage_begin(const struct heritage *heritage, int proc) {
	_cleanup_close_ int fd = openat(proc, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	char text[16];
	int n = snprintf(text, sizeof text, "%d", heritage->out_of_memory);

	if (fd < 0 || write(fd, text, (size_t)n) < 0)
		return; /* it stays ours */
}

void heritage_read_limits(const struct heritage *heritage, struct rlimit limits[RLIM_NLIMITS]) {
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit ours;

		(void)getrlimit((enum __rlimit_resource)i, &ours);
		if (prlimit(heritage->caller, (enum __rlimit_resource)i, NULL, &limits[i]) < 0)
			limits[i] = ours;
		if (limits[i].rlim_max > ours.rlim_max)
			limits[i].rlim_max = ours.rlim_max;
		if (limits[i].rlim_cur > limits[i].rlim_max)
			limits[i].rlim_cur = limits[i].rlim_max;
	}
}

void heritage_take(const struct heritage *heritage, const struct rlimit limits[RLIM_NLIMITS]) {
	for (int i = 0; i < RLIM_NLIMITS; i++)
		(void)setrlimit((enum __rlimit_resource)i, &limits[i]);
	(void)umask(heritage->umask);
	if (heritage->nice != 0)
		(void)setpriority(PRIO_PROCESS, 0, heritage->nice);
	if (CPU_COUNT(&heritage->processors) > 0)
		(void)sched_setaffinity(0, sizeof heritage->processors, &heritage->processors);
	(void)prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0);
}
