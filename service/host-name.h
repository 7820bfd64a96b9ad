/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which names a machine may be given. */
#pragma once

#include "refusal.h"

enum { HOST_NAME_LONGEST = 64 /* the kernel's __NEW_UTS_LEN */ };

/* Letters, digits, hyphen, underscore and dot, 1 to 64 of them, or "(none)", which is what the
 * kernel starts with. 0, or a refusal that names the argument. */
int host_name_check(const char *argument, const char *name, struct refusal *refusal);
