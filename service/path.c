/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel.h"
#include "mount-table.h"

enum { TRIES = 16 };

/* File systems where an owner may decide what stands in the place of what is there. Beyond the
 * kernel's own (proc, sysfs, cgroup, debugfs ...) anything new is the administrator's to allow. */
static const unsigned ordinary[] = {
	EXT4_SUPER_MAGIC,
	XFS_SUPER_MAGIC,
	BTRFS_SUPER_MAGIC,
	TMPFS_MAGIC,
	OVERLAYFS_SUPER_MAGIC,
	F2FS_SUPER_MAGIC,
	SQUASHFS_MAGIC,
	EROFS_SUPER_MAGIC_V1,
	NFS_SUPER_MAGIC,
	FUSE_SUPER_MAGIC,
	0xff534d42 /* cifs */,
	0xfe534d42 /* smb2 */,
	V9FS_MAGIC,
	MSDOS_SUPER_MAGIC,
	EXFAT_SUPER_MAGIC,
	0x7366746e /* ntfs3 */,
	ISOFS_SUPER_MAGIC,
	UDF_SUPER_MAGIC,
	NILFS_SUPER_MAGIC,
	0x2fc12fc1 /* zfs */,
	0xca451a4e /* bcachefs */,
	CEPH_SUPER_MAGIC,
	ECRYPTFS_SUPER_MAGIC,
	0x3153464a /* jfs */,
	0x47504653 /* gpfs */,
	0x0bd00bd0 /* lustre */,
};

int path_check(const char *argument, const char *path, struct refusal *refusal) {
	if (*path != '/')
		return refusal_note(refusal, REFUSED_INVALID,
				    "%s: '%.200s' is not an absolute path", argument, path);
	if (strlen(path) >= PATH_MAX)
		return refusal_note(refusal, REFUSED_INVALID, "%s: a path is shorter than %d bytes",
				    argument, PATH_MAX);
	return 0;
}

int path_open_below(int root, const char *path, uint64_t flags) {
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | flags,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	/* EAGAIN: there was a ".." while something was renamed or mounted; EXDEV: what was found is
	 * on a mount that has been taken off since, and not below the root any more */
	for (int i = 0; i < TRIES; i++) {
		long fd = syscall(SYS_openat2, root, path, &how, sizeof how);

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EXDEV)
			break;
	}
	return -errno;
}

/* A symbolic link at the end is opened itself, also where slashes follow it. */
static int open_itself(int root, const char *path) {
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
		copy[n - 1] = '\0';
	return path_open_below(root, copy, O_NOFOLLOW);
}

static int describe(struct job *job, struct path *path) {
	char link[64], real[PATH_MAX];
	ssize_t n;

	if (fstat(path->fd, &path->st) < 0)
		return -errno;
	(void)snprintf(link, sizeof link, "self/fd/%d", path->fd);
	n = readlinkat(job->place.proc, link, real, sizeof real - 1);
	if (n < 0) /* a path longer than a page has no name to show */
		n = snprintf(real, sizeof real, "?");
	real[n] = '\0';
	path->real = strdup(real);
	return path->real ? 0 : -ENOMEM;
}

static int failed(struct job *job, const char *argument, const char *path, int r) {
	if (r >= 0)
		return r;
	return refusal_note(&job->refusal, r, "%s: '%s': %s", argument, path, strerrordesc_np(-r));
}

int path_resolve(struct job *job, const char *argument, const char *path, int fd,
		 struct path *ret) {
	int r;

	if (fd >= 0 && *path)
		return refusal_note(&job->refusal, REFUSED_INVALID,
				    "%s: either a path or %s_fd, not both", argument, argument);
	if (fd >= 0)
		ret->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	else
		ret->fd = open_itself(job->place.root, path);
	if (ret->fd < 0)
		return failed(job, argument, path, fd >= 0 ? -errno : ret->fd);
	r = describe(job, ret);
	if (r == 0 && S_ISLNK(ret->st.st_mode))
		return refusal_note(&job->refusal, -ELOOP, "%s: '%s' is a symbolic link", argument,
				    path);
	return failed(job, argument, path, r);
}

int path_resolve_source(struct job *job, const char *argument, const char *path, struct path *ret) {
	int r;

	ret->fd = open_itself(job->place.root, path);
	if (ret->fd >= 0 && fstat(ret->fd, &ret->st) == 0 && S_ISLNK(ret->st.st_mode)) {
		fd_closep(&ret->fd);
		ret->fd = path_open_below(job->place.root, path, 0);
		if (ret->fd >= 0 && fstat(ret->fd, &ret->st) == 0 && !S_ISBLK(ret->st.st_mode))
			return refusal_note(
				&job->refusal, -ELOOP,
				"%s: '%s' is a symbolic link, and not to a block device", argument,
				path);
	}
	r = ret->fd < 0 ? ret->fd : describe(job, ret);
	return failed(job, argument, path, r);
}

