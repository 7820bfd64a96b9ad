/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "entry.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine.h"
#include "fd.h"

/* fsuid, not uid: the caller may signal and trace what runs under its uid. A caller that is root
 * keeps root's right to search and read. */
int place_act_as_caller(const struct place *place) {
	if (!place->privileged)
		return 0;
	if (setgroups(place->n_groups, place->groups) < 0 && place->uid != 0)
		return -errno; /* root of a user namespace may not, and has no groups to lose */
	(void)setfsgid(place->gid);
	(void)setfsuid(place->uid);
	if ((uid_t)setfsuid((uid_t)-1) != place->uid || (gid_t)setfsgid((gid_t)-1) != place->gid)
		return -EPERM;
	return 0;
}

int place_act_as_root(const struct place *place) {
	int r = confine_raise();

	if (r < 0 || !place->privileged)
		return r;
	(void)setfsuid(0);
	(void)setfsgid(0);
	return (uid_t)setfsuid((uid_t)-1) == 0 ? 0 : -EPERM;
}

/* The same directory on the same mount. */
static bool is_our_root(int root) {
	const unsigned mask = STATX_INO | STATX_MNT_ID;
	struct statx theirs, ours;

	return statx(root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, mask, &theirs) == 0 &&
	       statx(AT_FDCWD, "/", AT_STATX_DONT_SYNC, mask, &ours) == 0 &&
	       theirs.stx_ino == ours.stx_ino && theirs.stx_mnt_id == ours.stx_mnt_id;
}

int place_enter_root(const struct place *place) {
	if (place->root < 0)
		return 0;
	if (fchdir(place->root) < 0)
		return -errno;
	if (chroot(".") == 0)
		return 0;
	/* without the right to change the root one can still be where one is */
	return errno == EPERM && is_our_root(place->root) ? 0 : -errno;
}

static int join(const struct place_namespace *namespace, int type) {
	if (setns(namespace->fd, type) == 0)
		return 0;
	if (errno != EPERM || namespace->users < 0)
		return -errno;
	return setns(namespace->users, CLONE_NEWUSER) < 0 || setns(namespace->fd, type) < 0 ? -errno
											    : 0;
}

int place_join_mounts(struct place *place, bool as_its_root) {
	int r;

	if (place->joined || (place->mounts.host && place->pid == 0))
		return 0;
	place->joined = true;
	if (as_its_root && place->users >= 0) {
		if (setns(place->users, CLONE_NEWUSER) < 0)
			return -errno;
	}
	r = place->mounts.host ? 0 : join(&place->mounts, CLONE_NEWNS);
	return r == 0 ? place_enter_root(place) : r;
}

int place_open_root(struct place *place) {
	fd_closep(&place->root);
	place->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return place->root < 0 ? -errno : 0;
}

int place_settle(struct place *place) {
	place->joined = true;
	place->mounts.host = false;
	place->mounts.own = true;
	place->pids.host = place->net.host = true; /* there is nothing left to join */
	return place_open_root(place);
}

int place_join_names(const struct place *place) {
	if (place->names.host)
		return 0;
	return join(&place->names, CLONE_NEWUTS);
}

int place_names(const struct place *place, struct utsname *ret) {
	int r = place_join_names(place);

	return r == 0 && uname(ret) < 0 ? -errno : r;
}

/* Joining what one is in already takes a right that one may not have. */
int place_join_network(const struct place *place) {
	if (place->net.host)
		return 0;
	return join(&place->net, CLONE_NEWNET);
}

int place_join_for_children(const struct place *place) {
	if (place->pids.host)
		return 0;
	return join(&place->pids, CLONE_NEWPID);
}
