/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What next hops have in common, those of a route and those by a number of their own. */
#pragma once

#include "decode.h"
#include "schema.h"

/* decode() of struct rtvia: an address of another family. */
int decode_via(struct decoding *decoding, const struct netlink_field *field, const uint8_t *value,
	       size_t size);
