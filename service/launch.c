/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fd.h"

static const char worker_socket[] = "/run/usher/worker", spawner_socket[] = "/run/usher/spawner",
		  watcher_socket[] = "/run/usher/watcher", netlink_socket[] = "/run/usher/netlink";

void launcher_use_system(struct launcher *launcher) {
	*launcher = (struct launcher){ .path = worker_socket,
				       .spawner_path = spawner_socket,
				       .watcher_path = watcher_socket,
				       .netlink_path = netlink_socket,
				       .pair = -1 };
}

static _Noreturn void become(const char *libexec, const char *program, int socket) {
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s", libexec, program);
	if (dup2(socket, 3) < 0 || (socket == 3 && fcntl(3, F_SETFD, 0) < 0) ||
	    syscall(SYS_close_range, 4, ~0U, 0) < 0)
		_exit(1);
	(void)execl(path, program, "--libexec", libexec, (char *)NULL);
	_exit(1);
}

int launcher_start(struct launcher *launcher, const char *libexec) {
	int pair[2];
	pid_t pid;

	*launcher = (struct launcher){ .libexec = libexec, .pair = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become(libexec, "usher-worker", pair[1]);
	(void)close(pair[1]);
	launcher->pair = pair[0];
	return pid < 0 ? -errno : 0;
}

void launcher_done(struct launcher *launcher) {
	fd_closep(&launcher->pair);
}

static int connect_system(const char *path) {
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (fd < 0)
		return -errno;
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	return fd_take(&fd);
}

/* Ours does not wait. */
static int make_pair(int *ret_ours, int *ret_theirs) {
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	*ret_ours = sockets[0];
	*ret_theirs = sockets[1];
	return fcntl(*ret_ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int connect_pair(int pair) {
	_cleanup_close_ int ours = -1, theirs = -1;
	int r = make_pair(&ours, &theirs);

	if (r < 0)
		return r;
	r = fd_send(pair, theirs, MSG_DONTWAIT);
	return r < 0 ? r : fd_take(&ours);
}

int launcher_connect(const struct launcher *launcher, bool spawns) {
	if (!launcher->path)
		return connect_pair(launcher->pair);
	return connect_system(spawns ? launcher->spawner_path : launcher->path);
}

/* A child of a child, so that nobody has to wait for its end. */
static int start(const char *libexec, const char *program, int socket) {
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return waitpid(pid, NULL, 0) < 0 ? -errno : 0;
	if (fork() == 0)
		become(libexec, program, socket);
	_exit(0);
}

/* By systemd, which has one listen there, or by us. */
static int connect_program(const struct launcher *launcher, const char *path, const char *program) {
	_cleanup_close_ int ours = -1, theirs = -1;
	int r;

	if (path)
		return connect_system(path);
	r = make_pair(&ours, &theirs);
	if (r < 0)
		return r;
	r = start(launcher->libexec, program, theirs);
	return r < 0 ? r : fd_take(&ours);
}

int launcher_connect_watcher(const struct launcher *launcher) {
	return connect_program(launcher, launcher->watcher_path, "usher-watcher");
}

int launcher_connect_netlink(const struct launcher *launcher) {
	return connect_program(launcher, launcher->netlink_path, "usher-netlink");
}
