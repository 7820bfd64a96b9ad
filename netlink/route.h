/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What next hops have in common, those of a route and those by a number of their own. */
#pragma once

#include "decode.h"
#include "encode.h"
#include "schema.h"

/* decode() of struct rtvia: an address of another family. */
int decode_via(struct decoding *decoding, const struct netlink_field *field, const uint8_t *value,
	       size_t size);
int encode_via(struct encoding *encoding, const struct netlink_field *field, const void *value);

/* How much of the traffic goes there: the kernel counts from 0 what people count from 1. */
int decode_weight(struct decoding *decoding, const struct netlink_field *field,
		  const uint8_t *value, size_t size);
int encode_weight(struct encoding *encoding, const struct netlink_field *field, const void *value);
#define WEIGHT(STRUCTURE, WHICH)                                                          \
	{                                                                                 \
		.name = "weight", .form = USHER_NETLINK_U16, .from = NETLINK_FROM_HEADER, \
		.at = offsetof(STRUCTURE, WHICH), .decode = decode_weight,                \
		.encode = encode_weight,                                                  \
	}
