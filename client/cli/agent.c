/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who asks for a password where there is no desktop that would. */

#include "agent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../cleanup.h"

static const int patience_msec = 5000;

/* polkit looks for an agent of the very process that calls, and then for one of its session: one
 * that the shell has started for itself is neither. */
static _Noreturn void become_agent(pid_t caller, int ready) {
	char fd[16], pid[16];

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	snprintf(fd, sizeof fd, "%d", ready);
	snprintf(pid, sizeof pid, "%d", caller);
	if (getppid() == caller && fcntl(ready, F_SETFD, 0) == 0)
		execlp("pkttyagent", "pkttyagent", "--notify-fd", fd, "--fallback", "--process",
		       pid, (char *)NULL);
	_exit(127);
}

pid_t agent_start(void) {
	_cleanup_close_ int ready = -1, told = -1;
	pid_t caller = getpid(), agent;
	struct pollfd closed;
	int pair[2];

	if (geteuid() == 0 || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return 0;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return 0;
	told = pair[0];
	ready = pair[1];
	agent = fork();
	if (agent == 0)
		become_agent(caller, ready);
	if (agent < 0)
		return 0;
	cleanup_close(&ready);
	ready = -1;
	closed = (struct pollfd){ .fd = told, .events = POLLIN };
	(void)poll(&closed, 1, patience_msec); /* it closes its end, or has ended */
	return agent;
}

void agent_stop(pid_t agent) {
	if (agent <= 0)
		return;
	(void)kill(agent, SIGTERM);
	(void)waitpid(agent, NULL, 0);
}
