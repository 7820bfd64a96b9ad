/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "territory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "kernel.h"
#include "pidfd.h"
#include "rights.h"

static int home = -1;
static struct stat at_home;
static bool has_way_back;

int territory_begin(void) {
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0 || fstat(home, &at_home) < 0)
		return -errno;
	has_way_back = setns(home, CLONE_NEWNET) == 0;
	return 0;
}

bool territory_is_own(const struct stat *namespace) {
	return namespace->st_dev == at_home.st_dev && namespace->st_ino == at_home.st_ino;
}

/* ---- whose ---- */

/* One of the files in /proc that tell of a process by lines; what does not fit is not needed. */
static int read_lines(const char *path, char *text, size_t size) {
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return 0;
}

static int pid_of(int pidfd) {
	char path[64], text[1024];
	const char *line;
	int r;

	(void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
	r = read_lines(path, text, sizeof text);
	if (r < 0)
		return r;
	line = strstr(text, "\nPid:\t");
	return line ? atoi(line + strlen("\nPid:\t")) : -EBADF;
}

static int read_uids(int pid, unsigned ret[4]) {
	char path[64], text[4096];
	const char *line;
	int r;

	(void)snprintf(path, sizeof path, "/proc/%d/status", pid);
	r = read_lines(path, text, sizeof text);
	if (r < 0)
		return r;
	line = strstr(text, "\nUid:\t");
	if (!line || sscanf(line, "\nUid:\t%u %u %u %u", ret, ret + 1, ret + 2, ret + 3) != 4)
		return -EBADMSG;
	return 0;
}

/* Before Linux 6.13 by its number, which is its own as long as the process lives. */
static int find_uids(int pidfd, bool *by_number, unsigned ret[4]) {
	struct kernel_pidfd_info info = { .mask = KERNEL_PIDFD_INFO_CREDS };
	int pid;

	if (ioctl(pidfd, KERNEL_PIDFD_GET_INFO, &info) == 0 &&
	    info.mask & KERNEL_PIDFD_INFO_CREDS) {
		const unsigned uids[] = { info.ruid, info.euid, info.suid, info.fsuid };

		memcpy(ret, uids, sizeof uids);
		return 0;
	}
	*by_number = true;
	pid = pid_of(pidfd);
	return pid <= 0 ? -ESRCH : read_uids(pid, ret);
}

/* ... and before 6.11. A process that has exited has none. */
static int open_namespace(int pidfd, bool *by_number) {
	char path[64];
	int pid, fd = ioctl(pidfd, KERNEL_PIDFD_GET_NET_NAMESPACE, 0);

	if (fd >= 0)
		return fd;
	*by_number = true;
	pid = pid_of(pidfd);
	if (pid <= 0)
		return -ESRCH;
	(void)snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A process that runs somebody else's program by now speaks for nobody. */
static int check_uids(int pidfd, uid_t uid, bool *by_number, struct refusal *refusal) {
	unsigned uids[4];
	int r = find_uids(pidfd, by_number, uids);

	if (r < 0)
		return r;
	for (int i = 0; i < 4; i++)
		if (uids[i] != uid)
			return refusal_note(refusal, REFUSED_PERMISSION,
					    "the calling process is no longer what it was when it "
					    "connected to the bus (uid %u, now %u)",
					    uid, uids[i]);
	return 0;
}

static int find_namespace(int pidfd, uid_t uid, int *ret_namespace, struct refusal *refusal) {
	bool by_number = false;
	_cleanup_close_ int namespace = open_namespace(pidfd, &by_number);
	int r = check_uids(pidfd, uid, &by_number, refusal);

	if ((by_number && pidfd_is_over(pidfd)) || r == -ESRCH || namespace == -ESRCH)
		return refusal_note(refusal, REFUSED_NOT_FOUND, "the calling process has exited");
	if (r != 0)
		return r;
	if (namespace < 0)
		return refusal_note(refusal, namespace,
				    "cannot open the network namespace of the calling process");
	*ret_namespace = fd_take(&namespace);
	return 0;
}

int territory_of_process(int pidfd, uid_t uid, int *ret_namespace, struct refusal *refusal) {
	int r = rights_to_enter();

	if (r == 0)
		r = find_namespace(pidfd, uid, ret_namespace, refusal);
	if (r != 0)
		(void)rights_lower_to(0);
	return r;
}

/* ---- being there ---- */

static int join(int namespace, int type) {
	int r = rights_to_enter();

	if (r < 0)
		return r;
	r = setns(namespace, type) < 0 ? -errno : 0;
	if (rights_lower_to(0) < 0)
		return -EPERM;
	return r;
}

int territory_enter(int namespace) {
	if (has_way_back)
		return join(namespace, CLONE_NEWNET);
	(void)rights_lower_to(0);
	return -EPERM;
}

int territory_leave(void) {
	return join(home, CLONE_NEWNET);
}

/* An ordinary user is what root is in the user namespaces that it made, when it is in them. */
int territory_settle(int namespace) {
	_cleanup_close_ int users = -1;
	struct stat st;
	bool own = fstat(namespace, &st) == 0 && territory_is_own(&st);
	int r = own ? 0 : join(namespace, CLONE_NEWNET);

	if (r != -EPERM)
		return r;
	users = ioctl(namespace, NS_GET_USERNS);
	if (users < 0)
		return -EPERM;
	r = join(users, CLONE_NEWUSER);
	if (r == 0)
		r = join(namespace, CLONE_NEWNET);
	return r;
}
