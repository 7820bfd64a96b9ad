/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unmount: by the mount point, or of a mount object. The mount must not be held open while it goes,
 * so it is named by its directory's descriptor and the last component, and its id is compared.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "entry.h"
#include "kernel.h"
#include "mount-table.h"
#include "operations.h"
#include "path.h"
#include "tree.h"

enum { TRIES = 8 };

struct unmounting {
	struct path parent;
	char *name, *real;
	uint64_t id;
	bool expire, is_object;
};

static void unmounting_done(struct unmounting *unmounting) {
	path_done(&unmounting->parent);
	free(unmounting->name);
	free(unmounting->real);
}

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

static bool is_covered(const struct mount_table *table, const Usher__MountEntry *entry) {
	for (size_t i = 0; i < table->n; i++)
		if (table->entries[i]->parent == entry->id &&
		    strcmp(table->entries[i]->target, entry->target) == 0)
			return true;
	return false;
}

/* The mount at a real name of the namespace, the topmost, out of its table; 0 if there is none. */
static int find_by_name(struct job *job, const char *real, uint64_t *ret_id) {
	struct mount_table table = { 0 };
	int r = mount_table_read(&table, job->place.proc);

	*ret_id = 0;
	for (size_t i = 0; r == 0 && i < table.n; i++)
		if (strcmp(table.entries[i]->target, real) == 0 &&
		    !is_covered(&table, table.entries[i]))
			*ret_id = table.entries[i]->id;
	mount_table_done(&table);
	return r;
}

/* Whoever as much as looks at a mount takes off it the mark that it may expire, so this looks at
 * the table only, from within the namespace and with its own root, as the names in there have it.
 */
static int look_from_afar(struct job *job, struct unmounting *unmounting) {
	int r;

	fd_closep(&job->place.root);
	r = confine_raise();
	if (r == 0)
		r = place_join_mounts(&job->place, job->place.mounts.own);
	if (r == 0)
		r = find_by_name(job, unmounting->real, &unmounting->id);
	return r;
}

static int look(struct unmounting *unmounting) {
	bool is_root;
	int r = path_mount_id(unmounting->parent.fd, unmounting->name, &unmounting->id, &is_root);

	if (r == 0 && !is_root)
		unmounting->id = 0;
	return r;
}

static int unmount_resolve(struct job *job) {
	const Usher__UnmountRequest *m = (const void *)job->request;
	struct unmounting *unmounting = calloc(1, sizeof *unmounting);
	int r;

	job->state = unmounting;
	if (!unmounting)
		return -ENOMEM;
	unmounting->expire = m->expire;
	r = path_resolve_parent(job, "target", m->target, &unmounting->parent, &unmounting->name);
	if (r != 0)
		return r;
	unmounting->real = path_child_name(&unmounting->parent, unmounting->name);
	if (!unmounting->real)
		return -ENOMEM;
	r = m->expire ? look_from_afar(job, unmounting) : look(unmounting);
	if (r < 0)
		return refusal_note(&job->refusal, r, "target: '%s': %s", m->target,
				    r == -ELOOP ? "a symbolic link" : strerrordesc_np(-r));
	if (unmounting->id == 0)
		return refusal_note(&job->refusal, REFUSED_INVALID,
				    "target: '%s' is not a mount point", m->target);
	if (!job->place.mounts.own)
		job_require(job, TIER_ADMIN); /* the broker knows better if it is one of its own */
	tree_tell_mount(job, unmounting->id);
	r = m->lazy && job->place.mounts.host ? tree_tell_below(job, unmounting->id) : 0;
	return r == 0 ? job_detail(job, "target", unmounting->real) : r;
}

/* Whether it is still what was found; what is looked at cannot expire any more. */
static int verify(struct job *job, const struct unmounting *unmounting) {
	bool is_root = true;
	uint64_t id;
	int r;

	if (unmounting->expire)
		r = find_by_name(job, unmounting->real, &id);
	else
		r = path_mount_id(unmounting->parent.fd, unmounting->name, &id, &is_root);
	if (r < 0)
		return r;
	if (is_root && id == unmounting->id)
		return 0;
	if (unmounting->is_object)
		return refusal_note(&job->refusal, REFUSED_BUSY,
				    "something is mounted on top of it");
	return refusal_note(&job->refusal, REFUSED_RETRY, "the mount changed meanwhile");
}

/* Where it lies we stay no longer than that takes: it may be the next to go. */
static int unmount_here(struct job *job, const char *name, int flags) {
	int r = umount2(name, flags) < 0 ? -errno : 0, ignored = fchdir(job->place.proc);

	(void)ignored;
	return r;
}

static int take_off(struct job *job, const struct unmounting *unmounting, int flags) {
	int r = verify(job, unmounting);

	if (r != 0)
		return r;
	if (fchdir(unmounting->parent.fd) < 0)
		return -errno;
	if (!(flags & MNT_FORCE)) /* which may wait for a server, and is given up then */
		job_commit();
	r = unmount_here(job, unmounting->name, flags);
	if (r == 0)
		return 0;
	if (r == -EAGAIN && flags & MNT_EXPIRE)
		return refusal_note(
			&job->refusal, -EAGAIN,
			"the mount is marked to expire; if nobody uses it until then, the next "
			"such call unmounts it");
	return refusal_note(&job->refusal, r, "%s: %s", unmounting->real, strerrordesc_np(-r));
}

/* The kernel takes off what lies on top by then. If that was mounted just now, it is still to be
 * done. */
static int unmount(struct job *job, const struct unmounting *unmounting, int flags) {
	for (int i = 0; i < TRIES; i++) {
		int r = take_off(job, unmounting, flags);
		uint64_t parent;

		if (r != 0 || mount_table_parent(job->place.proc, unmounting->id, &parent) != 0)
			return r;
	}
	return refusal_note(&job->refusal, REFUSED_RETRY, "others are being mounted on it");
}

