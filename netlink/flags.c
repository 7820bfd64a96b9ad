/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flags.h"

#include <string.h>

static int read_one(struct encoding *encoding, const struct netlink_field *field,
		    const Usher__Value *value, uint32_t *flags, uint32_t *mask) {
	const bool clears = value->text && *value->text == '-';
	Usher__Value word = *value;
	uint64_t flag = 0;
	int r;

	if (clears)
		word.text++;
	r = encode_number(encoding, field, &word, &flag);
	*mask |= (uint32_t)flag;
	*flags |= clears ? 0 : (uint32_t)flag;
	return r;
}

int flags_read(struct encoding *encoding, const struct netlink_field *field,
	       const Usher__Value *value, uint32_t *ret_flags, uint32_t *ret_mask) {
	int r = 0;

	*ret_flags = *ret_mask = 0;
	for (size_t i = 0; value->list && r == 0 && i < value->list->n_values; i++)
		r = read_one(encoding, field, value->list->values[i], ret_flags, ret_mask);
	if (!value->list)
		r = read_one(encoding, field, value, ret_flags, ret_mask);
	if ((!value->list && !value->text) || encoding->told)
		*ret_mask = UINT32_MAX;
	return r;
}

void flags_put(struct encoding *encoding, const struct netlink_field *field, uint32_t flags,
	       uint32_t mask) {
	/* the mask is the other one of the two */
	const size_t beside = field->within == 0 ? field->width : 0;
	uint8_t *structure = encode_structure(encoding, field->at, field->whole);

	if (!structure)
		return;
	memcpy(structure + field->within, &flags, sizeof flags);
	memcpy(structure + beside, &mask, sizeof mask);
}

int flags_encode(struct encoding *encoding, const struct netlink_field *field, const void *value) {
	uint32_t flags, mask, known = 0;
	int r = flags_read(encoding, field, value, &flags, &mask);

	if (r != 0)
		return r;
	for (size_t i = 0; i < field->words->n; i++)
		known |= (uint32_t)field->words->words[i].value;
	flags_put(encoding, field, flags, mask == UINT32_MAX ? known | flags : mask);
	return 0;
}
