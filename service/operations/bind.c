/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bind: a directory or file of the caller's, seen in a second place. */

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "entry.h"
#include "idmap.h"
#include "lifetime.h"
#include "mount-table.h"
#include "operations.h"
#include "tree.h"

struct binding {
	struct mount_options options;
	struct path source, target;
};

static int bind_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__BindRequest *m = (const void *)message;
	struct mount_options ignored;
	int r = m->has_source_fd ? 0 : path_check("source", m->source, refusal);

	if (r == 0 && !m->has_target_fd)
		r = path_check("target", m->target, refusal);
	if (r == 0)
		r = lifetime_check(m->lifetime, refusal);
	if (r == 0 && m->idmap)
		r = idmap_check(m->idmap, refusal);
	return r == 0 ? mount_options_parse(&ignored, m->mount_options, m->n_mount_options,
					    MOUNT_OPTIONS_TREE, refusal)
		      : r;
}

static int tell(struct job *job, const struct binding *binding) {
	const Usher__BindRequest *m = (const void *)job->request;
	int r = job_detail(job, "source", binding->source.real);

	if (r == 0)
		r = job_detail(job, "target", binding->target.real);
	if (r == 0)
		r = job_detail(job, "idmap", m->has_idmap_as_fd ? "a user namespace" : m->idmap);
	return r == 0 ? tree_tell_options(job, &binding->options) : r;
}

static int bind_resolve(struct job *job) {
	const Usher__BindRequest *m = (const void *)job->request;
	struct binding *binding = calloc(1, sizeof *binding);
	int r;

	job->state = binding;
	if (!binding)
		return -ENOMEM;
	binding->source = binding->target = (struct path)PATH_NONE;
	r = mount_options_parse(&binding->options, m->mount_options, m->n_mount_options,
				MOUNT_OPTIONS_TREE, &job->refusal);
	if (r == 0)
		r = path_resolve(job, "source", m->source,
				 job_descriptor(job, m->has_source_fd, m->source_fd),
				 &binding->source);
	if (r == 0)
		r = path_resolve(job, "target", m->target,
				 job_descriptor(job, m->has_target_fd, m->target_fd),
				 &binding->target);
	if (r != 0)
		return r;
	if (S_ISDIR(binding->source.st.st_mode) != S_ISDIR(binding->target.st.st_mode))
		return refusal_note(&job->refusal, -ENOTDIR,
				    "target: '%s' and '%s' are not both directories or both files",
				    binding->target.real, binding->source.real);
	tree_judge(job, &binding->source, m->recursive, &binding->options);
	if (!job->place.mounts.own && !path_is_own(job, &binding->target))
		job_require_admin(job, path_not_own);
	return tell(job, binding);
}

static int bind_run(struct job *job) {
	const Usher__BindRequest *m = (const void *)job->request;
	struct binding *binding = job->state;
	Usher__MountReply *reply = (Usher__MountReply *)job->reply;
	_cleanup_close_ int tree = -1;
	int r;

	r = place_join_mounts(&job->place, tree_is_free(job));
	if (r == 0)
		r = tree_copy(job, &binding->source, m->recursive, &binding->options, job->idmap,
			      &tree);
	if (r == 0 && job->place.users >= 0 && !tree_is_free(job))
		r = tree_seal(job, &tree);
	if (r == 0)
		r = tree_describe(job, tree, binding->source.real, binding->target.real, "none",
				  &binding->options, m->lifetime, &reply->made);
	if (r == 0 && m->recursive && job->place.mounts.host && mount_table_kernel_suffices()) {
		reply->made->has_last_id = true;
		r = tree_last_id(&binding->source, &reply->made->last_id);
	}
	if (r == 0)
		r = job_announce(job);
	if (r == 0)
		r = tree_attach(job, &tree, reply->made, &binding->target);
	if (r == 0) {
		r = tree_propagate(job, job->attached, &binding->options);
		if (r != 0)
			(void)tree_detach(job);
	}
	path_done(&binding->source);
	path_done(&binding->target);
	return r;
}

const struct operation operation_bind = {
	.interface = "Mounts",
	.method = "Bind",
	.actions = { [TIER_OWN] = "bind-own", [TIER_ADMIN] = "bind" },
	.request = &usher__bind_request__descriptor,
	.reply = &usher__mount_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_DAC_READ_SEARCH),
	.syscalls = SYSCALLS(JOB_JOIN, TREE_COPY, TREE_SEAL, TREE_DESCRIBE, TREE_ATTACH),
	.maps = true,
	.check = bind_check,
	.resolve = bind_resolve,
	.run = bind_run,
	.undo = tree_detach,
};
