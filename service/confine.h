/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving up everything that an operation's row does not name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What every child needs to open its place, besides what the rows name. */
#define CONFINE_PLACE_CAPABILITIES                                                          \
	(CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_SYS_PTRACE) | CAP(CAP_SETUID) | \
	 CAP(CAP_SETGID) | CAP(CAP_SETFCAP) | CAP(CAP_DAC_READ_SEARCH))

#ifndef CAP
#define CAP(capability) (UINT64_C(1) << (capability))
#endif

bool confine_has(int capability);
/* For who forks children: what they are confined to later costs less then. */
int confine_foresee(void);
/* At the start of a child: not to be traced, no new privileges, none of the parent's descriptors
 * but these and those below 3. */
int confine_begin(int first, int last);
/* For good: only these capabilities may be raised again; none is in effect now. */
int confine_capabilities(uint64_t capabilities);
/* For good: only the system calls of the operation's row (its place in the table). */
int confine_system_calls(size_t operation);
/* In effect from here: these of what is permitted, or all of it. */
int confine_lower(uint64_t capabilities);
int confine_raise(void);
