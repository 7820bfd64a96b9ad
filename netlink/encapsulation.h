/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tunnels that a route or next hop says of itself, without a link for them. */
#pragma once

#include "decode.h"
#include "encode.h"
#include "schema.h"

/* Of an attribute that says which, and one that says how: "encap-type" and "encap". */
extern const struct netlink_words encapsulation_words;
extern const struct netlink_variant encapsulation_variants[];

/* Labels of MPLS, the outermost first; of a LIST of U32. */
extern const struct netlink_schema encapsulation_labels;
int decode_labels(struct decoding *decoding, const struct netlink_field *field,
		  const uint8_t *value, size_t size);
int encode_labels(struct encoding *encoding, const struct netlink_field *field, const void *value);
