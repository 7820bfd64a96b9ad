/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guise.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GROUPS_MAX = 65536 };

/* By number and in order, so that they can be compared. */
static int compare(const void *a, const void *b) {
	gid_t one = *(const gid_t *)a, other = *(const gid_t *)b;

	return one < other ? -1 : one > other;
}

static bool has_groups(const Usher__Beholder *beholder) {
	gid_t *mine = NULL, *wanted = NULL;
	int n = getgroups(0, NULL);
	bool same = n >= 0 && (size_t)n == beholder->n_groups;

	if (same && n > 0) {
		mine = calloc((size_t)n, sizeof *mine);
		wanted = calloc((size_t)n, sizeof *wanted);
		same = mine && wanted && getgroups(n, mine) == n;
	}
	if (same && n > 0) {
		memcpy(wanted, beholder->groups, (size_t)n * sizeof *wanted);
		qsort(mine, (size_t)n, sizeof *mine, compare);
		qsort(wanted, (size_t)n, sizeof *wanted, compare);
		same = memcmp(mine, wanted, (size_t)n * sizeof *mine) == 0;
	}
	free(mine);
	free(wanted);
	return same;
}

static bool is_already(const Usher__Beholder *beholder) {
	uid_t r, e, s;

	return getresuid(&r, &e, &s) == 0 && r == beholder->uid && e == r && s == r &&
	       getegid() == beholder->gid && has_groups(beholder);
}

static int give_up_capabilities(void) {
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static bool may_become_others(void) {
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct mine[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, mine) == 0 && mine[0].effective & 1U << CAP_SETUID;
}

/* Started by an ordinary user, who watches for nobody else, it keeps that user's groups. */
int guise_take(const Usher__Beholder *beholder, struct refusal *refusal) {
	static bool become;

	if (become)
		return is_already(beholder)
			       ? 0
			       : refusal_note(refusal, REFUSED_FAILED, "this watcher is another's");
	if (!may_become_others() && beholder->uid != geteuid())
		return refusal_note(refusal, REFUSED_PERMISSION,
				    "the service cannot watch for another user");
	become = true;
	if (may_become_others() && !is_already(beholder)) {
		/* root of a user namespace may not give its groups up, and serves none but itself
		 */
		if ((setgroups(beholder->n_groups, beholder->groups) < 0 &&
		     beholder->uid != geteuid()) ||
		    setresgid(beholder->gid, beholder->gid, beholder->gid) < 0 ||
		    setresuid(beholder->uid, beholder->uid, beholder->uid) < 0)
			return -errno;
	}
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	return beholder->everything ? 0 : give_up_capabilities();
}
