/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Capabilities by their names in capabilities(7), in either case: "CAP_NET_ADMIN", "net_admin". */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "refusal.h"

/* Words to a mask, each at most once; or "all" or "none", alone. 0, or a refusal that names
 * `capabilities`. */
int capability_name_parse(char *const *words, size_t n, uint64_t *ret, struct refusal *refusal);
