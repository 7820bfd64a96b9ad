/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An overlay is watched by the layer that it writes to, which is the top of all that is known:
 * what lies elsewhere on that file system is outside. What happens there is what its users do,
 * under the same paths, but for what the overlay does in its own behalf:
 *
 * - before something of a lower layer is changed it is copied up: a file is made that has been
 *   there for long, or a directory comes out of the work directory;
 * - what hides a deleted name of a lower layer comes from there, or is exchanged with something;
 * - what replaces such a name, and what is deleted with such names in it, goes by there, too.
 *
 * Each is told as a directory that is to be listed anew.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fd.h"
#include "lookout.h"
#include "upper.h"

int overlay_handle(const struct lookout *lookout, int directory, uint8_t space[HANDLE_MAX],
		   struct handle *ret) {
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), upper = -1;

	if (proc < 0)
		return -errno;
	upper = upper_counterpart(proc, lookout->superblock.fd, directory);
	return upper < 0 ? upper : handle_of(upper, space, ret);
}

/* ---- what there is to be seen ---- */

enum { LIST_MAX = 4096 };

static ssize_t list_of(int fd, uint8_t list[LIST_MAX]) {
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	n = getxattr(path, "system.posix_acl_access", list, LIST_MAX);
	return n < 0 && (errno == ENODATA || errno == EOPNOTSUPP) ? 0 : n;
}

/* Where the layer is seen through a mount that maps ids, the overlay has others in the list. */
static bool have_same_list(int one, int other) {
	uint8_t a[LIST_MAX], b[LIST_MAX];
	ssize_t n = list_of(one, a);

	return n >= 0 && n == list_of(other, b) && memcmp(a, b, (size_t)n) == 0;
}

bool overlay_shows(const struct lookout *lookout, uint32_t top, const char *path,
		   uint32_t directory, int shown) {
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	const struct nodes *nodes = &lookout->superblock.nodes;
	const struct handle above = node_handle(&nodes->node[top]),
			    wanted = node_handle(&nodes->node[directory]);
	_cleanup_close_ int from = handle_open(lookout->superblock.fd, &above), fd = -1;
	uint8_t space[HANDLE_MAX];
	struct handle handle;
	struct stat st, other;

	if (from < 0)
		return false;
	fd = (int)syscall(SYS_openat2, from, path, &how, sizeof how);
	if (fd < 0 || handle_of(fd, space, &handle) < 0 || !handle_is(&handle, &wanted))
		return false;
	/* its rights were found in the layer; the overlay has the same, and asks its maker's */
	return fstat(fd, &st) == 0 && fstat(shown, &other) == 0 && st.st_mode == other.st_mode &&
	       st.st_uid == other.st_uid && st.st_gid == other.st_gid &&
	       have_same_list(fd, shown) &&
	       syscall(SYS_faccessat2, shown, "", R_OK | X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

/* ---- what happens ---- */

bool overlay_has(const struct lookout *lookout, uint32_t directory) {
	const struct node *node = lookout->superblock.nodes.node;
	uint32_t i = directory;

	for (int depth = 0; node[i].parent && depth < PATH_MAX; depth++)
		i = node[i].parent;
	return i && node[i].flags & NODE_TOP;
}

static bool has_attribute(int fd, const char *name) {
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return getxattr(path, name, NULL, 0) >= 0 || (errno != ENODATA && errno != EOPNOTSUPP);
}

/* A copy has the time of what it is one of. */
static bool is_older_than_itself(const struct statx *stx) {
	const struct statx_timestamp *born = &stx->stx_btime, *changed = &stx->stx_mtime;

	return !(stx->stx_mask & STATX_BTIME) || changed->tv_sec < born->tv_sec ||
	       (changed->tv_sec == born->tv_sec && changed->tv_nsec < born->tv_nsec);
}

/* What has come may be a copy. Who asks after it has gone is not answered; and of an ordinary
 * user's overlay nothing but files can say it, nor can one that has several names. */
static bool may_be_copy(const struct lookout *lookout, const struct handle *object) {
	_cleanup_close_ int fd = handle_open(lookout->superblock.fd, object);
	struct statx stx;

	return fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &stx) < 0 ||
	       !S_ISREG(stx.stx_mode) || is_older_than_itself(&stx) ||
	       has_attribute(fd, "trusted.overlay.origin") ||
	       has_attribute(fd, "user.overlay.origin");
}

static bool hides(const struct lookout *lookout, const struct handle *object) {
	_cleanup_close_ int fd = handle_open(lookout->superblock.fd, object);
	struct stat st;

	return fd < 0 || fstat(fd, &st) < 0 || (S_ISCHR(st.st_mode) && st.st_rdev == 0);
}

static void list_anew(struct lookout *lookout, uint32_t directory) {
	if (directory && overlay_has(lookout, directory))
		batch_rescan(lookout, directory);
}

/* A directory is never copied where it is. */
static bool is_moved(const struct lookout *lookout, const struct event *event) {
	return event->directory && event->old_directory && overlay_has(lookout, event->directory) &&
	       overlay_has(lookout, event->old_directory) &&
	       (event->raw.mask & FAN_ONDIR || !hides(lookout, &event->raw.object));
}

bool overlay_translate(struct lookout *lookout, struct event *event) {
	struct group_event *raw = &event->raw;

	if (raw->mask & FAN_RENAME) {
		if (is_moved(lookout, event))
			return true;
		list_anew(lookout, event->directory);
		list_anew(lookout, event->old_directory);
		/* another may be in the place of one that was known by that name */
		if (raw->mask & FAN_ONDIR && event->object &&
		    overlay_has(lookout, event->directory))
			batch_rescan(lookout, event->object);
		return false;
	}
	/* with a directory that had been exchanged for an empty one, what was hidden in it goes */
	if (raw->mask & FAN_DELETE && !(raw->mask & FAN_ONDIR) && event->directory &&
	    !overlay_has(lookout, event->directory))
		return false;
	if (raw->mask & FAN_CREATE && !(raw->mask & FAN_ONDIR) && event->directory &&
	    overlay_has(lookout, event->directory) && may_be_copy(lookout, &raw->object)) {
		list_anew(lookout, event->directory);
		raw->mask &= ~(uint64_t)FAN_CREATE;
	}
	return true;
}
