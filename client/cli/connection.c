/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection of a command: what it is opened with, and how long it is held. */

#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../cleanup.h"
#include "answer.h"

static int refuse_pid(const struct arguments *arguments, const char *parameter, int pid,
		      int error) {
	_cleanup_free_ char *message = NULL;

	if (asprintf(&message, "%s %d: %s", parameter, pid, strerror(-error)) < 0)
		return answer_failure(arguments, NULL, -ENOMEM);
	return answer_error(arguments, NULL, error, message);
}

int connection_open_places(struct arguments *arguments) {
	char path[64];
	int pid = arguments->in_pid;

	if (pid) {
		arguments->keys.in = pidfd_open(pid, 0);
		if (arguments->keys.in < 0)
			return refuse_pid(arguments, "--in", pid, -errno);
	}
	pid = arguments->idmap_pid;
	if (pid) {
		snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
		arguments->keys.idmap_fd = open(path, O_RDONLY | O_CLOEXEC);
		if (arguments->keys.idmap_fd < 0)
			return refuse_pid(arguments, "--idmap-pid", pid, -errno);
	}
	return 0;
}

void connection_close_places(struct arguments *arguments) {
	cleanup_close(&arguments->keys.in);
	cleanup_close(&arguments->keys.idmap_fd);
	arguments->keys.in = arguments->keys.idmap_fd = -1;
}

int connection_open(const struct arguments *arguments, struct usher **ret) {
	_cleanup_free_ char *message = NULL;
	int r;

	/* What is asked for on the command line goes before the environment. */
	if (arguments->bus && setenv("USHER_BUS", arguments->bus, 1) < 0)
		return answer_failure(arguments, NULL, -errno);
	r = usher_open(ret, arguments->ask ? USHER_INTERACTIVE : 0);
	if (r >= 0)
		return 0;
	if (asprintf(&message, "cannot connect to the bus: %s", strerror(-r)) < 0)
		return answer_failure(arguments, NULL, -ENOMEM);
	return answer_error(arguments, NULL, r, message);
}

int connection_find_place(struct arguments *arguments, struct usher *usher) {
	int r;

	if (!arguments->in_name || arguments->in_found)
		return 0;
	r = usher_find_namespace(usher, arguments->in_name, &arguments->in_found);
	if (r == -ENOENT && arguments->networks) {
		arguments->in_network = arguments->in_name;
		return 0;
	}
	if (r < 0)
		return answer_refusal(arguments, usher, arguments->in_name, r);
	arguments->keys.in_object = arguments->in_found;
	return 0;
}

int connection_hold(const struct arguments *arguments, struct usher *usher) {
	_cleanup_close_ int signals = -1;
	struct pollfd fds[2];
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return answer_failure(arguments, NULL, -errno);
	signals = signalfd(-1, &mask, SFD_CLOEXEC);
	if (signals < 0)
		return answer_failure(arguments, NULL, -errno);
	for (;;) {
		/* Before sleeping, too: what has been read along with the answer is no longer in
		 * the socket. */
		r = usher_process(usher);
		if (r < 0)
			return answer_refusal(arguments, usher, NULL, r);
		fds[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = usher_get_fd(usher), .events = POLLIN };
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return answer_failure(arguments, NULL, -errno);
		if (fds[0].revents)
			return 0;
	}
}
