/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "upper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "kernel.h"
#include "mountinfo.h"

enum { HANDLE_MOST = 128, UUID_SIZE = 16, DEPTH_MAX = 4096, ATTEMPTS = 8 };

/* Where handles are looked up without waiting for anybody, and a mark tells everything. */
static const char *const suitable[] = { "ext4", "xfs", "tmpfs" };

union handle {
	struct file_handle head;
	uint8_t space[sizeof(struct file_handle) + HANDLE_MOST];
};

/* What the kernel calls a directory of an overlay by, behind three bytes that are nothing
 * (fs/overlayfs/overlayfs.h, struct ovl_fb). */
struct overlay_handle {
	uint8_t version, magic, length, flags, type;
	uint8_t uuid[UUID_SIZE];
	uint8_t handle[];
};

enum {
	OVERLAY_TYPE = 0xf8,
	OVERLAY_PADDING = 3,
	OVERLAY_MAGIC = 0xfb,
	OVERLAY_IS_UPPER = 1 << 2,
};

struct identity {
	uint8_t uuid[UUID_SIZE];
	union handle handle;
};

/* ---- what the kernel says ---- */

static int identify(int directory, struct identity *ret) {
	union handle whole = { .head.handle_bytes = HANDLE_MOST };
	const struct overlay_handle *inner = (const void *)(whole.head.f_handle + OVERLAY_PADDING);
	unsigned size;
	int mount;

	if (name_to_handle_at(directory, "", &whole.head, &mount,
			      AT_EMPTY_PATH | KERNEL_AT_HANDLE_FID) < 0)
		return -errno;
	size = whole.head.handle_bytes;
	if (whole.head.handle_type != OVERLAY_TYPE || size < OVERLAY_PADDING + sizeof *inner ||
	    inner->version != 0 || inner->magic != OVERLAY_MAGIC ||
	    !(inner->flags & OVERLAY_IS_UPPER) || inner->length < sizeof *inner ||
	    inner->length > size - OVERLAY_PADDING)
		return -ENOENT;
	memcpy(ret->uuid, inner->uuid, UUID_SIZE);
	ret->handle.head.handle_bytes = inner->length - (unsigned)sizeof *inner;
	ret->handle.head.handle_type = inner->type;
	memcpy(ret->handle.head.f_handle, inner->handle, ret->handle.head.handle_bytes);
	return 0;
}

/* A kernel that can be asked for that also tells of what is written through an overlay, as those
 * before Linux 6.5 do not; and btrfs does not say it. */
static bool has_uuid(int fd, struct kernel_fsuuid *ret) {
	return ioctl(fd, KERNEL_FS_IOC_GETFSUUID, ret) == 0 && ret->len == UUID_SIZE;
}

static bool is_of(int fd, const uint8_t uuid[UUID_SIZE]) {
	struct kernel_fsuuid found = { 0 };

	return has_uuid(fd, &found) && memcmp(found.uuid, uuid, UUID_SIZE) == 0;
}

static int ask(int fd, struct statx *ret) {
	const unsigned wanted = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;

	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, wanted, ret) < 0)
		return -errno;
	return (ret->stx_mask & wanted) == wanted ? 0 : -ENOENT;
}

static bool is_same_time(const struct statx_timestamp *one, const struct statx_timestamp *other) {
	return one->tv_sec == other->tv_sec && one->tv_nsec == other->tv_nsec;
}

/* An overlay says of a directory what its upper one says, except for the numbers. So this also
 * tells two file systems with the same UUID apart, and ids that are mapped on the way. */
static bool is_alike(int one, int other) {
	struct statx a, b;

	/* what is written to between the two has another time */
	for (int i = 0; i < ATTEMPTS; i++)
		if (ask(one, &a) == 0 && ask(other, &b) == 0 && a.stx_mode == b.stx_mode &&
		    a.stx_uid == b.stx_uid && a.stx_gid == b.stx_gid &&
		    is_same_time(&a.stx_btime, &b.stx_btime) &&
		    is_same_time(&a.stx_ctime, &b.stx_ctime) &&
		    is_same_time(&a.stx_mtime, &b.stx_mtime))
			return true;
	return false;
}

/* ---- from a directory to where its mount begins ---- */

