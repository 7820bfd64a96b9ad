/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Move: a mount, with all that is mounted on it, to another mount point. */

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "entry.h"
#include "operations.h"
#include "path.h"
#include "tree.h"

struct moving {
	struct path from, to;
	struct path parent; /* where it came from, and as what */
	char *name;
	uint64_t id;
};

static int move_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__MoveRequest *m = (const void *)message;
	int r = path_check("from", m->from, refusal);

	return r == 0 ? path_check("to", m->to, refusal) : r;
}

static int move_resolve(struct job *job) {
	const Usher__MoveRequest *m = (const void *)job->request;
	struct moving *moving = calloc(1, sizeof *moving);
	bool is_root;
	int r;

	job->state = moving;
	if (!moving)
		return -ENOMEM;
	*moving = (struct moving){ .from = PATH_NONE, .to = PATH_NONE, .parent = PATH_NONE };
	r = path_resolve(job, "from", m->from, -1, &moving->from);
	if (r == 0)
		r = path_resolve(job, "to", m->to, -1, &moving->to);
	if (r == 0)
		r = path_mount_id(moving->from.fd, "", &moving->id, &is_root);
	if (r != 0)
		return r;
	if (!is_root)
		return refusal_note(&job->refusal, REFUSED_INVALID,
				    "from: '%s' is not a mount point", m->from);
	r = path_resolve_parent(job, "from", m->from, &moving->parent, &moving->name);
	if (r != 0)
		return r;
	if (!job->place.mounts.own)
		job_require(job, TIER_ADMIN);
	if (path_is_own(job, &moving->to))
		tree_tell_mount(job, moving->id);
	r = job->place.mounts.host ? tree_tell_below(job, moving->id) : 0;
	if (r == 0)
		r = job_detail(job, "from", moving->from.real);
	return r == 0 ? job_detail(job, "to", moving->to.real) : r;
}

static int move(struct job *job, const struct moving *moving) {
	int r;

	job_commit();
	if (move_mount(moving->from.fd, "", moving->to.fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return refusal_note(&job->refusal, -errno, "'%s' cannot be moved to '%s': %s",
				    moving->from.real, moving->to.real,
				    errno == EINVAL
					    ? "it lies on a shared mount, or is locked in place"
				    : errno == ELOOP ? "that is below it"
						     : strerrordesc_np(errno));
	r = tree_check_parent(job, moving->id, &moving->to);
	if (r != 0)
		(void)move_mount(moving->from.fd, "", moving->parent.fd, moving->name,
				 MOVE_MOUNT_F_EMPTY_PATH);
	return r;
}

static int move_run(struct job *job) {
	struct moving *moving = job->state;
	int r = place_join_mounts(&job->place, job->place.mounts.own);

	if (r == 0)
		r = move(job, moving);
	path_done(&moving->from);
	path_done(&moving->to);
	path_done(&moving->parent);
	free(moving->name);
	return r;
}

const struct operation operation_move = {
	.interface = "Mounts",
	.method = "Move",
	.actions = { [TIER_OWN] = "move-own", [TIER_ADMIN] = "move" },
	.request = &usher__move_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_DAC_READ_SEARCH),
	.syscalls = SYSCALLS(JOB_JOIN, SYS_listmount, SYS_statmount, SYS_move_mount),
	.check = move_check,
	.resolve = move_resolve,
	.run = move_run,
};
