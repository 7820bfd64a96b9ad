/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "fd.h"

enum { NOBODY = 65534 };

/* In a user namespace there may be no nobody to become; then we hold nothing of the host's anyway.
 */
static bool become_nobody(void) {
	if (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	    setresuid(NOBODY, NOBODY, NOBODY) == 0)
		return true;
	return errno == EPERM || errno == EINVAL;
}

static _Noreturn void become(const char *path, const char *name, const char *argument, int socket) {
	char *const arguments[] = { (char *)(unsigned long)name, (char *)(unsigned long)argument,
				    NULL };
	char *const environment[] = { NULL };

	if (dup2(socket, 0) < 0 || dup2(socket, 1) < 0 || syscall(SYS_close_range, 3, ~0U, 0) < 0)
		_exit(1);
	if (!become_nobody())
		_exit(1);
	if (confine_capabilities(0) < 0)
		_exit(1);
	(void)execve(path, arguments, environment);
	_exit(1);
}

int program_start(const char *libexec, const char *name, const char *argument) {
	_cleanup_close_ int ours = -1, theirs = -1;
	char path[PATH_MAX];
	int pair[2];
	pid_t pid;

	if (snprintf(path, sizeof path, "%s/%s", libexec, name) >= (int)sizeof path)
		return -ENAMETOOLONG;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(path, name, argument, theirs);
	return fd_take(&ours);
}
