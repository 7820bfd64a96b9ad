/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "path.h"

int target_add_new(struct target_root *root, int mount) {
	struct stat st;

	if (fstat(mount, &st) < 0)
		return -errno;
	if (root->n_new == TARGET_NEW_MAX)
		return -E2BIG;
	root->new[root->n_new++] = st.st_dev;
	return 0;
}

static bool is_new(const struct target_root *root, int directory) {
	struct stat st;

	if (fstat(directory, &st) < 0)
		return false;
	for (size_t i = 0; i < root->n_new; i++)
		if (root->new[i] == st.st_dev)
			return true;
	return false;
}

static int make(int directory, const char *name, bool is_directory) {
	_cleanup_close_ int file = -1;

	if (is_directory)
		return mkdirat(directory, name, 0755) < 0 ? -errno : 0;
	file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return file < 0 ? -errno : 0;
}

/* One component after the other is opened below what was found so far, and made where it is
 * missing. `path` is changed and changed back. */
static int make_all(const struct target_root *root, char *path, bool is_directory, int *ret) {
	_cleanup_close_ int at = fcntl(root->fd, F_DUPFD_CLOEXEC, 3);
	char *name = path;

	for (;;) {
		char *end, after;
		bool is_last;
		int next;

		name += strspn(name, "/");
		if (at < 0 || !*name)
			break;
		end = name + strcspn(name, "/");
		is_last = end[strspn(end, "/")] == '\0';
		after = *end;
		*end = '\0';
		next = path_open_below(root->fd, path, 0);
		if (next == -ENOENT && is_new(root, at)) {
			next = make(at, name, is_directory || !is_last);
			if (next == 0)
				next = path_open_below(root->fd, path, 0);
		}
		*end = after;
		if (next < 0)
			return next;
		fd_closep(&at);
		at = next;
		name = end;
	}
	if (at < 0)
		return -errno;
	*ret = fd_take(&at);
	return 0;
}

static int open_or_make(const struct target_root *root, const char *path, bool is_directory,
			int *ret) {
	_cleanup_free_ char *copy = NULL;

	*ret = path_open_below(root->fd, path, 0);
	if (*ret != -ENOENT)
		return *ret < 0 ? *ret : 0;
	copy = strdup(path);
	return copy ? make_all(root, copy, is_directory, ret) : -ENOMEM;
}

int target_open(const struct target_root *root, const char *path, int mount, int *ret) {
	struct stat st;

	if (fstat(mount, &st) < 0)
		return -errno;
	return open_or_make(root, path, S_ISDIR(st.st_mode), ret);
}

bool target_is_there(const struct target_root *root, const char *path) {
	_cleanup_close_ int fd = -1;

	return open_or_make(root, path, true, &fd) == 0;
}

bool target_is_bare(const struct target_root *root, const char *path) {
	_cleanup_close_ int fd = -1;
	bool is_mount = true;
	uint64_t id;

	return open_or_make(root, path, true, &fd) == 0 &&
	       path_mount_id(fd, "", &id, &is_mount) == 0 && !is_mount;
}

int target_attach(int mount, int target) {
	if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
	    0)
		return -errno;
	return 0;
}

void target_root_done(struct target_root *root) {
	fd_closep(&root->fd);
}
