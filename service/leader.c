/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "leader.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

_Noreturn void leader_stay(int pidfd) {
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	(void)signal(SIGCHLD, SIG_IGN);
	if (pidfd < 0)
		(void)syscall(SYS_close_range, 0, ~0U, 0);
	if (pidfd < 0)
		for (;;)
			(void)pause();
	while (poll(&ended, 1, -1) <= 0)
		;
	_exit(0);
}