int path_resolve_followed(struct job *job, const char *argument, const char *path,
			  struct path *ret) {
	int r;

	ret->fd = path_open_below(job->place.root, path, 0);
	r = ret->fd < 0 ? ret->fd : describe(job, ret);
	return failed(job, argument, path, r);
}

/* Whoever keeps the file system is not asked: it may never answer. */
int path_mount_id(int directory, const char *name, uint64_t *ret_id, bool *ret_is_root) {
	unsigned wanted = mount_table_kernel_suffices() ? STATX_MNT_ID_UNIQUE : STATX_MNT_ID;
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
	struct statx stx;

	if (statx(directory, name, flags | (*name ? 0 : AT_EMPTY_PATH), STATX_TYPE | wanted, &stx) <
	    0)
		return -errno;
	if (S_ISLNK(stx.stx_mode))
		return -ELOOP;
	*ret_id = stx.stx_mnt_id;
	*ret_is_root = stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return 0;
}

/* Splits "/a/b/" into "/a" and "b"; the root, "." and ".." have no last component. */
static int split(char *path, const char **ret_directory, const char **ret_name) {
	size_t n = strlen(path);
	char *slash;

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	slash = strrchr(path, '/');
	*ret_name = slash + 1;
	if (!**ret_name || strcmp(*ret_name, ".") == 0 || strcmp(*ret_name, "..") == 0)
		return -EINVAL;
	*slash = '\0';
	*ret_directory = slash == path ? "/" : path;
	return 0;
}

int path_resolve_parent(struct job *job, const char *argument, const char *path, struct path *ret,
			char **ret_name) {
	_cleanup_free_ char *copy = strdup(path);
	const char *directory, *name;
	_cleanup_(path_done) struct path parent = PATH_NONE;
	int r;

	if (!copy)
		return -ENOMEM;
	if (split(copy, &directory, &name) < 0)
		return refusal_note(&job->refusal, REFUSED_INVALID,
				    "%s: '%s' does not end in the name of a mount point", argument,
				    path);
	parent.fd = path_open_below(job->place.root, directory, O_DIRECTORY);
	r = parent.fd < 0 ? parent.fd : describe(job, &parent);
	if (r < 0)
		return failed(job, argument, path, r);
	*ret_name = strdup(name);
	if (!*ret_name)
		return -ENOMEM;
	*ret = parent;
	parent = (struct path)PATH_NONE;
	return 0;
}

static unsigned file_system_of(const struct path *path) {
	struct statfs fs;

	return fstatfs(path->fd, &fs) < 0 ? 0 : (unsigned)fs.f_type;
}

static bool is_owned(const struct job *job, const struct path *path) {
	return path->st.st_uid == job->place.uid &&
	       (S_ISDIR(path->st.st_mode) || S_ISREG(path->st.st_mode));
}

static bool is_ordinary(unsigned type) {
	for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
		if (type == ordinary[i])
			return true;
	return false;
}

/* What a program of a user's keeps, or is stacked on what one may keep, may never come. */
static bool may_not_answer(unsigned type) {
	return type == FUSE_SUPER_MAGIC || type == ECRYPTFS_SUPER_MAGIC;
}

const char path_not_own[] = "the mount point is not the caller's own";

bool path_is_own(const struct job *job, const struct path *path) {
	return is_owned(job, path) && is_ordinary(file_system_of(path));
}

bool path_is_own_layer(const struct job *job, const struct path *path) {
	unsigned type = is_owned(job, path) ? file_system_of(path) : 0;

	return is_ordinary(type) && !may_not_answer(type);
}

bool path_is_steady(const struct path *path) {
	unsigned type = file_system_of(path);

	return is_ordinary(type) && !may_not_answer(type) && type != OVERLAYFS_SUPER_MAGIC;
}

int path_open(const struct job *job, const struct path *path, int flags) {
	char link[64];
	int fd;

	(void)snprintf(link, sizeof link, "self/fd/%d", path->fd);
	fd = openat(job->place.proc, link, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

void path_done(struct path *path) {
	fd_closep(&path->fd);
	free(path->real);
	path->real = NULL;
}

int path_open_real(const char *real) {
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, AT_FDCWD, real, &how, sizeof how);

	return fd < 0 ? -errno : (int)fd;
}

char *path_child_name(const struct path *directory, const char *name) {
	bool is_root = strcmp(directory->real, "/") == 0;
	char *whole;

	return asprintf(&whole, "%s/%s", is_root ? "" : directory->real, name) < 0 ? NULL : whole;
}
