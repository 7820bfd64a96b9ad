/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "kernel.h"
#include "lookout.h"
#include "pidfd.h"

enum { KNOWN = 64 };

struct actors {
	struct {
		pid_t pid;
		uid_t uid;
		uint32_t batch;
	} known[KNOWN];
};

/* As Linux before 6.13 tells it: by way of a directory that anybody can have locked. */
static uid_t look_in_proc(pid_t pid) {
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof path, "/proc/%d", pid);
	return stat(path, &st) == 0 ? st.st_uid : (uid_t)-1;
}

static uid_t look(pid_t pid) {
	struct kernel_pidfd_info information = { .mask = KERNEL_PIDFD_INFO_CREDS };
	_cleanup_close_ int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (fd < 0)
		return (uid_t)-1;
	if (ioctl(fd, KERNEL_PIDFD_GET_INFO, &information) == 0 &&
	    information.mask & KERNEL_PIDFD_INFO_CREDS)
		return information.euid;
	return errno == ESRCH ? (uid_t)-1 : look_in_proc(pid);
}

uid_t actor_uid(struct lookout *lookout, pid_t pid) {
	size_t place = (size_t)pid % KNOWN;

	if (!lookout->actors)
		lookout->actors = calloc(1, sizeof *lookout->actors);
	if (!lookout->actors)
		return (uid_t)-1;
	if (lookout->actors->known[place].pid != pid ||
	    lookout->actors->known[place].batch != lookout->batch) {
		lookout->actors->known[place].uid = look(pid);
		lookout->actors->known[place].pid = pid;
		lookout->actors->known[place].batch = lookout->batch;
	}
	return lookout->actors->known[place].uid;
}

void actor_know(pid_t pid, uint64_t started, struct self *ret) {
	*ret = (struct self){ pid, pidfd_find(pid, started) };
	if (ret->pidfd < 0)
		ret->pid = 0;
}

void actor_forget(struct self *self) {
	if (self->pid)
		fd_closep(&self->pidfd);
	self->pid = 0;
}

/* While its descriptor is held its number may become another's. */
bool actor_is(struct self *self, pid_t pid) {
	if (!self->pid || self->pid != pid)
		return false;
	if (pidfd_is_over(self->pidfd))
		actor_forget(self);
	return self->pid == pid;
}
