/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "confine.h"
#include "entry.h"
#include "probe.h"

/* Types by what stands behind them. A type of DEVICE may be loaded by the kernel when it is asked
 * for; a name that is neither here nor in /proc/filesystems never reaches it. */
static const struct {
	const char *type;
	enum filesystem_kind kind;
} types[] = {
	{ "tmpfs", FILESYSTEM_MEMORY },    { "overlay", FILESYSTEM_LAYERS },
	{ "proc", FILESYSTEM_KERNEL },     { "sysfs", FILESYSTEM_KERNEL },
	{ "mqueue", FILESYSTEM_KERNEL },   { "devpts", FILESYSTEM_KERNEL },
	{ "cgroup2", FILESYSTEM_KERNEL },  { "ext4", FILESYSTEM_DEVICE },
	{ "ext3", FILESYSTEM_DEVICE },     { "ext2", FILESYSTEM_DEVICE },
	{ "squashfs", FILESYSTEM_DEVICE }, { "erofs", FILESYSTEM_DEVICE },
	{ "vfat", FILESYSTEM_DEVICE },     { "msdos", FILESYSTEM_DEVICE },
	{ "exfat", FILESYSTEM_DEVICE },    { "iso9660", FILESYSTEM_DEVICE },
	{ "udf", FILESYSTEM_DEVICE },      { "xfs", FILESYSTEM_DEVICE },
	{ "btrfs", FILESYSTEM_DEVICE },    { "f2fs", FILESYSTEM_DEVICE },
	{ "ntfs3", FILESYSTEM_DEVICE },    { "bcachefs", FILESYSTEM_DEVICE },
};

static const char *const tmpfs_safe[] = { "size", "nr_inodes", "mode",    "uid",
					  "gid",  "inode32",   "inode64", NULL };
static const char *const nothing[] = { NULL };

/* Sizes of tmpfs: without a word, and how much of the memory a user may take without an
 * administrator's yes. */
static const char default_size[] = "size=10%";
static const char user_xattr[] = "userxattr";
static const unsigned safe_percent = 50;

int filesystem_check(const char *type, char *const *options, size_t n_options,
		     struct refusal *refusal) {
	struct mount_options ignored;

	if (!*type || strlen(type) > 30 ||
	    type[strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789_-.")] != '\0')
		return refusal_note(refusal, REFUSED_INVALID,
				    "fstype: '%.64s' is not the name of a file system", type);
	return mount_options_parse(&ignored, options, n_options, MOUNT_OPTIONS_NEW, refusal);
}

/* Whether /proc/filesystems has it, as the service sees it. */
static bool kernel_knows(const struct job *job, const char *type, bool *ret_no_device) {
	_cleanup_close_ int fd = openat(job->place.proc, "filesystems", O_RDONLY | O_CLOEXEC);
	char text[8192];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	char *rest = text;

	if (n < 0)
		return false;
	text[n] = '\0';
	for (char *line; (line = strsep(&rest, "\n"));) {
		char *name = strchr(line, '\t');

		if (name && strcmp(name + 1, type) == 0) {
			*ret_no_device = name != line;
			return true;
		}
	}
	return false;
}

/* FILESYSTEM_OTHER for what is not in the table. */
static enum filesystem_kind known_kind(const char *type) {
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].type, type) == 0)
			return types[i].kind;
	return FILESYSTEM_OTHER;
}

bool filesystem_joins(const char *type) {
	enum filesystem_kind kind = known_kind(type);

	return kind == FILESYSTEM_KERNEL || (kind == FILESYSTEM_OTHER && strcmp(type, "auto") != 0);
}

static int classify(struct job *job, const char *type, struct filesystem *filesystem) {
	bool no_device = false;

	(void)snprintf(filesystem->type, sizeof filesystem->type, "%s", type);
	filesystem->kind = known_kind(type);
	if (filesystem->kind != FILESYSTEM_OTHER)
		return 0;
	if (!kernel_knows(job, type, &no_device))
		return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "fstype: this kernel does not know the file system '%s'", type);
	filesystem->kind = no_device ? FILESYSTEM_OTHER : FILESYSTEM_DEVICE;
	return 0;
}

/* Written just as we would write it: the kernel reads other ways of writing otherwise than we do.
 */