/* *ret_depth: how far below that it is. */
static int climb(int directory, int *ret_depth) {
	_cleanup_close_ int at = fcntl(directory, F_DUPFD_CLOEXEC, 3);
	struct statx stx;

	for (*ret_depth = 0; *ret_depth < DEPTH_MAX; (*ret_depth)++) {
		_cleanup_close_ int below = -1;
		int r = at < 0 ? -errno : ask(at, &stx);

		if (r < 0)
			return r;
		if (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
			return fd_take(&at);
		below = fd_take(&at);
		at = openat(below, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return -ELOOP;
}

/* The last names of where the kernel says that it is. */
static int read_path(int proc, int directory, int depth, char ret[PATH_MAX]) {
	char link[64], path[PATH_MAX];
	char *at;
	ssize_t n;

	(void)snprintf(link, sizeof link, "self/fd/%d", directory);
	n = readlinkat(proc, link, path, sizeof path);
	if (n <= 0 || n == sizeof path)
		return n < 0 ? -errno : -ENAMETOOLONG;
	for (at = path + n; depth > 0; depth--) {
		at = memrchr(path, '/', (size_t)(at - path));
		if (!at)
			return -ENOENT;
	}
	path[n] = '\0';
	(void)strcpy(ret, at == path + n ? "." : at + 1);
	return 0;
}

static int look_below(int proc, int upper, int directory) {
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	_cleanup_close_ int top = -1;
	char path[PATH_MAX];
	int depth, r;

	top = climb(directory, &depth);
	r = top < 0 ? top : read_path(proc, directory, depth, path);
	if (r < 0)
		return r;
	r = (int)syscall(SYS_openat2, upper, path, &how, sizeof how);
	return r < 0 ? -errno : r;
}

int upper_counterpart(int proc, int upper, int directory) {
	_cleanup_close_ int fd = look_below(proc, upper, directory);

	if (fd < 0)
		return fd;
	return is_alike(fd, directory) ? fd_take(&fd) : -ENOENT;
}

static int clone(int upper) {
	int r = open_tree(upper, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	return r < 0 ? -errno : r;
}

int upper_clone(int layer, int directory) {
	_cleanup_close_ int top = -1,
			    upper = openat(layer, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct kernel_fsuuid uuid = { 0 };
	int depth;

	if (upper < 0)
		return -errno;
	top = climb(directory, &depth);
	if (top < 0)
		return top;
	return has_uuid(upper, &uuid) && is_alike(upper, top) ? clone(upper) : -ENOENT;
}

/* ---- among what is mounted ---- */

/* Only by what the kernel has in memory, as it has the way to each mount: this is not to wait for a
 * program of anybody's. */
static int open_mount(const struct mountinfo *line) {
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_CACHED,
	};
	_cleanup_close_ int fd =
		(int)syscall(SYS_openat2, AT_FDCWD, line->target, &how, sizeof how);
	struct statx stx;

	if (fd < 0 || ask(fd, &stx) < 0 || stx.stx_mnt_id != line->id)
		return -ENOENT; /* something else may be mounted on top */
	return fd_take(&fd);
}

static bool is_suitable(const struct mountinfo *line) {
	if (strcmp(line->root, "/") != 0 || strstr(line->options, "idmapped"))
		return false;
	for (size_t i = 0; i < sizeof suitable / sizeof *suitable; i++)
		if (strcmp(suitable[i], line->type) == 0)
			return true;
	return false;
}

static int find_on(const struct mountinfo *line, struct identity *identity) {
	_cleanup_close_ int mount = is_suitable(line) ? open_mount(line) : -1, upper = -1;

	if (mount < 0 || !is_of(mount, identity->uuid))
		return -ENOENT;
	upper = open_by_handle_at(mount, &identity->handle.head, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (upper < 0)
		return -errno;
	return clone(upper);
}

static int find_among(int proc, struct identity *identity, int top) {
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int found = -1;
	struct mountinfo line;
	char *rest;
	dev_t device = 0;
	int r = mountinfo_read(proc, "self", &text);

	if (r < 0)
		return r;
	rest = text;
	while (mountinfo_next(&rest, &line)) {
		_cleanup_close_ int fd = -1;

		if (found >= 0 && line.device == device)
			continue;
		fd = find_on(&line, identity);
		if (fd < 0 || !is_alike(fd, top))
			continue;
		if (found >= 0)
			return -ENOENT; /* one is a copy of the other's device */
		device = line.device;
		found = fd_take(&fd);
	}
	return found < 0 ? -ENOENT : fd_take(&found);
}

int upper_open(int proc, int directory) {
	_cleanup_close_ int top = -1;
	struct identity identity = { 0 };
	int depth, r;

	top = climb(directory, &depth);
	r = top < 0 ? top : identify(top, &identity);
	return r < 0 ? r : find_among(proc, &identity, top);
}
