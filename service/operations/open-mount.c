/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenMount: a new file system as a detached mount, handed over as a descriptor. */

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "entry.h"
#include "filesystem.h"
#include "operations.h"
#include "ownership.h"
#include "tree.h"

static int open_mount_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__OpenMountRequest *m = (const void *)message;

	return filesystem_check(m->fstype, m->mount_options, m->n_mount_options, refusal);
}

static bool open_mount_joins(const ProtobufCMessage *message) {
	return filesystem_joins(((const Usher__OpenMountRequest *)message)->fstype);
}

static int open_mount_resolve(struct job *job) {
	const Usher__OpenMountRequest *m = (const void *)job->request;
	struct filesystem *filesystem = calloc(1, sizeof *filesystem);
	int r;

	job->state = filesystem;
	if (!filesystem)
		return -ENOMEM;
	r = filesystem_resolve(job, m->fstype, m->source, -1, m->mount_options, m->n_mount_options,
			       filesystem);
	if (r == 0)
		r = job_detail(job, "source", filesystem->source_name);
	if (r == 0)
		r = job_detail(job, "fstype", filesystem->type);
	return r == 0 ? tree_tell_options(job, &filesystem->options) : r;
}

/* Whoever holds a detached mount may change its flags as root of any namespace of its own. So it is
 * sealed, unless it was made with the rights of such a namespace. */
static int open_mount_run(struct job *job) {
	struct filesystem *filesystem = job->state;
	bool device = filesystem->kind == FILESYSTEM_DEVICE;
	_cleanup_close_ int mount = -1;
	int r = device ? 0 : place_join_mounts(&job->place, filesystem->free);

	if (r == 0)
		r = filesystem_create(job, filesystem, &mount);
	/* root could make such a mount without the flags */
	if (r == 0 && !filesystem->free && !place_is_roots(&job->place))
		r = tree_seal_last(job, &mount);
	filesystem_done(filesystem);
	return r == 0 ? tree_give(job, fd_take(&mount)) : r;
}

const struct operation operation_open_mount = {
	.interface = "Mounts",
	.method = "OpenMount",
	.actions = { [TIER_OWN] = "open-mount-own", [TIER_ADMIN] = "open-mount" },
	.request = &usher__open_mount_request__descriptor,
	.reply = &usher__open_reply__descriptor,
	.capabilities = FILESYSTEM_CAPABILITIES,
	.syscalls = SYSCALLS(JOB_JOIN, FILESYSTEM_CREATE, FILESYSTEM_MEASURE, TREE_SEAL_LAST),
	.probes = true,
	.joins = open_mount_joins,
	.check = open_mount_check,
	.resolve = open_mount_resolve,
	.run = open_mount_run,
};
