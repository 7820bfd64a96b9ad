/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flags.h"

#include <string.h>

#include "encode.h"

int flags_encode(struct encoding *encoding, const struct netlink_field *field, const void *value) {
	/* the mask is the other one of the two */
	const size_t beside = field->within == 0 ? field->width : 0;
	uint32_t flags, mask = 0;
	uint64_t number;
	uint8_t *structure;
	int r = encode_number(encoding, field, value, &number);

	if (r != 0)
		return r;
	for (size_t i = 0; i < field->words->n; i++)
		mask |= (uint32_t)field->words->words[i].value;
	flags = (uint32_t)number;
	mask |= flags;
	structure = encode_structure(encoding, field->at, field->whole);
	if (!structure)
		return 0;
	memcpy(structure + field->within, &flags, sizeof flags);
	memcpy(structure + beside, &mask, sizeof mask);
	return 0;
}
