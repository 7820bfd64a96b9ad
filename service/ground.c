/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ground.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "entry.h"
#include "interfaces/watch-stream.h"
#include "message.h"
#include "mount-table.h"
#include "mountinfo.h"
#include "ownership.h"
#include "upper.h"

enum {
	DEPTH_MAX = 4096,
	OVERLAYS_MAX = 16,
	FIRST_USERS = 0xeffffffd, /* the kernel's PROC_USER_INIT_INO */
};

/* Of these a mark tells everything, and a handle is looked up without waiting for anybody. By name,
 * since devtmpfs passes for tmpfs otherwise. */
static const char *const markable[] = { "ext4", "ext3", "ext2", "xfs", "btrfs", "f2fs", "tmpfs" };

/* What the kernel shows of itself changes without an event. */
static const unsigned silent[] = { PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC };

/* What somebody reads is nobody else's business, where it is not a directory of one's own choice
 * that inotify tells it of. */
static const uint32_t habits =
	USHER_WATCH_OPEN | USHER_WATCH_OPEN_EXEC | USHER_WATCH_ACCESS | USHER_WATCH_CLOSE_NOWRITE;

static bool is(const char *word, const char *other) {
	return word && strcmp(word, other) == 0;
}

static bool is_markable(const char *type) {
	for (size_t i = 0; i < sizeof markable / sizeof *markable; i++)
		if (strcmp(markable[i], type) == 0)
			return true;
	return false;
}

static unsigned magic_of(int fd) {
	struct statfs fs;

	return fstatfs(fd, &fs) < 0 ? 0 : (unsigned)fs.f_type;
}

static bool is_silent(int fd) {
	unsigned magic = magic_of(fd);

	for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
		if (silent[i] == magic)
			return true;
	return false;
}

static bool is_same(int one, int other) {
	struct stat a, b;

	return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* ---- the mount that a file is seen through ---- */

struct seen {
	struct mountinfo line; /* no type: it is not there */
	void *space;           /* that the line is in; owned */
};

static void seen_free(struct seen *seen) {
	if (!seen)
		return;
	free(seen->space);
	free(seen);
}

static int mount_number(int fd, uint64_t *ret, bool *ret_is_root) {
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_MNT_ID,
		  &stx) < 0)
		return -errno;
	*ret = stx.stx_mnt_id;
	*ret_is_root = stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return 0;
}

/* The mounts that can be reached are the same for the place and for us. */
static bool is_our_view(const struct job *job) {
	_cleanup_close_ int root = -1;
	uint64_t ours = 0, other = 0;
	bool is_root;

	if (!job->place.mounts.host)
		return false;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root >= 0 && is_same(root, job->place.root) &&
	       mount_number(root, &ours, &is_root) == 0 &&
	       mount_number(job->place.root, &other, &is_root) == 0 && ours == other;
}

/* By its line, with all options. */
static int read_mount(const struct job *job, int fd, struct seen *ret) {
	char process[16] = "self", *text, *rest;
	uint64_t number = 0;
	bool is_root;
	int r;

	if (job->place.pid > 0 && !job->place.joined)
		(void)snprintf(process, sizeof process, "%d", job->place.pid);
	r = mount_number(fd, &number, &is_root);
	if (r < 0)
		return r;
	r = mountinfo_read(job->place.proc, process, &text);
	if (r < 0)
		return r;
	ret->space = rest = text;
	while (mountinfo_next(&rest, &ret->line))
		if (ret->line.id == number)
			return 0;
	ret->line.type = NULL;
	return -ENOENT;
}

/* Among the mounts of the place. -ENOENT for one that is nowhere, or somewhere else. */
static int find_mount(const struct job *job, int fd, struct seen *ret) {
	if (is_our_view(job) && mount_table_ask(fd, &ret->line, &ret->space) == 0)
		return 0;
	return read_mount(job, fd, ret);
}

static int find_seen(const struct job *job, int fd, struct ground *ground) {
	if (ground->seen)
		return ground->seen->line.type ? 0 : -ENOENT;
	ground->seen = calloc(1, sizeof *ground->seen);
	return ground->seen ? find_mount(job, fd, ground->seen) : -ENOMEM;
}

