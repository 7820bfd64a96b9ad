/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "interior.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device-directory.h"
#include "entry.h"
#include "filesystem.h"
#include "mount-table.h"
#include "target.h"
#include "tree.h"

/* What a mount is made of. */
enum kind { BIND, RECURSIVE_BIND, DEVICES, FILESYSTEM, IMAGE };

/* What the kernel lets the root of a user namespace mount. Nothing else is tried by the process to
 * be: it comes from the job, as a detached mount. */
static const char *const inner[] = {
	"tmpfs", "overlay", "proc", "sysfs", "mqueue", "devpts", "cgroup2",
};

static enum kind kind_of(const Usher__MountSpecification *mount) {
	if (strcmp(mount->fstype, "bind") == 0)
		return BIND;
	if (strcmp(mount->fstype, "rbind") == 0)
		return RECURSIVE_BIND;
	if (strcmp(mount->fstype, "dev") == 0)
		return DEVICES;
	for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
		if (strcmp(mount->fstype, inner[i]) == 0)
			return FILESYSTEM;
	return IMAGE;
}

static bool is_root(const Usher__MountSpecification *mount) {
	return mount->target[strspn(mount->target, "/")] == '\0';
}

/* ---- the words ---- */

static int check_one(const Usher__MountSpecification *mount, struct refusal *refusal) {
	struct mount_options ignored;
	enum kind kind = kind_of(mount);
	int r = path_check("target", mount->target, refusal);

	if (r == 0 && (kind == BIND || kind == RECURSIVE_BIND || kind == IMAGE))
		r = path_check("source", mount->source, refusal);
	if (r != 0)
		return r;
	switch (kind) {
	case BIND:
	case RECURSIVE_BIND:
		return mount_options_parse(&ignored, mount->mount_options, mount->n_mount_options,
					   MOUNT_OPTIONS_TREE, refusal);
	case DEVICES:
		return mount->n_mount_options == 0 ? 0
						   : refusal_note(refusal, REFUSED_INVALID,
								  "mount_options: dev takes none");
	default: break;
	}
	if (strcmp(mount->fstype, "auto") == 0)
		return refusal_note(refusal, REFUSED_INVALID,
				    "fstype: of an image in mounts the file system is to be named");
	return filesystem_check(mount->fstype, mount->mount_options, mount->n_mount_options,
				refusal);
}

/* Says of which mount it is that something was said. */
static int about(struct refusal *refusal, int r, const Usher__MountSpecification *mount) {
	struct refusal what = *refusal;

	if (r == 0)
		return 0;
	return refusal_note(refusal, r, "mounts: %s on '%s': %s", mount->fstype, mount->target,
			    *what.text ? what.text : strerrordesc_np(-r));
}

int interior_check(Usher__MountSpecification *const *mounts, size_t n_mounts, const char *root,
		   const char *workdir, struct refusal *refusal) {
	size_t images = 0;
	int r = root ? path_check("root", root, refusal) : 0;

	if (r == 0 && workdir)
		r = path_check("workdir", workdir, refusal);
	if (r == 0 && n_mounts > INTERIOR_MOUNTS_MAX)
		r = refusal_note(refusal, REFUSED_LIMIT, "mounts: more than %d",
				 INTERIOR_MOUNTS_MAX);
	for (size_t i = 0; r == 0 && i < n_mounts; i++) {
		r = about(refusal, check_one(mounts[i], refusal), mounts[i]);
		images += kind_of(mounts[i]) == IMAGE;
	}
	if (r == 0 && images > INTERIOR_IMAGES_MAX)
		r = refusal_note(refusal, REFUSED_LIMIT, "mounts: more than %d images",
				 INTERIOR_IMAGES_MAX);
	return r;
}

/* ---- in the job ---- */

bool interior_has_images(Usher__MountSpecification *const *mounts, size_t n_mounts) {
	for (size_t i = 0; i < n_mounts; i++)
		if (kind_of(mounts[i]) == IMAGE)
			return true;
	return false;
}

/* For the person who is asked; who reads no more than a page. */
static int tell(struct job *job, const struct interior *interior) {
	char all[2048];
	size_t used = 0, i = 0;

	for (; i < interior->n_mounts && used < sizeof all; i++) {
		const Usher__MountSpecification *mount = interior->mounts[i];
		int n = snprintf(all + used, sizeof all - used, "%s%s%s%s on %s", used ? "; " : "",
				 mount->fstype, *mount->source ? " " : "", mount->source,
				 mount->target);

		if (used + (size_t)n >= sizeof all - 32)
			break;
		used += (size_t)n;
	}
	if (i < interior->n_mounts)
		(void)snprintf(all + used, sizeof all - used, "; and %zu more",
			       interior->n_mounts - i);
	return interior->n_mounts > 0 ? job_detail(job, "mounts", all) : 0;
}

