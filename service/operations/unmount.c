/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unmount: by the mount point, or of a mount object. The mount must not be held open while it goes,
 * so it is named by its directory's descriptor and the last component, and its id is compared.
 */

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "mount-table.h"
#include "operations.h"
#include "path.h"

struct unmounting {
	struct path parent;
	char *name;
	uint64_t id;
};

static int flags_of(bool lazy, bool force, bool expire) {
	return UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0) | (force ? MNT_FORCE : 0) |
	       (expire ? MNT_EXPIRE : 0);
}

static int check_flags(bool lazy, bool force, bool expire, struct refusal *refusal) {
	if (expire && (lazy || force))
		return refusal_note(refusal, REFUSED_INVALID,
				    "options: expire goes with neither lazy nor force");
	return 0;
}

static int unmount_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__UnmountRequest *m = (const void *)message;
	int r = path_check("target", m->target, refusal);

	return r == 0 ? check_flags(m->lazy, m->force, m->expire, refusal) : r;
}

static int unmount_resolve(struct job *job) {
	const Usher__UnmountRequest *m = (const void *)job->request;
	struct unmounting *unmounting = calloc(1, sizeof *unmounting);
	_cleanup_free_ char *real = NULL;
	bool is_root;
	int r;

	job->state = unmounting;
	if (!unmounting)
		return -ENOMEM;
	r = path_resolve_parent(job, "target", m->target, &unmounting->parent, &unmounting->name);
	if (r == 0)
		r = path_mount_id(unmounting->parent.fd, unmounting->name, &unmounting->id,
				  &is_root);
	if (r != 0)
		return r;
	if (!is_root)
		return refusal_note(&job->refusal, REFUSED_INVALID,
				    "target: '%s' is not a mount point", m->target);
	if (!job->place.mounts.own)
		job_require(job, TIER_ADMIN); /* the broker knows better if it is one of its own */
	job->finding.has_mount_id = true;
	job->finding.mount_id = unmounting->id;
	real = path_child_name(&unmounting->parent, unmounting->name);
	return job_detail(job, "target", real);
}

static int unmount(struct job *job, const struct unmounting *unmounting, int flags) {
	uint64_t id;
	bool is_root;
	int r = path_mount_id(unmounting->parent.fd, unmounting->name, &id, &is_root);

	if (r < 0)
		return r;
	if (!is_root || id != unmounting->id)
		return refusal_note(&job->refusal, REFUSED_RETRY, "the mount changed meanwhile");
	if (fchdir(unmounting->parent.fd) < 0)
		return -errno;
	job_commit();
	if (umount2(unmounting->name, flags) == 0)
		return 0;
	if (errno == EAGAIN && flags & MNT_EXPIRE)
		return refusal_note(
			&job->refusal, -EAGAIN,
			"the mount is marked to expire; if nobody uses it until then, the next "
			"such call unmounts it");
	return refusal_note(&job->refusal, -errno, "%s: %s", unmounting->name,
			    strerrordesc_np(errno));
}

static int unmount_run(struct job *job) {
	const Usher__UnmountRequest *m = (const void *)job->request;
	struct unmounting *unmounting = job->state;
	int r = place_join_mounts(&job->place, job->place.mounts.own);

	if (r == 0)
		r = unmount(job, unmounting, flags_of(m->lazy, m->force, m->expire));
	path_done(&unmounting->parent);
	free(unmounting->name);
	return r;
}

static int unmount_object_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__UnmountObjectRequest *m = (const void *)message;

	return check_flags(m->lazy, m->force, m->expire, refusal);
}

static int unmount_object_resolve(struct job *job) {
	const Usher__UnmountObjectRequest *m = (const void *)job->request;

	job_require(job, TIER_ADMIN); /* the broker knows whose it is */
	job->finding.has_mount_id = true;
	job->finding.mount_id = m->id;
	return job_detail(job, "target", m->target);
}

/* Where it is now, as root of the namespace it is in; it may have been moved. */
static int find(struct job *job, uint64_t id, struct unmounting *ret) {
	struct mount_table table = { 0 };
	const Usher__MountEntry *entry;
	int r = mount_table_read(&table, job->place.proc);

	entry = r == 0 ? mount_table_find(&table, id) : NULL;
	if (r == 0 && !entry)
		r = refusal_note(&job->refusal, REFUSED_NOT_FOUND,
				 "the mount is gone, or is in other namespaces than the caller's");
	if (entry)
		r = path_resolve_parent(job, "target", entry->target, &ret->parent, &ret->name);
	ret->id = id;
	mount_table_done(&table);
	return r;
}

static int unmount_object_run(struct job *job) {
	const Usher__UnmountObjectRequest *m = (const void *)job->request;
	struct unmounting unmounting = { .parent = PATH_NONE };
	int r;

	fd_closep(&job->place.root); /* the whole namespace, not the caller's part of it */
	r = place_join_mounts(&job->place, false);
	if (r == 0)
		r = place_act_as_root(&job->place);
	if (r == 0)
		r = place_open_root(&job->place);
	if (r == 0)
		r = find(job, m->id, &unmounting);
	if (r == 0)
		r = unmount(job, &unmounting, flags_of(m->lazy, m->force, m->expire));
	path_done(&unmounting.parent);
	free(unmounting.name);
	return r;
}

const struct operation operation_unmount = {
	.interface = "Mounts",
	.method = "Unmount",
	.actions = { [TIER_OWN] = "unmount-own",
		     [TIER_OTHERS] = "unmount-others",
		     [TIER_ADMIN] = "unmount" },
	.request = &usher__unmount_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_DAC_READ_SEARCH),
	.syscalls = SYSCALLS(JOB_JOIN, PATH_MOUNT_ID, SYS_umount2),
	.check = unmount_check,
	.resolve = unmount_resolve,
	.run = unmount_run,
};

const struct operation operation_unmount_object = {
	.interface = "Mount",
	.method = "Unmount",
	.actions = { [TIER_OWN] = "unmount-own",
		     [TIER_OTHERS] = "unmount-others",
		     [TIER_ADMIN] = "unmount" },
	.request = &usher__unmount_object_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_DAC_READ_SEARCH),
	.syscalls = SYSCALLS(JOB_JOIN, PATH_MOUNT_ID, SYS_listmount, SYS_umount2),
	.check = unmount_object_check,
	.resolve = unmount_object_resolve,
	.run = unmount_object_run,
};
