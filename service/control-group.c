/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "control-group.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fd.h"

enum { GROUPS_TEXT_MAX = 32 * 1024 };

/* Alone, or beside those of version 1. */
static int open_hierarchy(void) {
	static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
		_cleanup_close_ int fd = open(mounts[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct statfs fs;

		if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return fd_take(&fd);
	}
	return -1;
}

/* "0::/PATH" is the last line, from the root of our own hierarchy. */
static const char *find_path(char *text) {
	char *line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");

	if (!line)
		return NULL;
	line += strcspn(line, "/") + 1;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static int read_text(int proc, pid_t pid, char *text, size_t size) {
	_cleanup_close_ int file = -1;
	char name[64];
	ssize_t n = 1;

	(void)snprintf(name, sizeof name, "%d/cgroup", pid);
	file = openat(proc, name, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	for (size_t used = 0; n > 0; used += (size_t)n) {
		n = read(file, text + used, size - 1 - used);
		if (n < 0)
			return -errno;
		text[used + (size_t)n] = '\0';
		if (used + (size_t)n == size - 1)
			return -ENAMETOOLONG;
	}
	return 0;
}

int control_group_open(int proc, pid_t pid, int *ret) {
	_cleanup_close_ int hierarchy = open_hierarchy();
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH };
	static char text[GROUPS_TEXT_MAX];
	const char *path;
	int r;

	*ret = -1;
	if (hierarchy < 0)
		return 0;
	r = read_text(proc, pid, text, sizeof text);
	if (r < 0)
		return r;
	path = find_path(text);
	if (!path)
		return 0;
	*ret = (int)syscall(SYS_openat2, hierarchy, *path ? path : ".", &how, sizeof how);
	return *ret < 0 ? -errno : 0;
}

/* What systemd starts beside a service with a group of its own to divide it puts there. */
static const char control[] = ".control";

int control_group_open_service(int proc, int *ret) {
	_cleanup_close_ int own = -1;
	char path[64], name[PATH_MAX], *last;
	ssize_t n;
	int r = control_group_open(proc, getpid(), &own);

	*ret = -1;
	if (r < 0 || own < 0)
		return r;
	(void)snprintf(path, sizeof path, "self/fd/%d", own);
	n = readlinkat(proc, path, name, sizeof name - 1);
	if (n < 0)
		return -errno;
	name[n] = '\0';
	last = strrchr(name, '/');
	last = last ? last + 1 : name;
	*ret = openat(own,
		      strcmp(last, CONTROL_GROUP_SERVICE) == 0 || strcmp(last, control) == 0 ? ".."
											     : ".",
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}
