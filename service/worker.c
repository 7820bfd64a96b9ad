/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usher-worker: accepts the broker's connections and forks a child for each. It reads nothing and
 * keeps nothing; what hangs, dies or is killed is one child with one request.
 *
 * Its socket is the first descriptor that systemd passes; `usherd --session` passes one end of a
 * socket pair instead and sends every connection over it.
 */

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "fd.h"
#include "job.h"
#include "mount-table.h"

enum {
	LISTEN_FD = 3, /* SD_LISTEN_FDS_START */
	IDLE_MSEC = 60 * 1000,
};

static void on_child(int number) {
	(void)number; /* it only has to interrupt poll() */
}

static bool is_listening(int socket) {
	int listening = 0;
	socklen_t size = sizeof listening;

	return getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

static int next_connection(int socket, bool listening) {
	int fd;

	if (!listening)
		return fd_receive(socket);
	fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void serve(int connection, const char *libexec, const sigset_t *signals) {
	pid_t pid = fork();

	if (pid == 0) {
		(void)signal(SIGCHLD, SIG_DFL);
		(void)sigprocmask(SIG_SETMASK, signals, NULL);
		job_serve(connection, libexec);
	}
	(void)close(connection); /* where fork() failed, the broker sees a child that died */
}

/* True while any child is left. */
static bool reap(void) {
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG);
	while (pid > 0);
	return pid == 0;
}

int main(int argc, char *argv[]) {
	const char *libexec = argc == 3 && strcmp(argv[1], "--libexec") == 0 ? argv[2] : LIBEXECDIR;
	bool listening = is_listening(LISTEN_FD);
	struct sigaction action = { .sa_handler = on_child };
	sigset_t blocked, before;

	(void)mount_table_kernel_suffices(); /* or each child would find out by itself */
	if (fd_open_standard() < 0 || clearenv() != 0 || chdir("/") < 0)
		err(1, "cannot start afresh");
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	if (sigaction(SIGCHLD, &action, NULL) < 0 || sigprocmask(SIG_BLOCK, &blocked, &before) < 0)
		err(1, "cannot wait for children");
	for (;;) {
		struct pollfd poll_fd = { .fd = LISTEN_FD, .events = POLLIN };
		struct timespec idle = { .tv_sec = IDLE_MSEC / 1000 };
		bool busy = reap();
		int n = ppoll(&poll_fd, 1, listening ? &idle : NULL, &before), connection;

		if (n == 0 && !busy)
			return 0; /* systemd listens on */
		if (n <= 0)
			continue;
		connection = next_connection(LISTEN_FD, listening);
		if (connection == -ECONNRESET && !listening)
			return 0;
		if (connection >= 0)
			serve(connection, libexec, &before);
	}
}
