/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands of the user's. */

#include "shell.h"

#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arguments.h"

int shell_run(const char *command) {
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char *)(uintptr_t)command,
			       NULL };
	int r, status;
	pid_t pid;

	fflush(stdout);
	r = posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ);
	if (r != 0)
		return -r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_KILLED + WTERMSIG(status);
}
