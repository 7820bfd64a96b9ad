/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenTree: a detached copy of the mounts under a path, handed over as a descriptor. */

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "entry.h"
#include "idmap.h"
#include "operations.h"
#include "ownership.h"
#include "tree.h"

struct opening {
	struct mount_options options;
	struct path path;
};

static int open_tree_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__OpenTreeRequest *m = (const void *)message;
	struct mount_options ignored;
	int r = m->has_path_fd ? 0 : path_check("path", m->path, refusal);

	if (r == 0 && m->idmap)
		r = idmap_check(m->idmap, refusal);
	return r == 0 ? mount_options_parse(&ignored, m->mount_options, m->n_mount_options,
					    MOUNT_OPTIONS_TREE, refusal)
		      : r;
}

static int open_tree_resolve(struct job *job) {
	const Usher__OpenTreeRequest *m = (const void *)job->request;
	struct opening *opening = calloc(1, sizeof *opening);
	int r;

	job->state = opening;
	if (!opening)
		return -ENOMEM;
	opening->path = (struct path)PATH_NONE;
	r = mount_options_parse(&opening->options, m->mount_options, m->n_mount_options,
				MOUNT_OPTIONS_TREE, &job->refusal);
	if (r == 0)
		r = path_resolve(job, "path", m->path,
				 job_descriptor(job, m->has_path_fd, m->path_fd), &opening->path);
	if (r != 0)
		return r;
	tree_judge(job, &opening->path, m->recursive, &opening->options);
	r = job_detail(job, "path", opening->path.real);
	if (r == 0)
		r = job_detail(job, "idmap", m->has_idmap_as_fd ? "a user namespace" : m->idmap);
	return r == 0 ? tree_tell_options(job, &opening->options) : r;
}

static int open_tree_run(struct job *job) {
	const Usher__OpenTreeRequest *m = (const void *)job->request;
	struct opening *opening = job->state;
	_cleanup_close_ int tree = -1;
	int r;

	r = place_join_mounts(&job->place, tree_is_free(job));
	if (r == 0)
		r = tree_copy(job, &opening->path, m->recursive, &opening->options, job->idmap,
			      &tree);
	/* root could make such a mount without the flags */
	if (r == 0 && !tree_is_free(job) && !place_is_roots(&job->place))
		r = tree_seal_last(job, &tree);
	if (r == 0)
		r = tree_propagate(job, tree, &opening->options);
	path_done(&opening->path);
	return r == 0 ? tree_give(job, fd_take(&tree)) : r;
}

const struct operation operation_open_tree = {
	.interface = "Mounts",
	.method = "OpenTree",
	.actions = { [TIER_OWN] = "open-tree-own", [TIER_ADMIN] = "open-tree" },
	.request = &usher__open_tree_request__descriptor,
	.reply = &usher__open_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_DAC_READ_SEARCH),
	.syscalls = SYSCALLS(JOB_JOIN, TREE_COPY, TREE_SEAL_LAST),
	.maps = true,
	.check = open_tree_check,
	.resolve = open_tree_resolve,
	.run = open_tree_run,
};