int interior_resolve(struct job *job, struct interior *interior) {
	int told = tell(job, interior);

	if (told < 0)
		return told;
	for (size_t i = 0; i < interior->n_mounts; i++) {
		const Usher__MountSpecification *mount = interior->mounts[i];
		struct filesystem *image;
		int r;

		if (kind_of(mount) != IMAGE)
			continue;
		image = calloc(1, sizeof *image);
		if (!image)
			return -ENOMEM;
		interior->images[interior->n_images++] = image;
		r = filesystem_resolve(job, mount->fstype, mount->source, -1, mount->mount_options,
				       mount->n_mount_options, image);
		if (r == 0)
			r = job_detail(job, "image", image->source_name);
		if (r != 0)
			return about(&job->refusal, r, mount);
	}
	return 0;
}

static int open_image(struct job *job, struct interior *interior, size_t i) {
	_cleanup_close_ int mount = -1;
	int r = filesystem_create(job, interior->images[i], &mount);

	if (r == 0)
		r = tree_seal(job, &mount);
	if (r != 0)
		return r;
	r = fds_add(&interior->trees, fd_take(&mount));
	return r < 0 ? r : 0;
}

int interior_open(struct job *job, struct interior *interior) {
	size_t image = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < interior->n_mounts; i++)
		if (kind_of(interior->mounts[i]) == IMAGE)
			r = about(&job->refusal, open_image(job, interior, image++),
				  interior->mounts[i]);
	return r;
}

void interior_done(struct interior *interior) {
	while (interior->n_images > 0) {
		struct filesystem *image = interior->images[--interior->n_images];

		filesystem_done(image);
		free(image);
	}
	fds_done(&interior->trees);
}

/* ---- in the process to be ---- */

struct building {
	struct job *job;
	struct interior *interior;
	struct target_root root; /* under which the targets are */
	bool moves;              /* it is another than it was */
	size_t images;           /* so many of them have been mounted */
};

static int make_bind(struct building *building, const Usher__MountSpecification *mount,
		     int *ret_mount) {
	_cleanup_(path_done) struct path source = PATH_NONE;
	struct job *job = building->job;
	struct mount_options options;
	int r = mount_options_parse(&options, mount->mount_options, mount->n_mount_options,
				    MOUNT_OPTIONS_TREE, &job->refusal);

	if (r == 0)
		r = path_resolve_followed(job, "source", mount->source, &source);
	/* what an administrator said yes to is not that */
	if (r == 0 && !building->interior->own_users &&
	    tree_loosens(&source, &options, kind_of(mount) == RECURSIVE_BIND))
		r = refusal_note(&job->refusal, REFUSED_PERMISSION,
				 "the options would take a restriction off '%s'", mount->source);
	return r == 0 ? tree_copy(job, &source, kind_of(mount) == RECURSIVE_BIND, &options, -1,
				  ret_mount)
		      : r;
}

/* What lies over parts of a file system of the kernel's, for people; at most three. */
static void name_obstacles(const struct job *job, const char *type, char *ret, size_t size) {
	const char *place = strcmp(type, "proc") == 0 ? "/proc/" : "/sys/";
	struct mount_table table = { 0 };
	size_t n = 0, used = 0;

	*ret = '\0';
	if (mount_table_read(&table, job->place.proc) < 0)
		return;
	for (size_t i = 0; i < table.n && n < 3 && used < size; i++) {
		const char *target = table.entries[i]->target;

		if (target && strncmp(target, place, strlen(place)) == 0)
			used += (size_t)snprintf(ret + used, size - used, "%s%.100s",
						 n++ ? ", " : "", target);
	}
	mount_table_done(&table);
}

/* The kernel shows in a new proc or sysfs no more than could be seen before; and of others only
 * those of a namespace that is the caller's. */
static int explain(struct job *job, const char *type, int r) {
	char obstacles[400];

	if (r == -EPERM && (strcmp(type, "mqueue") == 0 || strcmp(type, "cgroup2") == 0))
		return refusal_note(
			&job->refusal, r,
			"it takes a new namespace of type %s among `types`, beside user",
			*type == 'm' ? "ipc" : "cgroup");
	if (r != -EPERM || (strcmp(type, "proc") != 0 && strcmp(type, "sysfs") != 0))
		return r;
	name_obstacles(job, type, obstacles, sizeof obstacles);
	return refusal_note(&job->refusal, r,
			    "the kernel lets a user namespace mount %s only where one can be seen "
			    "whole%s%s%s",
			    type,
			    *obstacles ? ", and here something is mounted over parts of it: "
				       : ", in new namespaces of its kind",
			    obstacles,
			    strcmp(type, "proc") == 0
				    ? "; with a mount of yours on /proc, none is made"
				    : "");
}

