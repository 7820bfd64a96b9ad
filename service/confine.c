/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "filters.h"

/* The kernel has the sets of a process in halves. */
struct halves {
	struct __user_cap_data_struct half[2];
};

static struct __user_cap_header_struct self = { .version = _LINUX_CAPABILITY_VERSION_3 };

static uint64_t permitted(const struct halves *now) {
	return now->half[0].permitted | (uint64_t)now->half[1].permitted << 32;
}

static int set_capabilities(uint64_t effective, uint64_t kept, uint64_t inheritable) {
	struct halves next = { { { (uint32_t)effective, (uint32_t)kept, (uint32_t)inheritable },
				 { (uint32_t)(effective >> 32), (uint32_t)(kept >> 32),
				   (uint32_t)(inheritable >> 32) } } };

	return syscall(SYS_capset, &self, next.half) < 0 ? -errno : 0;
}

bool confine_has(int capability) {
	struct halves now;

	return syscall(SYS_capget, &self, now.half) == 0 && permitted(&now) & CAP(capability);
}

int confine_begin(int first, int last) {
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if ((first > 3 && syscall(SYS_close_range, 3, first - 1, 0) < 0) ||
	    syscall(SYS_close_range, last + 1, ~0U, 0) < 0)
		return -errno;
	return 0;
}

int confine_capabilities(uint64_t capabilities) {
	struct halves now;

	if (syscall(SYS_capget, &self, now.half) < 0)
		return -errno;
	return set_capabilities(0, permitted(&now) & capabilities, 0);
}

int confine_lower(uint64_t capabilities) {
	struct halves now;

	if (syscall(SYS_capget, &self, now.half) < 0)
		return -errno;
	return set_capabilities(permitted(&now) & capabilities, permitted(&now),
				now.half[0].inheritable | (uint64_t)now.half[1].inheritable << 32);
}

int confine_raise(void) {
	return confine_lower(~UINT64_C(0));
}

static int add_filter(const struct filter *filter) {
	struct sock_fprog program = {
		.len = filter->n,
		.filter = (struct sock_filter *)(uintptr_t)filter->program,
	};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

/* The kernel tries a new filter on each number, unless an earlier filter answers differently for
 * that number or looks at arguments. Only where the unit has filters, since what is executed keeps
 * this one. */
int confine_foresee(void) {
	return prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER ? add_filter(&filters_prospect) : 0;
}

int confine_system_calls(size_t operation) {
	return add_filter(&filters[operation]);
}
