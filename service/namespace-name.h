/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What namespaces may be called by those who keep them. */
#pragma once

#include "refusal.h"

enum { NAMESPACE_NAME_LONGEST = 64 };

/* A letter, and up to 63 letters, digits, hyphens, underscores and dots: never a pid, a path or an
 * option. 0, or a refusal that names `name`. */
int namespace_name_check(const char *name, struct refusal *refusal);
