/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel told of a kind that nobody here has words for: `raw`, the bytes. */
#pragma once

#include "schema.h"

extern const struct netlink_schema netlink_unknown;

/* Ends an array of variants: whatever is none of them. */
#define UNKNOWN                     \
	{ "", &netlink_unknown }, { \
	}
