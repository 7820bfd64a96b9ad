/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the hooks of fields put into a row, and hooks that several types have. */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "decode-step.h"
#include "names.h"

/* ---- numbers ---- */

static void store(uint8_t *column, enum usher_netlink_form form, uint64_t number) {
	uint32_t u32 = (uint32_t)number;
	uint16_t u16 = (uint16_t)number;

	switch (column_size(form)) {
	case 1: *column = (uint8_t)number; break;
	case 2: memcpy(column, &u16, sizeof u16); break;
	case 4: memcpy(column, &u32, sizeof u32); break;
	default: memcpy(column, &number, sizeof number); break;
	}
}

/* Signed ones are extended. */
uint64_t decode_load(const struct netlink_field *field, const uint8_t *value, size_t width) {
	bool is_signed = field->form >= USHER_NETLINK_S8 && field->form <= USHER_NETLINK_S64;
	uint64_t number = 0;

	for (size_t i = 0; i < width; i++) {
		bool reversed = field->network_order || __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

		number |= (uint64_t)value[reversed ? width - 1 - i : i] << 8 * i;
	}
	if (is_signed && 0 < width && width < sizeof number && number >> (8 * width - 1))
		number |= ~UINT64_C(0) << 8 * width;
	return number;
}

void decode_put_number(struct decoding *decoding, enum usher_netlink_form form, uint64_t number) {
	store(decode_column(decoding), form, form == USHER_NETLINK_BOOL ? number != 0 : number);
	decode_mark(decoding, decoding->step);
}

/* ---- for decode() ---- */

int decoding_set_number(struct decoding *decoding, const struct netlink_field *field,
			uint64_t number) {
	decode_put_number(decoding, field->form, number);
	return 0;
}

int decoding_set_signed(struct decoding *decoding, const struct netlink_field *field,
			int64_t number) {
	decode_put_number(decoding, field->form, (uint64_t)number);
	return 0;
}

int decoding_set_bytes(struct decoding *decoding, const struct netlink_field *field,
		       const void *bytes, size_t size) {
	return decode_put_bytes(decoding, field->form, bytes, size);
}

int decoding_set_string(struct decoding *decoding, const struct netlink_field *field,
			const char *string) {
	return decode_put_heap(decoding, string, strlen(string));
}

int decoding_set_address(struct decoding *decoding, const struct netlink_field *field, int family,
			 const void *address, unsigned length) {
	return decode_put_address(decoding, family, address, length);
}

int decoding_set_plain(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size) {
	return decode_run(decoding, decoding->step, level_plain_operation(field), value, size);
}

int decode_device(struct decoding *decoding, const struct netlink_field *field,
		  const uint8_t *value, size_t size) {
	const char *name;
	uint32_t index;

	if (!decoding->names || size < sizeof index)
		return 1;
	memcpy(&index, value, sizeof index);
	name = names_find(decoding->names, index);
	return name ? decoding_set_string(decoding, field, name) : 1;
}

/* Routes and rules begin with the family and the two lengths. */
enum { FAMILY_AT, DESTINATION_AT, SOURCE_AT };

static int set_prefix(struct decoding *decoding, const struct netlink_field *field, size_t at,
		      const uint8_t *value, size_t size) {
	static const uint8_t any[16];
	uint8_t family = decoding->message[FAMILY_AT];

	/* Those of multicast routing are as long as the others. */
	if (family == RTNL_FAMILY_IPMR)
		family = AF_INET;
	else if (family == RTNL_FAMILY_IP6MR)
		family = AF_INET6;
	if (value && size < (family == AF_INET ? 4U : 16U))
		return 1;
	return decoding_set_address(decoding, field, family, value ? value : any,
				    value ? decoding->message[at] : 0);
}

int decode_destination_prefix(struct decoding *decoding, const struct netlink_field *field,
			      const uint8_t *value, size_t size) {
	return set_prefix(decoding, field, DESTINATION_AT, value, size);
}

int decode_source_prefix(struct decoding *decoding, const struct netlink_field *field,
			 const uint8_t *value, size_t size) {
	return set_prefix(decoding, field, SOURCE_AT, value, size);
}
