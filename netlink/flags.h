/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Flags that are set beside a mask of those that are meant. In a row "gvrp" sets that one, "-gvrp"
 * takes it off, and what is not named stays as it is; a number says all of them, and so does a row
 * that the kernel has told.
 */
#pragma once

#include <stdint.h>

#include "encode.h"

/* A mask of UINT32_MAX: all that there are. */
int flags_read(struct encoding *encoding, const struct netlink_field *field,
	       const Usher__Value *value, uint32_t *ret_flags, uint32_t *ret_mask);

/* encode() of flags that are PART of a structure with both. */
int flags_encode(struct encoding *encoding, const struct netlink_field *field, const void *value);
/* Puts them there. */
void flags_put(struct encoding *encoding, const struct netlink_field *field, uint32_t flags,
	       uint32_t mask);
