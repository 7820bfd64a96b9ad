/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who a process is that was ours and becomes somebody else's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "place.h"

/* The caller, in all four ids and with its groups; what capabilities there were are still in
 * effect. keeps_gid: the caller's gid counts among its groups, too. 0 or a negative errno. */
int credentials_become_caller(const struct place *place, bool keeps_gid);
/* Whether who is in these groups, and has that gid, is in those: in what order, how often, and
 * whether the gid is among them, makes no difference to anybody's rights. */
bool credentials_are_groups(uint32_t gid, const uint32_t *these, size_t n_these,
			    const uint32_t *those, size_t n_those);
/* Another in this user namespace; capabilities stay. */
int credentials_become(uint32_t uid, uint32_t gid);
/* All that is permitted is in effect. */
int credentials_raise(void);
/* What is permitted. */
uint64_t credentials_permitted(void);
/* In effect are these, of what is permitted. */
int credentials_lower(uint64_t capabilities);
/* For good: these and no others, through execve(2) as well if `ambient`. */
int credentials_keep(uint64_t capabilities, bool ambient);
/* The service's session keyring is not for whoever comes after us. As root, since the kernel takes
 * back slowly what counts for a user, who has few; the new one is had by who possesses it. */
int credentials_leave_keyring(const struct place *place);
