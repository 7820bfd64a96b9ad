/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "array.h"

#include <string.h>

#include "decode.h"
#include "encode.h"
#include "table.h"

#define NUMBERS(SYMBOL, FORM)                                                             \
	static const struct netlink_field SYMBOL##_fields[] = { ELEMENT(FORM), {} };      \
	const struct netlink_schema netlink_array_##SYMBOL = { .name = #SYMBOL,           \
							       .fields = SYMBOL##_fields, \
							       .structure = true }

NUMBERS(u8, U8);
NUMBERS(u16, U16);
NUMBERS(u32, U32);
NUMBERS(u64, U64);

static uint64_t load(const uint8_t *value, size_t width) {
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (width) {
	case 1: return *value;
	case 2: return memcpy(&u16, value, sizeof u16), u16;
	case 4: return memcpy(&u32, value, sizeof u32), u32;
	default: return memcpy(&u64, value, sizeof u64), u64;
	}
}

static void store(uint8_t *to, size_t width, uint64_t number) {
	const uint32_t u32 = (uint32_t)number;
	const uint16_t u16 = (uint16_t)number;

	switch (width) {
	case 1: *to = (uint8_t)number; break;
	case 2: memcpy(to, &u16, sizeof u16); break;
	case 4: memcpy(to, &u32, sizeof u32); break;
	default: memcpy(to, &number, sizeof number);
	}
}

int array_decode(struct decoding *decoding, const struct netlink_field *field, const uint8_t *value,
		 size_t size) {
	const size_t width = encode_width(field->nested->fields);
	const size_t n = (size < field->width ? size : field->width) / width;
	int r = decoding_begin_list(decoding, field, n);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = decoding_add_number(decoding, field, load(value + i * width, width));
	return r;
}

int array_encode(struct encoding *encoding, const struct netlink_field *field, const void *value) {
	const struct netlink_field *element = field->nested->fields;
	const Usher__Values *list = ((const Usher__Value *)value)->list;
	const size_t width = encode_width(element), n = field->width / width;
	uint8_t *to = encode_header(encoding);
	uint64_t number;
	int r = 0;

	if (!list || list->n_values != n)
		return encode_refuse(encoding, field, "is a list of %zu numbers", n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = encode_number(encoding, element, list->values[i], &number);
		if (r == 0 && to)
			store(to + field->at + i * width, width, number);
	}
	return r;
}