static bool is_number(const char *word, unsigned number) {
	char plain[16];

	(void)snprintf(plain, sizeof plain, "%u", number);
	return !word || strcmp(word, plain) == 0;
}

/* Inodes take memory that no size is a limit of; as many as the kernel gives by itself are enough.
 */
static bool is_modest(const char *inodes, uint64_t memory) {
	uint64_t number;

	return !inodes || (mount_options_size(inodes, 0, &number) == 0 && number > 0 &&
			   number <= memory / (uint64_t)sysconf(_SC_PAGESIZE) / 2);
}

static int resolve_tmpfs(struct job *job, struct filesystem *filesystem) {
	const struct mount_options *options = &filesystem->options;
	const char *size = mount_options_value(options, "size"),
		   *uid = mount_options_value(options, "uid"),
		   *gid = mount_options_value(options, "gid");
	uint64_t bytes = 0, memory;
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return -errno;
	memory = (uint64_t)info.totalram * info.mem_unit;
	filesystem->default_size = !size && !mount_options_value(options, "nr_blocks");
	if (filesystem->default_size)
		mount_options_add(&filesystem->options, default_size);
	if (size && mount_options_size(size, memory, &bytes) < 0)
		return refusal_note(&job->refusal, REFUSED_INVALID,
				    "mount_options: '%s' is not a size", size);
	if (!mount_options_only(options, tmpfs_safe) || bytes > memory / 100 * safe_percent ||
	    (size && bytes == 0) || !is_modest(mount_options_value(options, "nr_inodes"), memory) ||
	    !is_number(uid, job->place.uid) || !is_number(gid, job->place.gid))
		job_require_admin(job, "the options are not those of a small tmpfs");
	return 0;
}

/* "auto": ask what is in it. */
static int find_type(struct job *job, struct filesystem *filesystem) {
	char type[PROBE_TYPE_MAX];
	_cleanup_close_ int fd = -1;
	int r;

	/* A device that the caller may not read is looked into for it; all it learns is a word.
	 * There is no path left to resolve as the caller by then. */
	if (S_ISBLK(filesystem->source.st.st_mode) && (r = place_act_as_root(&job->place)) < 0)
		return r;
	fd = path_open(job, &filesystem->source, O_RDONLY);
	if (fd < 0)
		return refusal_note(&job->refusal, fd, "source: '%s' cannot be read: %s",
				    filesystem->source.real, strerrordesc_np(-fd));
	r = probe_ask(job->prober, fd, type, &job->refusal);
	if (r == 0)
		r = classify(job, type, filesystem);
	if (r == 0 && filesystem->kind != FILESYSTEM_DEVICE)
		r = refusal_note(&job->refusal, REFUSED_FAILED,
				 "fstype: %s was found in the source, where it cannot be", type);
	return r;
}

/* Read-only, compressed, and parsed by code that expects the worst: the images of the safe tier. */
static bool is_safe_image(const struct filesystem *filesystem) {
	return S_ISREG(filesystem->source.st.st_mode) && path_is_steady(&filesystem->source) &&
	       (strcmp(filesystem->type, "squashfs") == 0 ||
		strcmp(filesystem->type, "erofs") == 0) &&
	       mount_options_only(&filesystem->options, nothing);
}

bool filesystem_needs_own_ids(const char *type, uid_t uid) {
	if (strcmp(type, "overlay") == 0)
		return true;
	return uid != 0 && (strcmp(type, "squashfs") == 0 || strcmp(type, "erofs") == 0 ||
			    strcmp(type, "auto") == 0);
}

/* erofs since Linux 5.19, squashfs since 6.2. */
static bool can_be_mapped(const struct filesystem *filesystem) {
	struct utsname kernel;
	unsigned major = 0, minor = 0;

	if (uname(&kernel) < 0 || sscanf(kernel.release, "%u.%u", &major, &minor) != 2)
		return false;
	return strcmp(filesystem->type, "squashfs") != 0 || major > 6 || (major == 6 && minor >= 2);
}

static void make_read_only(struct mount_options *options) {
	if (!(options->set & MOUNT_ATTR_RDONLY))
		mount_options_add(options, "ro");
	options->set |= MOUNT_ATTR_RDONLY;
	options->clear &= ~(uint64_t)MOUNT_ATTR_RDONLY;
}

