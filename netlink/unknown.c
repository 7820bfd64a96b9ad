/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unknown.h"

#include "decode.h"
#include "table.h"

static int raw_decode(struct decoding *decoding, const struct netlink_field *field,
		      const uint8_t *value, size_t size) {
	return decoding_set_bytes(decoding, field, value, size);
}

static const struct netlink_field unknown_fields[] = {
	COMPUTED("raw", BYTES, .decode = raw_decode),
	{},
};

const struct netlink_schema netlink_unknown = { .name = "unknown", .fields = unknown_fields };
