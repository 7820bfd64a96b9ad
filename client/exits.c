/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a process has ended, of which the program has a pidfd. */

#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pidfd.h"
#include "usher.h"

/* Of a child, which stays to be waited for. */
static int status_of_child(int pidfd, int *ret) {
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -errno;
	if (info.si_pid == 0)
		return -EINPROGRESS;
	if (info.si_code == CLD_EXITED)
		*ret = W_EXITCODE(info.si_status & 0xff, 0);
	else
		*ret = W_EXITCODE(0, info.si_status & 0x7f) |
		       (info.si_code == CLD_DUMPED ? WCOREFLAG : 0);
	return 0;
}

/* Of anybody else's the kernel tells when its parent has taken notice. */
static bool has_gone(int pidfd) {
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0 && errno == ESRCH;
}

int usher_pidfd_status(int pidfd, int *ret_status) {
	int r = pidfd < 0 ? -EBADF : status_of_child(pidfd, ret_status);

	if (r != -ECHILD)
		return r;
	r = pidfd_status(pidfd, ret_status);
	return r == 0 || has_gone(pidfd) ? r : -EINPROGRESS;
}