static int resolve_device(struct job *job, struct filesystem *filesystem, const char *source,
			  int image) {
	int r;

	if (image >= 0)
		r = path_resolve(job, "image", "", image, &filesystem->source);
	else if ((r = path_check("source", source, &job->refusal)) == 0)
		r = path_resolve_source(job, "source", source, &filesystem->source);
	if (r != 0)
		return r;
	if (image >= 0 && !S_ISREG(filesystem->source.st.st_mode))
		return refusal_note(&job->refusal, REFUSED_INVALID, "image: not a regular file");
	if (!S_ISREG(filesystem->source.st.st_mode) && !S_ISBLK(filesystem->source.st.st_mode))
		return refusal_note(
			&job->refusal, -ENOTBLK,
			"source: '%s' is neither a block device nor an image; for a directory "
			"there is Bind",
			source);
	if (strcmp(filesystem->type, "auto") == 0)
		r = find_type(job, filesystem);
	if (r != 0)
		return r;
	if (is_safe_image(filesystem) && can_be_mapped(filesystem)) {
		/* whatever the words: there is nothing to write */
		make_read_only(&filesystem->options);
		job_require(job, TIER_OWN);
	} else
		job_require_admin(job, "users mount images of squashfs and erofs only");
	return 0;
}

/* Opened with the caller's own rights, and never for more than asked: a descriptor that may be read
 * or written is taken as it is. */
static int open_image(struct job *job, struct filesystem *filesystem) {
	bool write = !(filesystem->options.set & MOUNT_ATTR_RDONLY);
	int flags = fcntl(filesystem->source.fd, F_GETFL), fd;

	if (flags >= 0 && !(flags & O_PATH)) {
		if ((flags & O_ACCMODE) == O_WRONLY)
			return refusal_note(&job->refusal, REFUSED_INVALID,
					    "image: the descriptor cannot be read");
		if ((flags & O_ACCMODE) == O_RDONLY)
			make_read_only(&filesystem->options);
		return 0;
	}
	fd = path_open(job, &filesystem->source, write ? O_RDWR : O_RDONLY);
	if (write && (fd == -EACCES || fd == -EPERM || fd == -EROFS || fd == -ETXTBSY)) {
		make_read_only(&filesystem->options);
		fd = path_open(job, &filesystem->source, O_RDONLY);
	}
	if (fd < 0)
		return refusal_note(&job->refusal, fd, "source: '%s': %s", filesystem->source.real,
				    strerrordesc_np(-fd));
	fd_closep(&filesystem->source.fd);
	filesystem->source.fd = fd;
	return 0;
}

static int resolve_kind(struct job *job, const char *type, const char *source, int image,
			struct filesystem *filesystem) {
	switch (filesystem->kind) {
	case FILESYSTEM_MEMORY: return resolve_tmpfs(job, filesystem);
	case FILESYSTEM_LAYERS:
		return overlay_resolve(job, &filesystem->options, &filesystem->overlay);
	case FILESYSTEM_KERNEL:
		if (!job->place.mounts.own && job->place.uid != 0)
			return refusal_note(
				&job->refusal, REFUSED_PERMISSION,
				"fstype: %s goes only into namespaces of the caller's own", type);
		return 0;
	case FILESYSTEM_OTHER:
		job_require_admin(job, "the file system is not one that users mount");
		return 0;
	case FILESYSTEM_DEVICE: return resolve_device(job, filesystem, source, image);
	}
	return -EINVAL;
}

