/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arrays of numbers that are members of structures: LISTs of one ELEMENT, `width` bytes in all. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct decoding;
struct encoding;
struct netlink_field;

extern const struct netlink_schema netlink_array_u8, netlink_array_u16, netlink_array_u32,
	netlink_array_u64;

int array_decode(struct decoding *decoding, const struct netlink_field *field, const uint8_t *value,
		 size_t size);
/* All elements must be given. */
int array_encode(struct encoding *encoding, const struct netlink_field *field, const void *value);

/* Behind the macros of table.h: an array of U8, U16, U32 or U64. */
#define ARRAY(WHICH)        .nested = &netlink_array_##WHICH
#define MEMBER_ARRAY(WHICH) ARRAY(WHICH), .decode = array_decode, .encode = array_encode
