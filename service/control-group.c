/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "control-group.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fd.h"

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

/* "0::/PATH", from the root of our own hierarchy; the rest of the line is the path, whatever is in
 * it but a line's end, which no name of a group can have. */
static const char *find_path(char *text) {
	char *line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");

	if (!line)
		return NULL;
	line += strcspn(line, "/") + 1;
	line[strcspn(line, "\n")] = '\0';
	return strstr(line, "..") ? NULL : line; /* it lies outside of what we see */
}

int control_group_open(int proc, pid_t pid) {
	_cleanup_close_ int hierarchy = -1, file = -1;
	char name[64], text[PATH_MAX + 1024];
	const char *path;
	ssize_t n;

	(void)snprintf(name, sizeof name, "%d/cgroup", pid);
	file = openat(proc, name, O_RDONLY | O_CLOEXEC);
	n = file < 0 ? -1 : read(file, text, sizeof text - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	path = find_path(text);
	hierarchy = path ? open_hierarchy() : -1;
	return hierarchy < 0 ? -1
			     : openat(hierarchy, *path ? path : ".",
				      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}