/* Where the kernel judges by root's rights, and not by the caller's. An overlay would read for the
 * caller what that may not; a new view of what is shared with others may show more of it than there
 * was to be seen. */
static int check_made_by_root(struct building *building, struct filesystem *filesystem) {
	const struct interior *interior = building->interior;
	struct refusal *refusal = &building->job->refusal;

	if (filesystem->kind == FILESYSTEM_LAYERS || strcmp(filesystem->type, "sysfs") == 0)
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "it needs a user namespace of its own (types: user)");
	if (strcmp(filesystem->type, "proc") == 0 && !interior->new_pids)
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "it needs a pid namespace of its own (types: pid)");
	if (mount_options_force(&filesystem->options))
		return refusal_note(refusal, REFUSED_PERMISSION,
				    "suid and dev need a user namespace of its own (types: user)");
	return 0;
}

static int make_filesystem(struct building *building, const Usher__MountSpecification *mount,
			   int *ret_mount) {
	struct filesystem *filesystem = calloc(1, sizeof *filesystem);
	struct job *job = building->job;
	int r;

	if (!filesystem)
		return -ENOMEM;
	r = filesystem_resolve(job, mount->fstype, mount->source, -1, mount->mount_options,
			       mount->n_mount_options, filesystem);
	if (r == 0 && !building->interior->own_users)
		r = check_made_by_root(building, filesystem);
	if (r == 0)
		r = explain(job, mount->fstype, filesystem_create(job, filesystem, ret_mount));
	filesystem_done(filesystem);
	free(filesystem);
	return r;
}

static int make(struct building *building, const Usher__MountSpecification *mount, int *ret_mount) {
	struct interior *interior = building->interior;

	switch (kind_of(mount)) {
	case BIND:
	case RECURSIVE_BIND: return make_bind(building, mount, ret_mount);
	case DEVICES: return device_directory_make(building->job, ret_mount);
	case FILESYSTEM: return make_filesystem(building, mount, ret_mount);
	case IMAGE: break;
	}
	if (building->images >= interior->trees.n)
		return -EBADF;
	*ret_mount = fd_take(&interior->trees.fd[building->images++]);
	return 0;
}

/* The new top of everything: what was there goes when the old root does. */
static int replace_root(struct building *building, int *mount) {
	int r = target_attach(*mount, building->root.fd);

	if (r < 0)
		return r;
	fd_closep(&building->root.fd);
	building->root.fd = fd_take(mount);
	building->moves = true;
	return 0;
}

/* The kernel says no more than that something is wrong. */
static int attach(struct job *job, int made, int target) {
	struct stat one = { 0 }, other = { 0 };
	int r = target_attach(made, target);

	if ((r != -EINVAL && r != -ENOTDIR) || fstat(made, &one) < 0 || fstat(target, &other) < 0 ||
	    S_ISDIR(one.st_mode) == S_ISDIR(other.st_mode))
		return r;
	return refusal_note(&job->refusal, r, "target: it is %s, and what is mounted is %s",
			    S_ISDIR(other.st_mode) ? "a directory" : "no directory",
			    S_ISDIR(one.st_mode) ? "a directory" : "none");
}

static int mount_one(struct building *building, const Usher__MountSpecification *mount) {
	_cleanup_close_ int made = -1, target = -1;
	struct job *job = building->job;
	enum kind kind = kind_of(mount);
	bool is_new = kind == DEVICES || strcmp(mount->fstype, "tmpfs") == 0;
	int r = make(building, mount, &made);

	if (r == 0 && is_new)
		r = target_add_new(&building->root, made);
	if (r == 0 && is_root(mount))
		return replace_root(building, &made);
	if (r == 0)
		r = target_open(&building->root, mount->target, made, &target);
	if (r < 0 && made >= 0)
		return refusal_note(&job->refusal, r, "target: %s", strerrordesc_np(-r));
	if (r == 0)
		r = attach(job, made, target);
	if (r == 0 && kind == DEVICES)
		r = device_directory_fill(job, made, building->interior->new_ipc);
	return r;
}

static int mount_word(struct building *building, const char *type, const char *target) {
	Usher__MountSpecification mount = USHER__MOUNT_SPECIFICATION__INIT;

	mount.source = mount.fstype = (char *)(uintptr_t)type;
	mount.target = (char *)(uintptr_t)target;
	return about(&building->job->refusal, mount_one(building, &mount), &mount);
}

