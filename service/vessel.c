/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vessel.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fd.h"

static int fill(void) {
	_cleanup_close_ int file = -1;

	if (mkdir("proc", 0755) < 0)
		return -errno;
	file = open("proc/version", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return file < 0 ? -errno : 0;
}

/* Nothing stays but a small file system. */
static int empty(void) {
	struct mount_attr alone = { .propagation = MS_PRIVATE };
	int r;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &alone, sizeof alone) < 0 ||
	    mount("tmpfs", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755") < 0 ||
	    chdir("/proc") < 0)
		return -errno;
	(void)umask(022);
	r = fill();
	if (r < 0)
		return r;
	/* the old root lies on the new one then, and goes with all that is below it */
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
		return -errno;
	return 0;
}

static int make(int number) {
	_cleanup_close_ int self = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int made = -1;
	int r = self < 0 ? -errno : empty();

	if (r == 0)
		made = openat(self, "mnt", O_RDONLY | O_CLOEXEC);
	if (made < 0)
		return -errno;
	if (self == number)
		(void)fd_take(&self);
	if (made == number)
		return fd_take(&made) - number;
	return dup3(made, number, O_CLOEXEC) < 0 ? -errno : 0;
}

/* By a process of its own, which has its descriptors in common with us. One that was killed says
 * nothing of the next. */
int vessel_open(int number) {
	enum { TRIES = 3 };

	int status = -1;

	for (int i = 0; i < TRIES && (i == 0 || WIFSIGNALED(status)); i++) {
		pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

		if (pid == 0)
			_exit(make(number) < 0);
		if (pid < 0 || waitpid(pid, &status, 0) < 0)
			return -errno;
		if (status == 0)
			return 0;
		(void)close(number); /* whatever it had there when it was killed is no namespace */
	}
	return -EPERM;
}
