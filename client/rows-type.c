/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How rows are described. Nothing in a description is believed before it has been looked at. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "rows.h"

/* How many descriptions one stream may have, however often it begins anew. */
enum { ALL_MAX = 16 * USHER_NETLINK_TYPES_MAX };

static void free_type(struct rows_type *type) {
	for (unsigned i = 0; i < type->n_fields && type->fields; i++) {
		struct rows_field *field = &type->fields[i];

		for (unsigned j = 0; j < field->n_words && field->words; j++)
			free(field->words[j].name);
		free(field->words);
		free((char *)field->field.name);
	}
	free(type->fields);
	free(type->name);
	free(type->description);
	free(type);
}

static void cleanup_type(struct rows_type **type) {
	if (*type)
		free_type(*type);
}

static bool is_within(const struct rows_block *block, uint64_t offset, uint64_t size) {
	return offset <= block->size && size <= block->size - offset;
}

/* A name: 0, -EBADMSG or -ENOMEM. */
static int take_name(const struct rows_block *block, uint64_t offset, uint64_t length, char **ret) {
	if (!is_within(block, offset, length) || memchr(block->bytes + offset, 0, length))
		return -EBADMSG;
	*ret = strndup((const char *)block->bytes + offset, length);
	return *ret ? 0 : -ENOMEM;
}

/* Of a column; 0: there is no such form. */
static size_t form_size(unsigned form) {
	static const uint8_t sizes[] = {
		[USHER_NETLINK_BOOL] = 1,
		[USHER_NETLINK_U8] = 1,
		[USHER_NETLINK_U16] = 2,
		[USHER_NETLINK_U32] = 4,
		[USHER_NETLINK_U64] = 8,
		[USHER_NETLINK_S8] = 1,
		[USHER_NETLINK_S16] = 2,
		[USHER_NETLINK_S32] = 4,
		[USHER_NETLINK_S64] = 8,
		[USHER_NETLINK_ADDRESS] = sizeof(struct usher_netlink_address),
		[USHER_NETLINK_PREFIX] = sizeof(struct usher_netlink_address),
		[USHER_NETLINK_HARDWARE] = sizeof(struct usher_netlink_bytes),
		[USHER_NETLINK_STRING] = sizeof(struct usher_netlink_bytes),
		[USHER_NETLINK_BYTES] = sizeof(struct usher_netlink_bytes),
		[USHER_NETLINK_OBJECT] = sizeof(struct usher_netlink_nested),
		[USHER_NETLINK_OBJECTS] = sizeof(struct usher_netlink_nested),
		[USHER_NETLINK_LIST] = sizeof(struct usher_netlink_nested),
	};

	return form < sizeof sizes ? sizes[form] : 0;
}

static int take_words(const struct rows_block *block, const struct usher_netlink_field *described,
		      struct rows_field *field) {
	uint64_t size = (uint64_t)described->n_words * sizeof(struct usher_netlink_word);

	if (described->n_words == 0)
		return 0;
	if (!is_within(block, described->words, size))
		return -EBADMSG;
	field->words = calloc(described->n_words, sizeof *field->words);
	if (!field->words)
		return -ENOMEM;
	field->n_words = described->n_words;
	for (unsigned i = 0; i < field->n_words; i++) {
		struct usher_netlink_word word;
		int r;

		memcpy(&word, block->bytes + described->words + i * sizeof word, sizeof word);
		field->words[i].value = word.value;
		r = take_name(block, word.name, word.name_length, &field->words[i].name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_field(const struct rows_block *block, struct rows_type *type, unsigned i,
		      uint64_t offset) {
	struct rows_field *field = &type->fields[i];
	struct usher_netlink_field described;
	size_t bits = ((size_t)type->n_fields + 63) / 64 * 8, size;
	char *name = NULL;
	int r;

	memcpy(&described, block->bytes + offset, sizeof described);
	size = form_size(described.form);
	if (size == 0 || described.column < bits || described.column > type->row_size ||
	    size > type->row_size - described.column)
		return -EBADMSG;
	field->column = described.column;
	field->field.form = described.form;
	field->field.flags = described.flags;
	r = take_name(block, described.name, described.name_length, &name);
	field->field.name = name;
	return r < 0 ? r : take_words(block, &described, field);
}

static int take_type(const struct rows_block *block, struct rows_type *type) {
	struct usher_netlink_type described;
	int r;

	if (block->size < sizeof described)
		return -EBADMSG;
	memcpy(&described, block->bytes, sizeof described);
	if (described.n_fields > USHER_NETLINK_FIELDS_MAX || described.row_size % 8 != 0 ||
	    described.row_size < (described.n_fields + 63U) / 64 * 8 ||
	    described.row_size > USHER_NETLINK_BLOCK_MAX ||
	    !is_within(block, described.fields,
		       described.n_fields * sizeof(struct usher_netlink_field)))
		return -EBADMSG;
	type->row_size = described.row_size;
	r = take_name(block, described.name, described.name_length, &type->name);
	if (r < 0)
		return r;
	type->fields = calloc(described.n_fields + 1U, sizeof *type->fields);
	if (!type->fields)
		return -ENOMEM;
	type->n_fields = described.n_fields;
	for (unsigned i = 0; r == 0 && i < type->n_fields; i++)
		r = take_field(block, type, i,
			       described.fields + i * sizeof(struct usher_netlink_field));
	return r;
}

/* One that was described before, in the same words. */
static const struct rows_type *find_same(const struct rows_types *types,
					 const struct rows_block *block) {
	for (const struct rows_type *type = types->all; type; type = type->next)
		if (type->size == block->size &&
		    memcmp(type->description, block->bytes, block->size) == 0)
			return type;
	return NULL;
}

static int add_type(struct rows_types *types, const struct rows_block *block,
		    const struct rows_type **ret) {
	_cleanup_(cleanup_type) struct rows_type *type = NULL;
	int r;

	if (types->n == ALL_MAX)
		return -EBADMSG;
	type = calloc(1, sizeof *type);
	if (!type)
		return -ENOMEM;
	r = take_type(block, type);
	if (r < 0)
		return r;
	type->description = malloc(block->size);
	if (!type->description)
		return -ENOMEM;
	memcpy(type->description, block->bytes, block->size);
	type->size = block->size;
	type->next = types->all;
	types->n++;
	*ret = types->all = take_pointer(type);
	return 0;
}

int rows_types_take(struct rows_types *types, const struct rows_block *block) {
	struct usher_netlink_block head;
	const struct rows_type *type;
	int r;

	memcpy(&head, block->bytes, sizeof head);
	if (head.type >= USHER_NETLINK_TYPES_MAX || types->by_number[head.type])
		return -EBADMSG;
	type = find_same(types, block);
	r = type ? 0 : add_type(types, block, &type);
	if (r == 0)
		types->by_number[head.type] = type;
	return r;
}

void rows_types_forget(struct rows_types *types) {
	memset(types->by_number, 0, sizeof types->by_number);
}

void rows_types_clear(struct rows_types *types) {
	while (types->all) {
		struct rows_type *type = types->all;

		types->all = type->next;
		free_type(type);
	}
}
