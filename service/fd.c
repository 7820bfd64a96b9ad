/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

void fd_closep(int *fd) {
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_take(int *fd) {
	int taken = *fd;

	*fd = -1;
	return taken;
}

int fd_open_standard(void) {
	for (;;) {
		int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		if (fd > STDERR_FILENO) {
			(void)close(fd);
			return 0;
		}
		/* whatever is executed is to have it too */
		if (fcntl(fd, F_SETFD, 0) < 0)
			return -errno;
	}
}

/* The lowest of them that is not below a number; INT_MAX if there is none. */
static int lowest_from(const int *fds, size_t n, int from) {
	int lowest = INT_MAX;

	for (size_t i = 0; i < n; i++)
		if (fds[i] >= from && fds[i] < lowest)
			lowest = fds[i];
	return lowest;
}

int fd_close_all_but(const int *keep, size_t n) {
	int from = STDERR_FILENO + 1;

	for (;;) {
		int next = lowest_from(keep, n, from);

		if (next > from &&
		    syscall(SYS_close_range, from, next == INT_MAX ? INT_MAX : next - 1, 0) < 0)
			return -errno;
		if (next == INT_MAX)
			return 0;
		from = next + 1;
	}
}

bool fd_same_file(int a, int b) {
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

int fds_add(struct fds *fds, int fd) {
	if (fds->n == FDS_MAX) {
		fd_closep(&fd);
		return -E2BIG;
	}
	fds->fd[fds->n] = fd;
	return (int)fds->n++;
}

int fds_add_copy(struct fds *fds, int fd) {
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : fds_add(fds, copy);
}

int fds_get(const struct fds *fds, size_t place) {
	return place < fds->n ? fds->fd[place] : -EBADF;
}

void fds_done(struct fds *fds) {
	while (fds->n > 0)
		fd_closep(&fds->fd[--fds->n]);
}

union one_descriptor {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

int fd_send(int socket, int fd, int flags) {
	union one_descriptor control = { 0 };
	struct iovec part = { (char[]){ 'f' }, 1 };
	struct msghdr packet = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	return sendmsg(socket, &packet, flags | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int fd_receive(int socket) {
	union one_descriptor control;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr packet = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control };
	ssize_t n = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header;
	int fd = -1;

	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	header = CMSG_FIRSTHDR(&packet);
	if (!header || header->cmsg_type != SCM_RIGHTS) /* or there is no room for one here */
		return packet.msg_flags & MSG_CTRUNC ? -EMFILE : -EBADMSG;
	/* there is room for a second one, for reasons of alignment: then both are closed */
	for (size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof fd; i++) {
		int extra;

		memcpy(&extra, CMSG_DATA(header) + i * sizeof extra, sizeof extra);
		if (i == 0)
			fd = extra;
		else {
			fd_closep(&extra);
			fd_closep(&fd);
		}
	}
	return fd < 0 ? -EBADMSG : fd;
}
