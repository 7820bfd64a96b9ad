/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* All of ours are among the first 32. */
#define CAPABILITY(number) (UINT32_C(1) << (number))

static const uint32_t entering = CAPABILITY(CAP_SYS_ADMIN) | CAPABILITY(CAP_SYS_PTRACE);
static const uint32_t administering = CAPABILITY(CAP_NET_ADMIN);

/* What was put in effect last, and what may be. */
static uint32_t in_effect = UINT32_MAX, at_most;

/* Of both no more than there is. */
static int set(uint32_t permitted, uint32_t effective) {
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct mine[_LINUX_CAPABILITY_U32S_3] = {
		{ .permitted = at_most & permitted, .effective = at_most & permitted & effective },
	};

	if (syscall(SYS_capset, &header, mine) < 0)
		return -errno;
	in_effect = effective;
	at_most = mine[0].permitted;
	return 0;
}

static uint32_t capabilities_of(uint32_t rights) {
	return rights & NETLINK_RIGHT_ADMINISTER ? administering : 0;
}

int rights_begin(void) {
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct mine[_LINUX_CAPABILITY_U32S_3];

	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_capget, &header, mine) < 0)
		return -errno;
	at_most = mine[0].permitted;
	return set(entering | administering, 0);
}

int rights_to_enter(void) {
	return in_effect == entering ? 0 : set(UINT32_MAX, entering);
}

int rights_lower_to(uint32_t rights) {
	return in_effect == capabilities_of(rights) ? 0 : set(UINT32_MAX, capabilities_of(rights));
}

int rights_give_up_but(uint32_t rights) {
	return set(capabilities_of(rights), capabilities_of(rights));
}
