/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kernel.h"
#include "lifetime.h"
#include "message.h"
#include "mount-table.h"
#include "vessel.h"

enum { DETACH_TRIES = 16 };

static int set_attributes(int tree, bool recursive, struct mount_attr *attributes) {
	if (mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), attributes,
			  sizeof *attributes) < 0)
		return -errno;
	return 0;
}

/* Of which each makes the mount table that all share twice as long, mounted below its source. */
static bool is_slave(const struct mount_options *options) {
	return options->propagation == MS_SLAVE;
}

int tree_copy(struct job *job, const struct path *path, bool recursive,
	      const struct mount_options *options, int idmap, int *ret_tree) {
	struct mount_attr attributes = {
		.attr_set = options->set | (idmap >= 0 ? MOUNT_ATTR_IDMAP : 0),
		.attr_clr = options->clear,
		.userns_fd = idmap >= 0 ? (uint64_t)idmap : 0,
	};
	struct mount_attr alone = { .propagation = is_slave(options) ? MS_SLAVE : MS_PRIVATE };
	_cleanup_close_ int tree = open_tree(path->fd, "",
					     AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
						     (recursive ? AT_RECURSIVE : 0));
	int r;

	if (tree < 0)
		return refusal_note(&job->refusal, -errno, "'%s' cannot be bound: %s", path->real,
				    errno == EINVAL
					    ? "it is unbindable, not in these namespaces, or hides "
					      "something that only a recursive copy keeps hidden"
					    : strerrordesc_np(errno));
	/* A copy is its source's peer: what is unmounted below the one goes below the other, be it
	 * whoever's, and what is mounted below the source is mounted in every copy. */
	r = set_attributes(tree, true, &alone);
	if (r < 0)
		return r;
	if (attributes.attr_set || attributes.attr_clr)
		r = set_attributes(tree, recursive, &attributes);
	if (r < 0)
		return refusal_note(&job->refusal, r, "%s: %s",
				    idmap >= 0 ? "idmap or mount_options" : "mount_options",
				    r == -EINVAL && idmap >= 0 ? "this file system cannot be mapped"
							       : strerrordesc_np(-r));
	*ret_tree = fd_take(&tree);
	return 0;
}

int tree_propagate(struct job *job, int tree, const struct mount_options *options) {
	struct mount_attr propagation = { .propagation = options->propagation };
	int r = 0;

	if (options->propagation)
		r = set_attributes(tree, options->propagation_recursive, &propagation);
	if (r < 0)
		return refusal_note(&job->refusal, r, "mount_options: propagation: %s",
				    strerrordesc_np(-r));
	return 0;
}

/* The name of a mount leads to what has been mounted on top of it since, which goes with it; or to
 * what was taken from there a moment later (EINVAL). */
int tree_detach(struct job *job) {
	const Usher__MountReply *reply = (const Usher__MountReply *)job->reply;
	uint64_t parent;
	char name[32];
	int r = 0;

	if (job->attached < 0)
		return 0;
	(void)snprintf(name, sizeof name, "self/fd/%d", job->attached);
	for (int i = 0; r == 0 && i < DETACH_TRIES; i++) {
		if (fchdir(job->place.proc) < 0 ||
		    (umount2(name, MNT_DETACH) < 0 && errno != EINVAL))
			r = -errno;
		if (mount_table_parent(job->place.proc, reply->made->id, &parent) == -ENOENT) {
			job->gone = true;
			return 0;
		}
	}
	return r < 0 ? r : -EBUSY;
}