static int unmount_run(struct job *job) {
	const Usher__UnmountRequest *m = (const void *)job->request;
	struct unmounting *unmounting = job->state;
	int r = place_join_mounts(&job->place, job->place.mounts.own);

	if (r == 0)
		r = unmount(job, unmounting, flags_of(m->lazy, m->force, m->expire));
	unmounting_done(unmounting);
	return r;
}

static int unmount_object_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__UnmountObjectRequest *m = (const void *)message;

	return check_flags(m->lazy, m->force, m->expire, refusal);
}

static int unmount_object_resolve(struct job *job) {
	const Usher__UnmountObjectRequest *m = (const void *)job->request;
	int r;

	if (!job->place.mounts.own)
		job_require(job, TIER_ADMIN); /* the broker knows whose it is */
	tree_tell_mount(job, m->id);
	r = m->lazy && m->host ? tree_tell_below(job, m->id) : 0;
	return r == 0 ? job_detail(job, "target", m->target) : r;
}

/* What lies on the root is in no directory, but from a root ".." leads up onto it. Who has come
 * into the namespace after it stands on it, as on what was made the root; only of what was put
 * there when it was made is it known which of them it is. And of the root that one stands on,
 * umount2() makes but the file system read-only. */
static int find_on_root(struct job *job, const Usher__UnmountObjectRequest *m,
			struct unmounting *ret) {
	uint64_t ours;
	bool is_root;
	int r = path_mount_id(job->place.root, "", &ours, &is_root);

	if (r < 0)
		return r;
	if (ours == ret->id && (job->place.mounts.host || strcmp(m->target, "/") != 0))
		return refusal_note(&job->refusal, REFUSED_BUSY, "it is the root of its namespace");
	if (ours == ret->id && !m->lazy)
		return refusal_note(
			&job->refusal, REFUSED_BUSY,
			"it lies on the root of its namespace, and goes with lazy only");
	ret->parent.fd = fcntl(job->place.root, F_DUPFD_CLOEXEC, 3);
	if (ret->parent.fd < 0)
		return -errno;
	ret->name = strdup("..");
	return ret->name ? 0 : -ENOMEM;
}

static int tell_gone(struct job *job) {
	return refusal_note(&job->refusal, REFUSED_NOT_FOUND,
			    "the mount is gone, or is in other namespaces than the caller's");
}

/* An id may be another's where it is not a mount of the same namespace that is looked for. */
static bool is_elsewhere(const struct job *job, const Usher__UnmountObjectRequest *m) {
	return m->host ? m->has_in_as_fd && !job->place.mounts.host : job->place.mounts.host;
}

/* What lies over the root of a namespace hides all that is under it from who comes in. */
static int tell_unseen(struct job *job, uint64_t id) {
	uint64_t parent;

	if (mount_table_parent(job->place.proc, id, &parent) == 0)
		return refusal_note(&job->refusal, REFUSED_BUSY,
				    "something lies over it, or over the root of its namespace");
	return tell_gone(job);
}

/* Which has its id by now, on a kernel where ids are used again. */
static bool is_another(const Usher__UnmountObjectRequest *m, const Usher__MountEntry *entry) {
	return m->unmoved && m->host && !mount_table_kernel_suffices() &&
	       strcmp(entry->target, m->target) != 0;
}

static int take(struct job *job, const Usher__UnmountObjectRequest *m,
		const Usher__MountEntry *entry, struct unmounting *ret) {
	if (!entry)
		return tell_unseen(job, m->id);
	if (is_another(m, entry))
		return refusal_note(&job->refusal, REFUSED_BUSY, "another mount has its id");
	ret->real = strdup(entry->target);
	if (!ret->real)
		return -ENOMEM;
	ret->expire = m->expire;
	return strcmp(ret->real, "/") == 0
		       ? find_on_root(job, m, ret)
		       : path_resolve_parent(job, "target", ret->real, &ret->parent, &ret->name);
}

/* Where it is now, as root of the namespace it is in; it may have been moved. */
static int find(struct job *job, const Usher__UnmountObjectRequest *m, struct unmounting *ret) {
	struct mount_table table = { 0 };
	int r = mount_table_read(&table, job->place.proc);

	ret->id = m->id;
	ret->is_object = true;
	if (r == 0)
		r = take(job, m, mount_table_find(&table, m->id), ret);
	mount_table_done(&table);
	return r;
}

static int unmount_object_run(struct job *job) {
	const Usher__UnmountObjectRequest *m = (const void *)job->request;
	struct unmounting unmounting = { .parent = PATH_NONE };
	int r;

	if (is_elsewhere(job, m))
		return tell_gone(job);
	fd_closep(&job->place.root); /* the whole namespace, not the caller's part of it */
	r = m->host && !m->has_in_as_fd ? 0 : place_join_mounts(&job->place, false);
	if (r == 0)
		r = place_act_as_root(&job->place);
	if (r == 0)
		r = place_open_root(&job->place);
	if (r == 0)
		r = find(job, m, &unmounting);
	if (r == 0)
		r = unmount(job, &unmounting, flags_of(m->lazy, m->force, m->expire));
	unmounting_done(&unmounting);
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
	.syscalls = SYSCALLS(JOB_JOIN, SYS_listmount, SYS_statmount, SYS_umount2),
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
	.syscalls = SYSCALLS(SYS_setns, SYS_fchdir, SYS_listmount, SYS_statmount, SYS_umount2),
	.check = unmount_object_check,
	.resolve = unmount_object_resolve,
	.run = unmount_object_run,
};
