/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PivotRoot: another mount becomes the root of a mount namespace and of whoever had the old one. */

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "entry.h"
#include "operations.h"
#include "path.h"

struct pivoting {
	struct path new_root, put_old;
};

static int pivot_root_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__PivotRootRequest *m = (const void *)message;
	int r = path_check("new_root", m->new_root, refusal);

	return r == 0 ? path_check("put_old", m->put_old, refusal) : r;
}

static int require_directory(struct job *job, const char *argument, const struct path *path) {
	if (S_ISDIR(path->st.st_mode))
		return 0;
	return refusal_note(&job->refusal, -ENOTDIR, "%s: '%s' is not a directory", argument,
			    path->real);
}

static int pivot_root_resolve(struct job *job) {
	const Usher__PivotRootRequest *m = (const void *)job->request;
	struct pivoting *pivoting = calloc(1, sizeof *pivoting);
	int r;

	job->state = pivoting;
	if (!pivoting)
		return -ENOMEM;
	*pivoting = (struct pivoting){ .new_root = PATH_NONE, .put_old = PATH_NONE };
	r = path_resolve(job, "new_root", m->new_root, -1, &pivoting->new_root);
	if (r == 0)
		r = require_directory(job, "new_root", &pivoting->new_root);
	if (r == 0)
		r = path_resolve(job, "put_old", m->put_old, -1, &pivoting->put_old);
	if (r == 0)
		r = require_directory(job, "put_old", &pivoting->put_old);
	if (r != 0)
		return r;
	if (!job->place.mounts.own)
		job_require(job, TIER_ADMIN);
	r = job_detail(job, "new_root", pivoting->new_root.real);
	return r == 0 ? job_detail(job, "put_old", pivoting->put_old.real) : r;
}

/* pivot_root(2) takes names only: those of our descriptors, in our own /proc as working directory.
 */
static int pivot(struct job *job, const struct pivoting *pivoting) {
	char new_root[32], put_old[32];

	(void)snprintf(new_root, sizeof new_root, "self/fd/%d", pivoting->new_root.fd);
	(void)snprintf(put_old, sizeof put_old, "self/fd/%d", pivoting->put_old.fd);
	if (fchdir(job->place.proc) < 0)
		return -errno;
	job_commit();
	if (syscall(SYS_pivot_root, new_root, put_old) == 0)
		return 0;
	switch (errno) {
	case EBUSY:
		return refusal_note(&job->refusal, -errno,
				    "new_root or put_old is on the current root's mount");
	case EINVAL:
		return refusal_note(
			&job->refusal, -errno,
			"new_root is not a mount point, put_old is not below new_root, or one of "
			"them or the current root is on a shared mount");
	default:
		return refusal_note(&job->refusal, -errno, "pivot_root: %s",
				    strerrordesc_np(errno));
	}
}

static int pivot_root_run(struct job *job) {
	struct pivoting *pivoting = job->state;
	int r = place_join_mounts(&job->place, job->place.mounts.own);

	if (r == 0)
		r = pivot(job, pivoting);
	path_done(&pivoting->new_root);
	path_done(&pivoting->put_old);
	return r;
}

const struct operation operation_pivot_root = {
	.interface = "Mounts",
	.method = "PivotRoot",
	.actions = { [TIER_ADMIN] = "pivot-root" },
	.request = &usher__pivot_root_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_DAC_READ_SEARCH),
	.syscalls = SYSCALLS(JOB_JOIN, SYS_pivot_root),
	.check = pivot_root_check,
	.resolve = pivot_root_resolve,
	.run = pivot_root_run,
};