int filesystem_resolve(struct job *job, const char *type, const char *source, int image,
		       char *const *options, size_t n_options, struct filesystem *ret) {
	bool automatic = strcmp(type, "auto") == 0;
	enum tier before = job->needed;
	const char *why = job->why;
	int r;

	ret->source = (struct path)PATH_NONE;
	r = mount_options_parse(&ret->options, options, n_options, MOUNT_OPTIONS_NEW,
				&job->refusal);
	if (r == 0 && automatic) {
		strcpy(ret->type, "auto");
		ret->kind = FILESYSTEM_DEVICE;
	} else if (r == 0)
		r = classify(job, type, ret);
	if (r != 0)
		return r;
	if (image >= 0 && ret->kind != FILESYSTEM_DEVICE)
		return refusal_note(&job->refusal, REFUSED_INVALID, "fstype: %s is not in images",
				    type);
	r = resolve_kind(job, type, source, image, ret);
	if (r == 0 && ret->source.fd >= 0 && S_ISREG(ret->source.st.st_mode))
		r = open_image(job, ret);
	if (r != 0)
		return r;
	ret->free = job->place.mounts.own && ret->kind != FILESYSTEM_DEVICE &&
		    ret->kind != FILESYSTEM_OTHER;
	if (ret->free) { /* the kernel judges there */
		job->needed = before;
		job->why = why;
	} else {
		job_require(job, TIER_OWN);
		if (mount_options_force(&ret->options))
			job_require_admin(job, mount_options_careless);
	}
	ret->mapped =
		ret->kind == FILESYSTEM_DEVICE && job->needed < TIER_ADMIN && job->place.uid != 0;
	ret->user_xattr = ret->kind == FILESYSTEM_LAYERS && job->needed < TIER_ADMIN &&
			  !mount_options_value(&ret->options, user_xattr);
	if (ret->user_xattr)
		mount_options_add(&ret->options, user_xattr);
	ret->source_name = strdup(*source && ret->kind != FILESYSTEM_DEVICE ? source
				  : ret->source.real                        ? ret->source.real
									    : ret->type);
	return ret->source_name ? 0 : -ENOMEM;
}

/* What the kernel itself says about it, without the letter in front; "" if nothing. */
static void read_kernel_words(int fs, char *words, size_t size) {
	size_t used = 0;

	*words = '\0';
	while (used < size - 1) {
		char line[512];
		ssize_t n = read(fs, line, sizeof line - 1);

		if (n <= 2)
			break;
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		used += (size_t)snprintf(words + used, size - used, "%s%s", used ? "; " : "",
					 line + 2);
	}
}

int filesystem_failed(struct job *job, int fs, int r, const char *what) {
	char words[1024];

	read_kernel_words(fs, words, sizeof words);
	return refusal_note(&job->refusal, r, "%s: %s", what, *words ? words : strerrordesc_np(-r));
}

static int set_parameter(struct job *job, int fs, const char *parameter) {
	_cleanup_free_ char *key = strdup(parameter);
	char *value;
	int r;

	if (!key)
		return -ENOMEM;
	value = strchr(key, '=');
	if (value)
		*value++ = '\0';
	r = fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
	return r < 0 ? filesystem_failed(job, fs, -errno, parameter) : 0;
}

static int set_parameters(struct job *job, const struct filesystem *filesystem, int fs) {
	int r = 0;

	for (size_t i = 0; r == 0 && i < filesystem->options.n_parameters; i++) {
		const char *parameter = filesystem->options.parameters[i];

		if (filesystem->kind != FILESYSTEM_LAYERS || !overlay_is_layer(parameter))
			r = set_parameter(job, fs, parameter);
	}
	if (r == 0 && filesystem->default_size)
		r = set_parameter(job, fs, default_size);
	if (r == 0 && filesystem->user_xattr)
		r = set_parameter(job, fs, user_xattr);
	if (r == 0 && filesystem->kind == FILESYSTEM_DEVICE &&
	    filesystem->options.set & MOUNT_ATTR_RDONLY)
		r = fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ? -errno : 0;
	return r;
}

static int open_as_itself(struct job *job, void *data) {
	const struct filesystem *filesystem = data;
	int fs = fsopen(filesystem->type, FSOPEN_CLOEXEC);

	return fs < 0 ? -errno : fs;
}

/* proc shows the pid namespace of who opens it, and that changes for children only. */
static int open_for_namespaces(struct job *job, const struct filesystem *filesystem) {
	int r = place_join_for_children(&job->place);

	return r < 0 ? r : job_in_child(job, open_as_itself, (void *)(uintptr_t)filesystem);
}

/* sysfs shows a network namespace, and whatever talks to a server does so in one. */
static bool needs_network(const struct filesystem *filesystem) {
	return filesystem->kind == FILESYSTEM_OTHER || strcmp(filesystem->type, "sysfs") == 0;
}

static int open_filesystem(struct job *job, const struct filesystem *filesystem, int *ret) {
	int r = needs_network(filesystem) ? place_join_network(&job->place) : 0;

	if (r == 0 && filesystem->kind == FILESYSTEM_KERNEL && !job->place.pids.host)
		r = open_for_namespaces(job, filesystem);
	else if (r == 0)
		r = open_as_itself(job, (void *)(uintptr_t)filesystem);
	if (r == -ENODEV)
		return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "fstype: this kernel has no file system '%s'",
				    filesystem->type);
	if (r < 0)
		return refusal_note(&job->refusal, r, "fstype: %s: %s", filesystem->type,
				    strerrordesc_np(-r));
	*ret = r;
	return 0;
}

