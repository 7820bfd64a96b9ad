/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mount and MountImage: a new file system, on a directory or file of the caller's choice.
 */

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>

#include "entry.h"
#include "filesystem.h"
#include "lifetime.h"
#include "operations.h"
#include "tree.h"

struct mounting {
	struct filesystem filesystem;
	struct path target;
};

/* The arguments of both, under one name. */
struct words {
	const char *source, *target, *type, *lifetime;
	char *const *options;
	size_t n_options;
	int image, target_fd;
};

static struct words words_of(const struct job *job) {
	if (job->request->descriptor == &usher__mount_image_request__descriptor) {
		const Usher__MountImageRequest *m = (const void *)job->request;

		return (struct words){ "",
				       m->target,
				       m->fstype,
				       m->lifetime,
				       m->mount_options,
				       m->n_mount_options,
				       job_descriptor(job, true, m->image_fd),
				       job_descriptor(job, m->has_target_fd, m->target_fd) };
	}
	const Usher__MountRequest *m = (const void *)job->request;

	return (struct words){ m->source,
			       m->target,
			       m->fstype,
			       m->lifetime,
			       m->mount_options,
			       m->n_mount_options,
			       -1,
			       job_descriptor(job, m->has_target_fd, m->target_fd) };
}

static int check(const char *target, bool has_target_fd, const char *type, char *const *options,
		 size_t n_options, const char *lifetime, struct refusal *refusal) {
	int r = has_target_fd ? 0 : path_check("target", target, refusal);

	if (r == 0)
		r = lifetime_check(lifetime, refusal);
	return r == 0 ? filesystem_check(type, options, n_options, refusal) : r;
}

static int mount_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__MountRequest *m = (const void *)message;

	return check(m->target, m->has_target_fd, m->fstype, m->mount_options, m->n_mount_options,
		     m->lifetime, refusal);
}

static bool mount_joins(const ProtobufCMessage *message) {
	return filesystem_joins(((const Usher__MountRequest *)message)->fstype);
}

static int mount_image_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__MountImageRequest *m = (const void *)message;

	return check(m->target, m->has_target_fd, m->fstype, m->mount_options, m->n_mount_options,
		     m->lifetime, refusal);
}

static int tell(struct job *job, const struct words *words, const struct mounting *mounting) {
	int r = job_detail(job, "source", mounting->filesystem.source_name);

	if (r == 0)
		r = job_detail(job, "target", mounting->target.real);
	if (r == 0)
		r = job_detail(job, "fstype", mounting->filesystem.type);
	return r == 0 ? tree_tell_options(job, &mounting->filesystem.options) : r;
}

static int mount_resolve(struct job *job) {
	struct mounting *mounting = calloc(1, sizeof *mounting);
	struct words words = words_of(job);
	int r;

	job->state = mounting;
	if (!mounting)
		return -ENOMEM;
	mounting->target = (struct path)PATH_NONE;
	r = path_resolve(job, "target", words.target, words.target_fd, &mounting->target);
	if (r != 0)
		return r;
	if (!path_is_own(job, &mounting->target) && !job->place.mounts.own)
		job_require_admin(job, path_not_own);
	r = filesystem_resolve(job, words.type, words.source, words.image, words.options,
			       words.n_options, &mounting->filesystem);
	return r == 0 ? tell(job, &words, mounting) : r;
}

/* A device is opened by its name in our /dev, so before we leave for the caller's namespaces. */
static int make(struct job *job, struct filesystem *filesystem, int *ret_mount) {
	bool device = filesystem->kind == FILESYSTEM_DEVICE;
	int r = 0;

	if (device)
		r = filesystem_create(job, filesystem, ret_mount);
	if (r == 0)
		r = place_join_mounts(&job->place, filesystem->free);
	if (r == 0 && !device)
		r = filesystem_create(job, filesystem, ret_mount);
	if (r == 0 && job->place.users >= 0 && !filesystem->free)
		r = tree_seal(job, ret_mount);
	return r;
}

static int mount_run(struct job *job) {
	struct mounting *mounting = job->state;
	Usher__MountReply *reply = (Usher__MountReply *)job->reply;
	struct words words = words_of(job);
	_cleanup_close_ int mount = -1;
	int r;

	r = make(job, &mounting->filesystem, &mount);
	if (r == 0)
		r = tree_describe(job, mount, mounting->filesystem.source_name,
				  mounting->target.real, mounting->filesystem.type,
				  &mounting->filesystem.options, words.lifetime, &reply->made);
	if (r == 0)
		r = job_announce(job);
	if (r == 0)
		r = tree_attach(job, &mount, reply->made, &mounting->target);
	filesystem_done(&mounting->filesystem);
	path_done(&mounting->target);
	return r;
}

const struct operation operation_mount = {
	.interface = "Mounts",
	.method = "Mount",
	.actions = { [TIER_OWN] = "mount-own", [TIER_ADMIN] = "mount" },
	.request = &usher__mount_request__descriptor,
	.reply = &usher__mount_reply__descriptor,
	.capabilities = FILESYSTEM_CAPABILITIES,
	.syscalls = SYSCALLS(JOB_JOIN, FILESYSTEM_CREATE, FILESYSTEM_MEASURE, TREE_SEAL,
			     TREE_DESCRIBE, TREE_ATTACH),
	.probes = true,
	.joins = mount_joins,
	.check = mount_check,
	.resolve = mount_resolve,
	.run = mount_run,
	.undo = tree_detach,
};

const struct operation operation_mount_image = {
	.interface = "Mounts",
	.method = "MountImage",
	.actions = { [TIER_OWN] = "mount-image-own", [TIER_ADMIN] = "mount-image" },
	.request = &usher__mount_image_request__descriptor,
	.reply = &usher__mount_reply__descriptor,
	.capabilities = FILESYSTEM_CAPABILITIES,
	.syscalls = SYSCALLS(JOB_JOIN, FILESYSTEM_CREATE, TREE_SEAL, TREE_DESCRIBE, TREE_ATTACH),
	.probes = true,
	.check = mount_image_check,
	.resolve = mount_resolve,
	.run = mount_run,
	.undo = tree_detach,
};