static int seal(struct job *job, void *data) {
	struct mount_attr alone = { .propagation = MS_PRIVATE };
	int *mount = data, sealed;
	int empty = job->place.vessel >= 0 ? job->place.vessel : job->place.home;
	const char *spot;
	struct stat st;

	if (fstat(*mount, &st) < 0)
		return -errno;
	/* any directory or file will do as a mount point that only this child sees */
	spot = S_ISDIR(st.st_mode) ? VESSEL_DIRECTORY : VESSEL_FILE;
	if (setns(empty, CLONE_NEWNS) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &alone, sizeof alone) < 0)
		return -errno;
	/* left by its last process it would be taken apart on the spot, which takes longer than all
	 * of this */
	job->place.scaffold = openat(job->place.proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (move_mount(*mount, "", AT_FDCWD, spot, MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -errno;
	sealed = open_tree(AT_FDCWD, spot, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (sealed < 0)
		return -errno;
	(void)close(*mount);
	*mount = sealed;
	return 0;
}

static int tell_sealed(struct job *job, int r) {
	if (r < 0)
		return refusal_note(&job->refusal, r,
				    "the flags of the mount cannot be made irrevocable: %s",
				    strerrordesc_np(-r));
	return 0;
}

int tree_seal(struct job *job, int *mount) {
	return tell_sealed(job, job_in_child(job, seal, mount));
}

int tree_seal_last(struct job *job, int *mount) {
	return tell_sealed(job, seal(job, mount));
}

/* The kernel says ENOENT for a directory that was removed, and for one whose mount was unmounted.
 */
static int attach_failed(struct job *job, int r, const struct path *target) {
	struct stat st;
	bool removed = fstat(target->fd, &st) == 0 && st.st_nlink == 0;

	job->gone = true;
	if (r == -ENOENT && !removed)
		return refusal_note(&job->refusal, REFUSED_RETRY, "target: '%s' changed meanwhile",
				    target->real);
	return refusal_note(&job->refusal, r, "target: '%s': %s", target->real,
			    r == -EINVAL ? "not in these namespaces, or deleted"
					 : strerrordesc_np(-r));
}

/* A mount goes on top of all that lies over a directory. What the tier was judged by is the
 * directory, and what lies there may be somebody else's. */
int tree_check_parent(struct job *job, uint64_t mount, const struct path *target) {
	uint64_t parent = 0, wanted = 0;
	bool is_root;
	int r = job->place.mounts.own ? 0 : path_mount_id(target->fd, "", &wanted, &is_root);

	if (r == 0 && !job->place.mounts.own)
		r = mount_table_parent(job->place.proc, mount, &parent);
	if (r < 0)
		return refusal_note(&job->refusal, r, "target: '%s': %s", target->real,
				    strerrordesc_np(-r));
	if (parent == wanted)
		return 0;
	return refusal_note(&job->refusal, REFUSED_RETRY,
			    "target: something was mounted on '%s' after it was looked up",
			    target->real);
}

int tree_attach(struct job *job, int *from, const Usher__MountObject *made,
		const struct path *target) {
	int mount = job->attached = fd_take(from), r;

	job_commit();
	if (move_mount(mount, "", target->fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return attach_failed(job, -errno, target);
	r = tree_check_parent(job, made->id, target);
	if (r != 0)
		(void)tree_detach(job);
	return r;
}

bool tree_loosens(const struct path *path, const struct mount_options *options, bool recursive) {
	static const struct {
		uint64_t attribute;
		unsigned long flag;
	} restrictions[] = {
		{ MOUNT_ATTR_RDONLY, ST_RDONLY },
		{ MOUNT_ATTR_NOSUID, ST_NOSUID },
		{ MOUNT_ATTR_NODEV, ST_NODEV },
		{ MOUNT_ATTR_NOEXEC, ST_NOEXEC },
		{ MOUNT_ATTR_NOSYMFOLLOW, 0x2000 /* ST_NOSYMFOLLOW */ },
	};
	struct statvfs fs;

	if (fstatvfs(path->fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < sizeof restrictions / sizeof *restrictions; i++)
		if (options->clear & restrictions[i].attribute &&
		    (recursive || fs.f_flag & restrictions[i].flag))
			return true;
	return false;
}

bool tree_is_free(const struct job *job) {
	return job->place.mounts.own && job->idmap < 0;
}

/* A copy of everything twice the size each time would soon fill the mount table that all share. */
static bool is_large(const struct job *job, const struct path *path) {
	struct mount_table table = { 0 };
	bool large;

	if (!job->place.mounts.host)
		return false;
	large = *path->real != '/' || mount_table_read(&table, job->place.proc) < 0 ||
		mount_table_below(&table, path->real) >= TREE_OWN_MAX;
	mount_table_done(&table);
	return large;
}

int tree_last_id(const struct path *path, uint64_t *ret) {
	_cleanup_close_ int mount =
		open_tree(path->fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	bool is_root;

	return mount < 0 ? -errno : path_mount_id(mount, "", ret, &is_root);
}

void tree_tell_mount(struct job *job, uint64_t id) {
	job->finding.has_mount_id = job->finding.has_host = true;
	job->finding.mount_id = id;
	job->finding.host = job->place.mounts.host;
}

int tree_tell_below(struct job *job, uint64_t id) {
	Usher__Finding *finding = &job->finding;
	struct mount_table table = { 0 };
	int r = mount_table_read(&table, job->place.proc);

	finding->below = calloc(TREE_OWN_MAX, sizeof *finding->below);
	if (r == 0 && !finding->below)
		r = -ENOMEM;
	if (r == 0)
		r = mount_table_descendants(&table, id, finding->below, TREE_OWN_MAX,
					    &finding->n_below);
	mount_table_done(&table);
	if (r != -E2BIG)
		return r;
	finding->below[0] = 0;
	finding->n_below = 1;
	return 0;
}

void tree_judge(struct job *job, const struct path *path, bool recursive,
		struct mount_options *options) {
	if (tree_is_free(job))
		return;
	job_require(job, TIER_OWN);
	if (mount_options_force(options) || tree_loosens(path, options, recursive))
		job_require_admin(job, mount_options_careless);
	if (is_slave(options))
		job_require_admin(job, "a slave shows what is mounted in the source later");
	if (!path_is_own(job, path))
		job_require_admin(job, "the source is not the caller's own");
	if (recursive && is_large(job, path))
		job_require_admin(job, "too much is mounted in the source");
}

int tree_tell_options(struct job *job, const struct mount_options *options) {
	_cleanup_free_ char *joined = mount_options_join(options);

	return joined ? job_detail(job, "options", joined) : -ENOMEM;
}

int tree_give(struct job *job, int mount) {
	int place = fds_add(&job->reply_fds, mount);

	if (place < 0)
		return place;
	((Usher__OpenReply *)job->reply)->mount_fd = (uint32_t)place;
	return 0;
}

static int add_option(Usher__MountObject *object, const char *word) {
	_cleanup_free_ char *shown = mount_options_shown(word);

	return shown ? message_append_string(&object->options, &object->n_options, shown) : -ENOMEM;
}

static int fill(Usher__MountObject *object, const char *source, const char *target,
		const char *type, const struct mount_options *options, const char *lifetime) {
	object->source = strdup(source);
	object->target = strdup(target);
	object->fstype = strdup(type);
	object->lifetime = strdup(lifetime ?: "manual");
	if (!object->source || !object->target || !object->fstype || !object->lifetime)
		return -ENOMEM;
	for (size_t i = 0; i < options->n_words; i++)
		if (add_option(object, options->words[i]) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < options->n_added; i++)
		if (add_option(object, options->added[i]) < 0)
			return -ENOMEM;
	return 0;
}

int tree_describe(struct job *job, int mount, const char *source, const char *target,
		  const char *type, const struct mount_options *options, const char *lifetime,
		  Usher__MountObject **ret) {
	Usher__MountObject *object =
		(Usher__MountObject *)message_new(&usher__mount_object__descriptor);
	bool is_root;
	int r;

	*ret = object; /* the reply owns it now, also half made */
	if (!object)
		return -ENOMEM;
	r = fill(object, source, target, type, options, lifetime);
	if (r == 0)
		r = path_mount_id(mount, "", &object->id, &is_root);
	if (r < 0)
		return r;
	object->has_id = object->has_owner = object->has_host = true;
	object->owner = job->place.uid;
	object->host = job->place.mounts.host;
	if (object->host)
		return 0;
	object->has_namespace_id =
		ioctl(job->place.mounts.fd, KERNEL_NS_GET_MNTNS_ID, &object->namespace_id) == 0;
	if (!lifetime_is_connection(lifetime))
		return 0;
	r = fcntl(job->place.mounts.fd, F_DUPFD_CLOEXEC, 3);
	r = r < 0 ? -errno : fds_add(&job->reply_fds, r);
	if (r < 0)
		return r;
	object->has_namespace_fd = true;
	object->namespace_fd = (uint32_t)r;
	return 0;
}
