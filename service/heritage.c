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

static void read_file(int proc, pid_t pid, const char *name, char *text, size_t size) {
	_cleanup_close_ int fd = -1;
	char path[64];
	ssize_t n = -1;

	(void)snprintf(path, sizeof path, "%d/%s", pid, name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
}

void heritage_read(struct heritage *heritage, int proc, pid_t caller) {
	char text[2048];
	const char *mask;

	*heritage = (struct heritage){ .caller = caller, .umask = 022 };
	read_file(proc, caller, "status", text, sizeof text);
	mask = strstr(text, "\nUmask:\t");
	if (mask)
		heritage->umask = (mode_t)strtoul(mask + 8, NULL, 8) & 0777;
	read_file(proc, caller, "oom_score_adj", text, sizeof text);
	heritage->out_of_memory = atoi(text);
	errno = 0;
	heritage->nice = getpriority(PRIO_PROCESS, (id_t)caller);
	if (errno != 0)
		heritage->nice = 0;
	if (sched_getaffinity(caller, sizeof heritage->processors, &heritage->processors) < 0)
		CPU_ZERO(&heritage->processors);
}

/* A score below ours takes a right that we do not have. */
void heritage_begin(const struct heritage *heritage, int proc) {
	_cleanup_close_ int fd = openat(proc, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)dprintf(fd, "%d", heritage->out_of_memory);
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
