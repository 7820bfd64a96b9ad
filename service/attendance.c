/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "attendance.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"

int attendance_begin(void) {
	sigset_t none;

	sigemptyset(&none);
	if (clearenv() != 0)
		return -ENOMEM;
	if (chdir("/") < 0 || fd_open_standard() < 0 ||
	    syscall(SYS_close_range, ATTENDANCE_FD + 1, ~0U, 0) < 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	return 0;
}
