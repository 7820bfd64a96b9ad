/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "confine.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "filters.h"

static void capabilities_freep(cap_t *capabilities) {
	if (*capabilities)
		(void)cap_free(*capabilities);
}

#define _cleanup_capabilities_ _cleanup_(capabilities_freep)

bool confine_has(int capability) {
	_cleanup_capabilities_ cap_t now = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	return now && cap_get_flag(now, capability, CAP_PERMITTED, &value) == 0 && value == CAP_SET;
}

int confine_begin(int first, int last) {
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if ((first > 3 && syscall(SYS_close_range, 3, first - 1, 0) < 0) ||
	    syscall(SYS_close_range, last + 1, ~0U, 0) < 0)
		return -errno;
	return 0;
}

/* Keeps of one set only what `capabilities` names and puts `into` to the same. */
static int keep(cap_t set, cap_flag_t from, cap_flag_t into, uint64_t capabilities) {
	for (cap_value_t c = 0; c < cap_max_bits(); c++) {
		cap_flag_value_t value = CAP_CLEAR;

		if (cap_get_flag(set, c, from, &value) < 0)
			return -errno;
		if (!(capabilities & CAP(c)))
			value = CAP_CLEAR;
		if (cap_set_flag(set, into, 1, &c, value) < 0)
			return -errno;
	}
	return 0;
}

int confine_capabilities(uint64_t capabilities) {
	_cleanup_capabilities_ cap_t set = cap_get_proc();
	int r;

	if (!set)
		return -errno;
	r = keep(set, CAP_PERMITTED, CAP_PERMITTED, capabilities);
	if (r < 0)
		return r;
	if (cap_clear_flag(set, CAP_EFFECTIVE) < 0 || cap_clear_flag(set, CAP_INHERITABLE) < 0)
		return -errno;
	return cap_set_proc(set) < 0 ? -errno : 0;
}

int confine_lower(uint64_t capabilities) {
	_cleanup_capabilities_ cap_t set = cap_get_proc();
	int r;

	if (!set)
		return -errno;
	r = keep(set, CAP_PERMITTED, CAP_EFFECTIVE, capabilities);
	if (r < 0)
		return r;
	return cap_set_proc(set) < 0 ? -errno : 0;
}

int confine_raise(void) {
	return confine_lower(~UINT64_C(0));
}

int confine_system_calls(size_t operation) {
	struct sock_fprog program = {
		.len = filters[operation].n,
		.filter = (struct sock_filter *)(uintptr_t)filters[operation].program,
	};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return -errno;
	return 0;
}