/* The device's name in our /dev; for an image a loop device, which *ret_loop keeps until it is
 * mounted. */
static int set_device(struct job *job, const struct filesystem *filesystem, int fs, int *ret_loop) {
	char device[64];
	int r;

	r = place_act_as_root(&job->place);
	if (r < 0)
		return r;
	if (S_ISREG(filesystem->source.st.st_mode))
		r = loop_attach(filesystem->source.fd, filesystem->options.set & MOUNT_ATTR_RDONLY,
				job->place.uid, job->loop_devices, ret_loop, device, &job->refusal);
	else
		r = loop_device_name(filesystem->source.st.st_rdev, device);
	if (r != 0)
		return r;
	return fsconfig(fs, FSCONFIG_SET_STRING, "source", device, 0) < 0 ? -errno : 0;
}

static int configure(struct job *job, const struct filesystem *filesystem, int fs, int *ret_loop) {
	int r = 0;

	if (filesystem->kind == FILESYSTEM_DEVICE)
		r = set_device(job, filesystem, fs, ret_loop);
	else if (fsconfig(fs, FSCONFIG_SET_STRING, "source", filesystem->source_name, 0) < 0)
		r = filesystem_failed(job, fs, -errno, "source");
	if (r == 0)
		r = set_parameters(job, filesystem, fs);
	if (r == 0)
		r = overlay_set_layers(job, &filesystem->overlay, fs);
	if (r == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		r = filesystem_failed(job, fs, -errno, filesystem->type);
	return r;
}

/* Whoever makes an image says who owns what is in it, and a program that trusts root's files, or
 * those of its own user, would trust these. Only what is the caller's is shown as somebody's. */
static int map(struct job *job, const struct filesystem *filesystem, int mount) {
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_IDMAP,
					 .userns_fd = (uint64_t)job->own_ids };

	if (mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
		return refusal_note(&job->refusal, -errno,
				    "fstype: the owners in a %s cannot be mapped: %s",
				    filesystem->type, strerrordesc_np(errno));
	return 0;
}

static int create(struct job *job, const struct filesystem *filesystem, int *ret_mount) {
	_cleanup_close_ int fs = -1, loop = -1;
	int r;

	r = open_filesystem(job, filesystem, &fs);
	if (r == 0)
		r = configure(job, filesystem, fs, &loop);
	if (r != 0)
		return r;
	*ret_mount = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)filesystem->options.set);
	if (*ret_mount < 0)
		return filesystem_failed(job, fs, -errno, filesystem->type);
	return filesystem->mapped ? map(job, filesystem, *ret_mount) : 0;
}

struct layering {
	struct filesystem *filesystem;
	int mount;
};

static int create_layers(struct job *job, void *data) {
	struct layering *layering = data;
	int r = overlay_enter(job, &layering->filesystem->overlay);

	return r == 0 ? create(job, layering->filesystem, &layering->mount) : r;
}

int filesystem_create(struct job *job, struct filesystem *filesystem, int *ret_mount) {
	struct layering layering = { filesystem, -1 };
	int r;

	if (filesystem->kind != FILESYSTEM_LAYERS || filesystem->free)
		return create(job, filesystem, ret_mount);
	r = job_in_child(job, create_layers, &layering);
	*ret_mount = layering.mount;
	return r;
}

int filesystem_reconfigure(struct job *job, const struct path *path,
			   const struct mount_options *options) {
	_cleanup_close_ int fs = fspick(path->fd, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
	int r = 0;

	if (fs < 0)
		return refusal_note(&job->refusal, -errno, "target: '%s': %s", path->real,
				    strerrordesc_np(errno));
	for (size_t i = 0; r == 0 && i < options->n_parameters; i++)
		r = set_parameter(job, fs, options->parameters[i]);
	if (r == 0 && fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		r = filesystem_failed(job, fs, -errno, "mount_options");
	return r;
}

void filesystem_done(struct filesystem *filesystem) {
	path_done(&filesystem->source);
	free(filesystem->source_name);
	overlay_done(&filesystem->overlay);
}