static bool has_option(const char *options, const char *word) {
	size_t length = strlen(word);

	for (const char *at = options; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
			return true;
	return false;
}

/* ---- what is watched in the place of what was named ---- */

/* Another directory, as the caller and for good. */
static int replace(struct job *job, struct path *path, int *fd) {
	_cleanup_(path_done) struct path other = PATH_NONE;
	int r = path_resolve(job, "path", "", *fd, &other);

	if (r != 0)
		return r;
	path_done(path);
	*path = other;
	other = (struct path)PATH_NONE;
	return 0;
}

/* As far up as the caller sees the same mount: not above its own root. */
static int climb(struct job *job, struct path *path) {
	_cleanup_close_ int at = fcntl(path->fd, F_DUPFD_CLOEXEC, 3);
	uint64_t number;
	bool is_root = false;

	for (int i = 0; i < DEPTH_MAX; i++) {
		_cleanup_close_ int below = -1;
		int r = at < 0 ? -errno : mount_number(at, &number, &is_root);

		if (r < 0)
			return refusal_note(&job->refusal, r, "path: '%s': %s", path->real,
					    strerrordesc_np(-r));
		if (is_root || is_same(at, job->place.root))
			return replace(job, path, &at);
		below = fd_take(&at);
		at = openat(below, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return refusal_note(&job->refusal, -ELOOP, "path: '%s': too deep", path->real);
}

/* What a program was forbidden beyond its user's rights cannot be seen from here; what it has
 * opened it could open. */
static void judge_confined(struct job *job, const struct path *path, const char *scope) {
	bool by_path = message_number(job->request, "root_as_fd", UINT64_MAX) == UINT64_MAX;
	uint64_t number;
	bool is_root = false;

	if (!job->place.filtered && !job->place.sealed)
		return;
	if (by_path)
		job_require_admin(job, "path: a program that may be confined opens the directory "
				       "itself, and gives it as root");
	else if (is(scope, "filesystem") &&
		 (mount_number(path->fd, &number, &is_root) < 0 || !is_root))
		job_require_admin(job, "scope: a program that may be confined watches what it can "
				       "open, and not what is above it");
}

/* ---- the choice ---- */

static int not_by_inotify(struct job *job, const struct ground_wish *wish, const char *why) {
	if (is(wish->backend, "fanotify"))
		return refusal_note(&job->refusal, REFUSED_UNSUPPORTED, "backend: fanotify: %s",
				    why);
	if (is(wish->scope, "filesystem"))
		return refusal_note(&job->refusal, REFUSED_UNSUPPORTED, "scope: filesystem: %s",
				    why);
	if (wish->exclude_self)
		return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "exclude_self: %s, and inotify does not say who did it", why);
	return 0;
}

static int choose_inotify(struct job *job, const struct path *path, const struct ground_wish *wish,
			  struct ground *ground, const char *why) {
	int r = not_by_inotify(job, wish, why);

	if (r == 0 && is(wish->scope, "recursive") && is_silent(path->fd))
		r = refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				 "scope: the kernel does not tell what changes below '%s'",
				 path->real);
	ground->kind = ground->backend = "inotify";
	return r;
}

/* What is read is mostly in the lower layers; and one directory is told of exactly by itself. */
static bool is_overlay(const struct path *path, const struct ground_wish *wish,
		       const struct seen *seen) {
	bool deep = is(wish->scope, "recursive") || is(wish->scope, "filesystem");

	return is(seen->line.type, "overlay") && S_ISDIR(path->st.st_mode) &&
	       !(wish->events & habits) && (deep || is(wish->backend, "fanotify"));
}

/* As the caller, who may have been meant to come elsewhere by it: what that is like is compared. */
static int open_word(const struct job *job, int fd) {
	static const char word[] = "upperdir=";
	struct seen seen = { 0 };
	int r = read_mount(job, fd, &seen);
	char *rest =
		r < 0 || strcmp(seen.line.root, "/") != 0 ? NULL : seen.line.superblock_options;

	r = -ENOENT;
	for (char *option; r < 0 && (option = strsep(&rest, ","));) {
		if (strncmp(option, word, strlen(word)) != 0)
			continue;
		mountinfo_unescape(option);
		r = path_open_below(job->place.root, option + strlen(word), O_DIRECTORY);
	}
	free(seen.space);
	return r;
}

/* Whether a mark on the whole file system is possible in principle; if not, why. */
static const char *why_not(const struct job *job, const struct seen *seen, bool overlay) {
	struct stat users;

	if (!job->place.privileged || fstat(job->place.our_users, &users) < 0 ||
	    users.st_ino != FIRST_USERS)
		return "the service may not mark file systems";
	if (!place_is_our_users(&job->place, job->place.caller_users))
		return "the caller is in a user namespace of its own";
	if (!seen->line.type)
		return "the mount is none of the caller's";
	if (!overlay && !is_markable(seen->line.type))
		return "not on this file system";
	return has_option(seen->line.options, "idmapped") ? "the mount maps ids" : NULL;
}

int ground_choose(struct job *job, struct path *path, const struct ground_wish *wish,
		  struct ground *ground) {
	const char *why;
	bool overlay;
	int r = 0;

	if (wish->events & habits && !wish->all &&
	    (is(wish->scope, "recursive") || is(wish->scope, "filesystem")))
		return refusal_note(&job->refusal, REFUSED_INVALID,
				    "events: what is read is told of a directory alone, with the "
				    "scope inode or children");
	judge_confined(job, path, wish->scope);
	ground->backend = "fanotify";
	ground->kind = is(wish->scope, "mounts") ? "mounts"
		       : wish->decide            ? "decisions"
						 : "filesystem";
	if (strcmp(ground->kind, "filesystem") != 0)
		return is(wish->backend, "inotify")
			       ? refusal_note(&job->refusal, REFUSED_INVALID,
					      "backend: inotify cannot tell that")
			       : 0;
	if (is(wish->scope, "filesystem") && S_ISDIR(path->st.st_mode))
		r = climb(job, path);
	if (r != 0)
		return r;
	if (is(wish->backend, "inotify"))
		return choose_inotify(job, path, wish, ground, "inotify was asked for");
	r = find_seen(job, path->fd, ground);
	if (r < 0 && r != -ENOENT)
		return r;
	overlay = is_overlay(path, wish, ground->seen);
	if (overlay)
		ground->kind = "overlay";
	why = wish->events & habits && !wish->all ? "what is read is told by inotify alone"
						  : why_not(job, ground->seen, overlay);
	if (overlay && !why)
		ground->layer = open_word(job, path->fd);
	return why ? choose_inotify(job, path, wish, ground, why) : 0;
}

/* ---- the root of the superblock ---- */

/* A mount, if it is one of the whole file system, and where its line says that it is. */
static int clone_if_whole(const struct mountinfo *line) {
	_cleanup_close_ int fd = -1;
	uint64_t number = 0;
	bool is_root;
	int r;

	if (strcmp(line->root, "/") != 0)
		return -ENOENT;
	fd = path_open_real(line->target);
	/* something else may be mounted on top */
	if (fd < 0 || mount_number(fd, &number, &is_root) < 0 || number != line->id)
		return -ENOENT;
	r = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	return r < 0 ? -errno : r;
}

/* Any such mount of the namespace that we are in. */
static int clone_any(const struct job *job, dev_t device) {
	_cleanup_free_ char *text = NULL;
	struct mountinfo line;
	char *rest;
	int fd = mountinfo_read(job->place.proc, "self", &text);

	if (fd < 0)
		return fd;
	rest = text;
	fd = -ENOENT;
	while (fd < 0 && mountinfo_next(&rest, &line))
		if (line.device == device)
			fd = clone_if_whole(&line);
	return fd;
}

/* That which the file is seen through is likely to be one. */
static int clone_whole(const struct job *job, const struct seen *seen) {
	int fd = job->place.mounts.host ? clone_if_whole(&seen->line) : -ENOENT;

	return fd >= 0 ? fd : clone_any(job, seen->line.device);
}

static bool is_same_btrfs(int one, int other) {
	struct btrfs_ioctl_fs_info_args a = { 0 }, b = { 0 };

	return ioctl(one, BTRFS_IOC_FS_INFO, &a) == 0 && ioctl(other, BTRFS_IOC_FS_INFO, &b) == 0 &&
	       memcmp(a.fsid, b.fsid, sizeof a.fsid) == 0;
}

/* Of btrfs mostly a subvolume is mounted, whose root is not the whole. The same device once more
 * is the same superblock. */
static int mount_whole_btrfs(const struct seen *seen, int root) {
	_cleanup_close_ int fs = fsopen("btrfs", FSOPEN_CLOEXEC), mount = -1, top = -1;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", seen->line.source, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "subvolid", "5", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mount = fsmount(fs, FSMOUNT_CLOEXEC,
			MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (mount < 0)
		return -errno;
	top = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -errno;
	return is_same_btrfs(root, top) ? fd_take(&mount) : -ENOENT;
}

static int find_superblock(struct job *job, int root, struct ground *ground) {
	int r = find_seen(job, root, ground), fd;
	struct seen *seen = ground->seen;

	if (r < 0)
		return r;
	fd = clone_whole(job, seen);
	if (fd < 0 && magic_of(root) == BTRFS_SUPER_MAGIC)
		fd = mount_whole_btrfs(seen, root);
	if (fd >= 0 || job->place.mounts.host)
		return fd;
	r = place_join_mounts(&job->place, false);
	return r < 0 ? r : clone_any(job, seen->line.device);
}

static void name_by_device(struct ground *ground, dev_t device) {
	(void)snprintf(ground->watcher, sizeof ground->watcher, "%s:%u:%u", ground->kind,
		       major(device), minor(device));
}

/* Then the broker has what that watcher needs. */
static bool has_watcher(const struct job *job, const struct ground *ground) {
	for (size_t i = 0; i < job->n_watchers; i++)
		if (strcmp(job->watchers[i], ground->watcher) == 0)
			return true;
	return false;
}

/* A user may have processes with other groups, which see other things: each such set has a watcher
 * of its own, which looks for itself whether it is the one. */
static uint32_t tell_groups_apart(const struct place *place) {
	uint32_t sum = 2166136261U; /* FNV-1a, by whole numbers */

	sum = (sum ^ place->gid) * 16777619U;
	for (size_t i = 0; i < place->n_groups; i++)
		sum = (sum ^ place->groups[i]) * 16777619U;
	return sum;
}

static int open_inotify(const struct job *job, int root, struct ground *ground) {
	struct stat st;
	size_t used;

	if (fstat(root, &st) < 0)
		return -errno;
	ground->kind = ground->backend = "inotify";
	name_by_device(ground, st.st_dev);
	used = strlen(ground->watcher);
	(void)snprintf(ground->watcher + used, sizeof ground->watcher - used, ":%u:%08x",
		       job->place.uid, tell_groups_apart(&job->place));
	return 0;
}

static int open_mounts(const struct job *job, struct ground *ground) {
	__u64 id;

	ground->superblock = fcntl(job->place.mounts.fd, F_DUPFD_CLOEXEC, 3);
	if (ground->superblock < 0)
		return -errno;
	if (ioctl(ground->superblock, KERNEL_NS_GET_MNTNS_ID, &id) < 0)
		return errno == ENOTTY ? -EOPNOTSUPP : -errno;
	(void)snprintf(ground->watcher, sizeof ground->watcher, "mounts:%" PRIu64, (uint64_t)id);
	return 0;
}

/* Not to be shared: who may answer is one alone. */
static int open_decisions(struct job *job, int root, struct ground *ground) {
	uint64_t number;

	if (getrandom(&number, sizeof number, 0) != sizeof number)
		return -EIO;
	ground->superblock = find_superblock(job, root, ground);
	if (ground->superblock < 0)
		return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "decide: no mount of the whole file system can be had");
	(void)snprintf(ground->watcher, sizeof ground->watcher, "decisions:%016" PRIx64, number);
	return 0;
}

