/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"

/* Of the kernel's pidfd.h, which has them since Linux 6.15. */
struct exit_information {
	uint64_t mask, cgroup;
	uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
};

static const uint64_t wanted_exit = 1 << 3;

bool pidfd_is_over(int pidfd) {
	struct pollfd exited = { .fd = pidfd, .events = POLLIN };

	return poll(&exited, 1, 0) > 0;
}

int pidfd_status(int pidfd, int *ret) {
	struct exit_information information = { .mask = wanted_exit };

	if (ioctl(pidfd, _IOWR(0xff, 11, struct exit_information), &information) < 0 ||
	    !(information.mask & wanted_exit))
		return -ENODATA;
	*ret = information.exit_code;
	return 0;
}

/* The twenty-second word of its line; the second is a name, which may have anything in it, in
 * parentheses. */
static int read_started(pid_t pid, uint64_t *ret) {
	_cleanup_close_ int fd = -1;
	char path[32], line[1024], *at;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
	if (n < 0)
		return -errno;
	line[n] = '\0';
	at = strrchr(line, ')');
	for (int word = 2; at && word < 22; word++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -EBADMSG;
	*ret = strtoull(at + 1, NULL, 10);
	return 0;
}

/* What was read was the process's own if it is still there after that. */
int pidfd_started(pid_t pid, int pidfd, uint64_t *ret) {
	int r = read_started(pid, ret);

	return r == 0 && pidfd_is_over(pidfd) ? -ESRCH : r;
}

int pidfd_find(pid_t pid, uint64_t started) {
	_cleanup_close_ int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	uint64_t now = 0;

	if (fd < 0 || started == 0 || pidfd_started(pid, fd, &now) < 0 || now != started)
		return -1;
	return fd_take(&fd);
}
