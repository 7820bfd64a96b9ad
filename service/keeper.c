/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "fd.h"
#include "usher.pb-c.h"
#include "wire.h"

/* One word of /proc/self/task/PID/children after the other. */
static void kill_children(int proc) {
	_cleanup_close_ int fd = openat(proc, "thread-self/children", O_RDONLY | O_CLOEXEC);
	char text[4096], *at = text, *end;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	for (;;) {
		long pid = strtol(at, &end, 10);

		/* the last one may have been cut short */
		if (end == at || !*end)
			return;
		(void)kill((pid_t)pid, SIGKILL);
		at = end;
	}
}

/* What has children leaves them to us when it dies: once more for each that has. */
void keeper_end_children(int proc) {
	siginfo_t info;

	do
		kill_children(proc);
	while (waitid(P_ALL, 0, &info, WEXITED) == 0 || errno == EINTR);
}

static void tell(const struct keeper *keeper, const siginfo_t *info) {
	Usher__Ended ended = USHER__ENDED__INIT;
	Usher__Reply said = USHER__REPLY__INIT;
	static char exited[] = "exited", killed[] = "killed", dumped[] = "dumped";

	ended.state = info->si_code == CLD_EXITED   ? exited
		      : info->si_code == CLD_DUMPED ? dumped
						    : killed;
	ended.status = info->si_status;
	said.ended = &ended;
	(void)wire_send(keeper->socket, &said.base, NULL);
}

/* Whatever else there is of children has become ours by the death of its parent. True when the
 * process itself has ended. */
static bool reap(const struct keeper *keeper, siginfo_t *ret) {
	for (;;) {
		siginfo_t info = { 0 };

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
			return false;
		if (info.si_pid == keeper->pid) {
			*ret = info;
			return true;
		}
	}
}

static void on_child(int number) {
	(void)number; /* it only has to interrupt poll() */
}

/* False when nothing is said to us any more: the broker has gone. What the next one says to all who
 * may still wait for a word is not for us. */
static bool hear_broker(const struct keeper *keeper, short events) {
	if (events & ~POLLIN)
		return false;
	wire_skip(keeper->socket);
	return true;
}

static bool await_end(const struct keeper *keeper, siginfo_t *ret) {
	const struct sigaction action = { .sa_handler = on_child };
	struct pollfd fds[] = { { .fd = keeper->socket, .events = POLLIN | POLLRDHUP },
				{ .fd = keeper->report, .events = POLLIN } };
	sigset_t child, none;

	sigemptyset(&none);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigaction(SIGCHLD, &action, NULL) < 0 || sigprocmask(SIG_BLOCK, &child, NULL) < 0)
		return false;
	while (!reap(keeper, ret)) {
		if (ppoll(fds, 2, NULL, &none) <= 0)
			continue;
		if (fds[0].revents && !hear_broker(keeper, fds[0].revents))
			return false;
		if (fds[1].revents && !keeper->pass_on(keeper))
			fds[1].fd = -1;
	}
	return true;
}

static void give_up_everything(const struct keeper *keeper) {
	const int keep[] = { keeper->socket, keeper->proc, keeper->report, keeper->kept };

	(void)fd_close_all_but(keep, 4);
	(void)confine_capabilities(KEEPER_CAPABILITIES);
	(void)confine_raise();
}

void keeper_stay(const struct keeper *keeper) {
	siginfo_t info = { 0 };

	give_up_everything(keeper);
	if (!await_end(keeper, &info)) {
		if (keeper->stays)
			return;
		/* what it has become can be told before its children are looked for */
		if (kill(keeper->pid, SIGKILL) < 0 ||
		    waitid(P_PID, (id_t)keeper->pid, &info, WEXITED) < 0)
			return;
		keeper_end_children(keeper->proc);
	}
	tell(keeper, &info);
}
