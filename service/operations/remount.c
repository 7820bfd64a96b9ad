/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Remount: the flags and the propagation of a mount, and the options of its file system. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "entry.h"
#include "filesystem.h"
#include "operations.h"
#include "tree.h"

struct remounting {
	struct mount_options options;
	struct path target;
	uint64_t id;
};

static int parse(const Usher__RemountRequest *m, struct mount_options *options,
		 struct refusal *refusal) {
	int r = mount_options_parse(options, m->mount_options, m->n_mount_options,
				    MOUNT_OPTIONS_EXISTING, refusal);

	if (r == 0 && m->propagation && !mount_options_propagation(options, m->propagation))
		r = refusal_note(
			refusal, REFUSED_INVALID,
			"propagation: '%.64s' is none of private, shared, slave, unbindable and "
			"these with an r in front",
			m->propagation);
	if (r == 0 && !options->set && !options->clear && !options->propagation &&
	    !options->n_parameters)
		r = refusal_note(refusal, REFUSED_INVALID, "mount_options: nothing to change");
	return r;
}

static int remount_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__RemountRequest *m = (const void *)message;
	struct mount_options ignored;
	int r = path_check("target", m->target, refusal);

	return r == 0 ? parse(m, &ignored, refusal) : r;
}

static int remount_resolve(struct job *job) {
	const Usher__RemountRequest *m = (const void *)job->request;
	struct remounting *remounting = calloc(1, sizeof *remounting);
	bool is_root;
	int r;

	job->state = remounting;
	if (!remounting)
		return -ENOMEM;
	remounting->target = (struct path)PATH_NONE;
	r = parse(m, &remounting->options, &job->refusal);
	if (r == 0)
		r = path_resolve(job, "target", m->target, -1, &remounting->target);
	if (r == 0)
		r = path_mount_id(remounting->target.fd, "", &remounting->id, &is_root);
	if (r != 0)
		return r;
	if (!is_root)
		return refusal_note(&job->refusal, REFUSED_INVALID,
				    "target: '%s' is not a mount point", m->target);
	if (!job->place.mounts.own)
		job_require(job, TIER_ADMIN);
	/* What the caller made through us it may also change, as far as that takes nothing away
	 * from what keeps it safe; the broker knows whether it did. */
	if (!remounting->options.n_parameters &&
	    !tree_loosens(&remounting->target, &remounting->options, m->recursive))
		tree_tell_mount(job, remounting->id);
	r = job_detail(job, "target", remounting->target.real);
	if (r == 0 && job->place.mounts.host &&
	    (m->recursive || remounting->options.propagation_recursive))
		r = tree_tell_below(job, remounting->id);
	if (r == 0)
		r = job_detail(job, "propagation", m->propagation);
	return r == 0 ? tree_tell_options(job, &remounting->options) : r;
}

static int set_flags(struct job *job, const struct remounting *remounting, bool recursive) {
	struct mount_attr flags = { .attr_set = remounting->options.set,
				    .attr_clr = remounting->options.clear };
	struct mount_attr propagation = { .propagation = remounting->options.propagation };

	if ((flags.attr_set || flags.attr_clr) &&
	    mount_setattr(remounting->target.fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0),
			  &flags, sizeof flags) < 0)
		return refusal_note(&job->refusal, -errno, "target: '%s': %s",
				    remounting->target.real,
				    errno == EBUSY ? "files on it are open for writing"
						   : strerrordesc_np(errno));
	if (propagation.propagation &&
	    mount_setattr(remounting->target.fd, "",
			  AT_EMPTY_PATH | (recursive || remounting->options.propagation_recursive
						   ? AT_RECURSIVE
						   : 0),
			  &propagation, sizeof propagation) < 0)
		return refusal_note(&job->refusal, -errno, "propagation: '%s': %s",
				    remounting->target.real, strerrordesc_np(errno));
	return 0;
}

static int remount_run(struct job *job) {
	const Usher__RemountRequest *m = (const void *)job->request;
	struct remounting *remounting = job->state;
	int r = place_join_mounts(&job->place, job->place.mounts.own);

	if (r == 0 && remounting->options.n_parameters > 0)
		r = filesystem_reconfigure(job, &remounting->target, &remounting->options);
	job_commit();
	if (r == 0)
		r = set_flags(job, remounting, m->recursive);
	path_done(&remounting->target);
	return r;
}

const struct operation operation_remount = {
	.interface = "Mounts",
	.method = "Remount",
	.actions = { [TIER_OWN] = "remount-own", [TIER_ADMIN] = "remount" },
	.request = &usher__remount_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_DAC_READ_SEARCH),
	.syscalls = SYSCALLS(JOB_JOIN, SYS_listmount, SYS_statmount, SYS_mount_setattr, SYS_fspick,
			     SYS_fsconfig),
	.check = remount_check,
	.resolve = remount_resolve,
	.run = remount_run,
};