static bool names(const struct interior *interior, const char *target) {
	size_t length = strlen(target);

	for (size_t i = 0; i < interior->n_mounts; i++) {
		const char *at = interior->mounts[i]->target;

		at += strspn(at, "/") - 1;
		if (strncmp(at, target, length) == 0 &&
		    at[length + strspn(at + length, "/")] == '\0')
			return true;
	}
	return false;
}

/* What nobody need ask for. Where the root has no place for it there is none. */
static int mount_unasked(struct building *building) {
	const struct interior *interior = building->interior;
	int r = 0;

	if (interior->new_pids && !names(interior, "/proc") &&
	    target_is_there(&building->root, "/proc"))
		r = mount_word(building, "proc", "/proc");
	if (r == 0 && building->moves && !names(interior, "/dev") &&
	    target_is_bare(&building->root, "/dev"))
		r = mount_word(building, "dev", "/dev");
	return r;
}

static int mount_all(struct building *building) {
	const struct interior *interior = building->interior;
	int r = 0;

	for (size_t i = 0; r == 0 && i < interior->n_mounts; i++)
		if (is_root(interior->mounts[i]))
			r = about(&building->job->refusal, mount_one(building, interior->mounts[i]),
				  interior->mounts[i]);
	if (r == 0)
		r = mount_unasked(building);
	for (size_t i = 0; r == 0 && i < interior->n_mounts; i++)
		if (!is_root(interior->mounts[i]))
			r = about(&building->job->refusal, mount_one(building, interior->mounts[i]),
				  interior->mounts[i]);
	return r;
}

/* A directory becomes a mount, since nothing else can be a root. */
static int take_root(struct building *building) {
	_cleanup_(path_done) struct path path = PATH_NONE;
	struct mount_options none = { 0 };
	struct job *job = building->job;
	_cleanup_close_ int tree = -1;
	int r = path_resolve_followed(job, "root", building->interior->root, &path);

	if (r != 0)
		return r;
	if (!S_ISDIR(path.st.st_mode))
		return refusal_note(&job->refusal, -ENOTDIR, "root: '%s' is not a directory",
				    building->interior->root);
	if (strcmp(path.real, "/") == 0)
		return 0;
	r = tree_copy(job, &path, true, &none, -1, &tree);
	if (r == 0)
		r = target_attach(tree, path.fd);
	if (r != 0)
		return refusal_note(&job->refusal, r, "root: %s",
				    *job->refusal.text ? job->refusal.text : strerrordesc_np(-r));
	fd_closep(&building->root.fd);
	building->root.fd = fd_take(&tree);
	building->moves = true;
	return 0;
}

/* The old root comes to lie on the new one, and is taken off there with all that is below it. */
static int pivot(struct building *building) {
	_cleanup_close_ int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (!building->moves)
		return 0;
	if (old < 0 || fchdir(building->root.fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    fchdir(old) < 0 || umount2(".", MNT_DETACH) < 0)
		r = -errno;
	if (r == -EINVAL)
		return refusal_note(&building->job->refusal, r,
				    "root: the root that is to be left is not one that a mount "
				    "namespace can leave");
	if (r < 0)
		return refusal_note(&building->job->refusal, r, "root: pivot_root: %s",
				    strerrordesc_np(-r));
	return 0;
}

/* Nothing that is mounted here is seen elsewhere, nor the other way around. */
static int part(struct job *job) {
	struct mount_attr alone = { .propagation = MS_PRIVATE };

	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &alone, sizeof alone) < 0)
		return refusal_note(&job->refusal, -errno, "mounts: %s",
				    errno == EINVAL
					    ? "the root to begin with is not the root of a mount"
					    : strerrordesc_np(errno));
	return 0;
}

int interior_build(struct job *job, struct interior *interior) {
	struct building building = { .job = job, .interior = interior, .root.fd = -1 };
	mode_t mask = umask(0);
	int r = part(job);

	if (r == 0)
		r = place_settle(&job->place);
	if (r == 0)
		building.root.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && building.root.fd < 0)
		r = -errno;
	if (r == 0 && interior->root)
		r = take_root(&building);
	if (r == 0)
		r = mount_all(&building);
	if (r == 0)
		r = pivot(&building);
	if (r == 0 && chdir("/") < 0)
		r = -errno;
	target_root_done(&building.root);
	(void)umask(mask);
	return r;
}

int interior_enter(struct job *job, const char *workdir) {
	_cleanup_close_ int directory = path_open_below(AT_FDCWD, workdir ?: "/", O_DIRECTORY);
	int r = directory;

	if (r >= 0)
		r = fchdir(directory) < 0 ? -errno : 0;
	if (r < 0)
		return refusal_note(&job->refusal, r, "directory: workdir: '%s': %s",
				    workdir ?: "/", strerrordesc_np(-r));
	return 0;
}