/* Each of its mounts may begin in another directory of the upper layer. */
static int name_by_layer(struct ground *ground, int upper) {
	struct stat st;

	if (fstat(upper, &st) < 0)
		return -errno;
	(void)snprintf(ground->watcher, sizeof ground->watcher, "overlay:%u:%u:%ju",
		       major(ground->seen->line.device), minor(ground->seen->line.device),
		       (uintmax_t)st.st_ino);
	return 0;
}

/* Of an overlay that an ordinary user made the kernel says nothing. What the caller can come to by
 * the word may be watched by the caller; whether it is the layer is seen by what it is like. */
static int clone_layer(const struct job *job, int root, const struct ground *ground) {
	struct seen seen = { 0 };
	int r = ground->layer < 0 ? -ENOENT : find_mount(job, ground->layer, &seen);

	if (r == 0 && (!is_markable(seen.line.type) || has_option(seen.line.options, "idmapped")))
		r = -ENOENT;
	free(seen.space);
	return r < 0 ? r : upper_clone(ground->layer, root);
}

/* Whatever happens on a file system is told once for each overlay that writes to it. */
static bool are_enough_overlays(const struct job *job) {
	unsigned n = 0;

	for (size_t i = 0; i < job->n_watchers; i++)
		n += strncmp(job->watchers[i], "overlay:", strlen("overlay:")) == 0;
	return n >= OVERLAYS_MAX;
}

