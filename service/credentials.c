/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "fd.h"

static int set_groups(const struct place *place, bool keeps_gid) {
	gid_t groups[PLACE_GROUPS_MAX + 1];
	size_t n = place->n_groups;

	memcpy(groups, place->groups, n * sizeof *groups);
	if (keeps_gid)
		groups[n++] = place->gid;
	if (setgroups(n, groups) < 0 && place->uid != 0)
		return -errno; /* root of a user namespace may not, and has no groups to lose */
	return 0;
}

int credentials_become_caller(const struct place *place, bool keeps_gid) {
	int r;

	if (!place->privileged)
		return 0;
	r = set_groups(place, keeps_gid);
	return r == 0 ? credentials_become(place->uid, place->gid) : r;
}

static bool is_among(uint32_t group, const uint32_t *groups, size_t n) {
	for (size_t i = 0; i < n; i++)
		if (groups[i] == group)
			return true;
	return false;
}

static bool are_among(uint32_t gid, const uint32_t *these, size_t n_these, const uint32_t *those,
		      size_t n_those) {
	for (size_t i = 0; i < n_these; i++)
		if (these[i] != gid && !is_among(these[i], those, n_those))
			return false;
	return true;
}

bool credentials_are_groups(uint32_t gid, const uint32_t *these, size_t n_these,
			    const uint32_t *those, size_t n_those) {
	return are_among(gid, these, n_these, those, n_those) &&
	       are_among(gid, those, n_those, these, n_these);
}

int credentials_become(uint32_t uid, uint32_t gid) {
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return -errno;
	/* whoever changes who it is may be traced again where somebody set the machine so */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return credentials_raise();
}

int credentials_raise(void) {
	return confine_raise();
}

int credentials_lower(uint64_t capabilities) {
	return confine_lower(capabilities);
}

uint64_t credentials_permitted(void) {
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

int credentials_keep(uint64_t capabilities, bool ambient) {
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		data[i].permitted = data[i].effective = (uint32_t)(capabilities >> 32 * i);
		data[i].inheritable = ambient ? data[i].permitted : 0;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	for (int c = 0; ambient && c < 64; c++)
		if (capabilities & CAP(c) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) < 0)
			return -errno;
	return 0;
}

/* Where not every user of the machine is there, the service is one user's own. */
static bool is_users_own(const struct place *place) {
	_cleanup_close_ int fd = openat(place->proc, "self/uid_map", O_RDONLY | O_CLOEXEC);
	unsigned inside, outside, count;
	char text[64] = "";

	if (fd < 0 || read(fd, text, sizeof text - 1) < 0 ||
	    sscanf(text, "%u %u %u", &inside, &outside, &count) != 3)
		return false;
	return !place->privileged || count != UINT32_MAX;
}

/* A kernel without keyrings, a filter around a service of a user's own, or one that has used up all
 * that a user may have: then that user's own keyring stays. */
int credentials_leave_keyring(const struct place *place) {
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0 || errno == ENOSYS)
		return 0;
	return is_users_own(place) ? 0 : -errno;
}
