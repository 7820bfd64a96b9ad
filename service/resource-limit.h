/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits of a process by their names, those of prlimit(1) and ulimit(1): "nofile", "cpu" ... */
#pragma once

#include <stddef.h>

#include "refusal.h"
#include "usher.pb-c.h"

/* RLIMIT_..., or -1 if there is no such limit. */
int resource_limit_find(const char *name);
/* Known, each at most once, the soft one not above the hard one. 0, or a refusal that names
 * `rlimits`. */
int resource_limit_check(Usher__NamedResourceLimit *const *limits, size_t n,
			 struct refusal *refusal);