/* If the directory is in the upper layer already, and that is certain. */
static int open_overlay(struct job *job, int root, struct ground *ground) {
	_cleanup_close_ int upper = upper_open(job->place.proc, root), directory = -1;
	int r;

	if (upper < 0 && !job->place.mounts.host) {
		r = place_join_mounts(&job->place, false);
		upper = r < 0 ? r : upper_open(job->place.proc, root);
	}
	if (upper < 0)
		upper = clone_layer(job, root, ground);
	directory = upper < 0 ? upper : upper_counterpart(job->place.proc, upper, root);
	if (directory < 0)
		return directory;
	r = name_by_layer(ground, upper);
	if (r < 0 || has_watcher(job, ground))
		return r;
	if (are_enough_overlays(job))
		return -EUSERS;
	ground->superblock = fd_take(&upper);
	return 0;
}

/* Where that cannot be had after all. */
static int open_by_inotify(struct job *job, int root, const struct ground_wish *wish,
			   struct ground *ground, const char *why) {
	int r = not_by_inotify(job, wish, why);

	return r == 0 ? open_inotify(job, root, ground) : r;
}

int ground_open(struct job *job, int root, const struct ground_wish *wish, struct ground *ground) {
	int r;

	if (strcmp(ground->kind, "inotify") == 0)
		return open_inotify(job, root, ground);
	if (strcmp(ground->kind, "mounts") == 0)
		return open_mounts(job, ground);
	if (strcmp(ground->kind, "filesystem") == 0) {
		name_by_device(ground, ground->seen->line.device);
		if (has_watcher(job, ground))
			return 0;
	}
	r = place_act_as_root(&job->place);
	if (r < 0)
		return r;
	if (strcmp(ground->kind, "decisions") == 0)
		return open_decisions(job, root, ground);
	if (strcmp(ground->kind, "overlay") == 0)
		return open_overlay(job, root, ground) == 0
			       ? 0
			       : open_by_inotify(job, root, wish, ground,
						 "its upper layer cannot be had");
	ground->superblock = find_superblock(job, root, ground);
	return ground->superblock >= 0
		       ? 0
		       : open_by_inotify(job, root, wish, ground,
					 "no mount of the whole file system can be had");
}

void ground_done(struct ground *ground) {
	seen_free(ground->seen);
	ground->seen = NULL;
	fd_closep(&ground->layer);
	fd_closep(&ground->superblock);
}
