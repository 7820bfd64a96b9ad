/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in a row. Of its block only what it says itself is known: nothing outside is touched. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "cleanup.h"
#include "column.h"
#include "escape.h"
#include "rows.h"

enum { NUMBER_MAX = 24 };

/* What stands in `reserved` of a row, and of a value. */
enum { TYPES, TYPE, ROW, BLOCK };

enum { VALUE_TYPES, VALUE_DEPTH, VALUE_COLUMN, VALUE_BLOCK };

static bool is_within(const uint8_t *block, uint64_t offset, uint64_t size) {
	struct usher_netlink_block head;

	memcpy(&head, block, sizeof head);
	return offset <= head.size && size <= head.size - offset;
}

const struct usher_field *usher_row_field(const struct usher_row *row, unsigned i) {
	const struct rows_type *type = row->reserved[TYPE];

	return i < row->n_fields ? &type->fields[i].field : NULL;
}

static int get_address(const uint8_t *column, struct usher_value *ret) {
	size_t size;

	memcpy(&ret->address, column, sizeof ret->address);
	size = ret->address.family == AF_INET ? 4 : ret->address.family == AF_INET6 ? 16 : 0;
	return size > 0 && ret->address.length <= size * 8 ? 1 : -EBADMSG;
}

static int get_bytes(const uint8_t *block, const uint8_t *column, struct usher_value *ret) {
	struct usher_netlink_bytes bytes;

	memcpy(&bytes, column, sizeof bytes);
	if (!is_within(block, bytes.offset, bytes.length))
		return -EBADMSG;
	ret->bytes = block + bytes.offset;
	ret->length = bytes.length;
	return 1;
}

/* The type of rows in the column, which are all there. */
static const struct rows_type *get_nested(const struct rows_types *types, const uint8_t *block,
					  const uint8_t *column, struct usher_netlink_nested *ret) {
	const struct rows_type *type;

	memcpy(ret, column, sizeof *ret);
	if (ret->type >= USHER_NETLINK_TYPES_MAX)
		return NULL;
	type = types->by_number[ret->type];
	if (!type || !is_within(block, ret->offset, (uint64_t)ret->count * type->row_size))
		return NULL;
	return type;
}

static int get_rows(const struct usher_row *row, unsigned form, const uint8_t *column,
		    struct usher_value *ret) {
	struct usher_netlink_nested nested;
	const struct rows_type *type =
		get_nested(row->reserved[TYPES], row->reserved[BLOCK], column, &nested);

	if (!type || row->depth + 1 >= USHER_NETLINK_DEPTH_MAX ||
	    (form == USHER_NETLINK_OBJECT && nested.count != 1) ||
	    (form == USHER_NETLINK_LIST && type->n_fields != 1))
		return -EBADMSG;
	ret->count = nested.count;
	return 1;
}

int usher_row_get(const struct usher_row *row, unsigned i, struct usher_value *ret) {
	const struct rows_type *type = row->reserved[TYPE];
	const uint8_t *bytes = row->reserved[ROW], *block = row->reserved[BLOCK], *column;
	unsigned form;

	if (i >= row->n_fields)
		return -EINVAL;
	form = type->fields[i].field.form;
	column = bytes + type->fields[i].column;
	ret->field = &type->fields[i].field;
	ret->reserved[VALUE_TYPES] = row->reserved[TYPES];
	ret->reserved[VALUE_DEPTH] = (const void *)(uintptr_t)row->depth;
	ret->reserved[VALUE_COLUMN] = column;
	ret->reserved[VALUE_BLOCK] = block;
	if (!(bytes[i / 8] & 1U << i % 8))
		return 0;
	switch (form) {
	case USHER_NETLINK_ADDRESS:
	case USHER_NETLINK_PREFIX: return get_address(column, ret);
	case USHER_NETLINK_HARDWARE:
	case USHER_NETLINK_STRING:
	case USHER_NETLINK_BYTES: return get_bytes(block, column, ret);
	case USHER_NETLINK_OBJECT:
	case USHER_NETLINK_OBJECTS:
	case USHER_NETLINK_LIST: return get_rows(row, form, column, ret);
	case USHER_NETLINK_S8:
	case USHER_NETLINK_S16:
	case USHER_NETLINK_S32:
	case USHER_NETLINK_S64: ret->signed_number = column_signed(form, column); return 1;
	default: ret->number = column_unsigned(form, column); return 1;
	}
}

int usher_value_get_row(const struct usher_value *value, size_t i, struct usher_row *ret) {
	const uint8_t *block = value->reserved[VALUE_BLOCK];
	struct usher_netlink_nested nested;
	const struct rows_type *type;

	if (value->field->form < USHER_NETLINK_OBJECT || i >= value->count)
		return -EINVAL;
	type = get_nested(value->reserved[VALUE_TYPES], block, value->reserved[VALUE_COLUMN],
			  &nested);
	if (!type || i >= nested.count)
		return -EBADMSG;
	*ret = (struct usher_row){
		.type = type->name,
		.n_fields = type->n_fields,
		.depth = (unsigned)(uintptr_t)value->reserved[VALUE_DEPTH] + 1,
		.reserved = { value->reserved[VALUE_TYPES], type,
			      block + nested.offset + i * type->row_size, block },
	};
	return 0;
}

int usher_row_find(const struct usher_row *row, const char *name, struct usher_value *ret) {
	size_t length = strcspn(name, ".");
	unsigned i = 0;
	struct usher_row inner;
	int r;

	for (; i < row->n_fields; i++) {
		const char *known = usher_row_field(row, i)->name;

		if (strncmp(known, name, length) == 0 && known[length] == '\0')
			break;
	}
	if (i == row->n_fields)
		return -ENOENT;
	r = usher_row_get(row, i, ret);
	if (name[length] == '\0' || r <= 0)
		return r;
	if (ret->field->form != USHER_NETLINK_OBJECT)
		return -ENOENT;
	r = usher_value_get_row(ret, 0, &inner);
	return r < 0 ? r : usher_row_find(&inner, name + length + 1, ret);
}

/* ---- as text ---- */

const char *usher_value_word(const struct usher_value *value, uint64_t number) {
	const struct rows_field *field = (const struct rows_field *)value->field;

	for (unsigned i = 0; i < field->n_words; i++)
		if (field->words[i].value == number)
			return field->words[i].name;
	return NULL;
}

/* The names of bits that are set with a comma between them, and the others as one number. */
static char *bits_to_string(const struct rows_field *field, uint64_t number) {
	char rest[NUMBER_MAX] = "", *text, *out;
	size_t size = sizeof rest + 1;

	for (unsigned i = 0; i < field->n_words; i++)
		size += strlen(field->words[i].name) + 1;
	text = out = malloc(size);
	if (!text)
		return NULL;
	for (unsigned i = 0; i < field->n_words; i++) {
		uint64_t bits = field->words[i].value;

		if (bits == 0 || (number & bits) != bits)
			continue;
		number &= ~bits;
		out = stpcpy(out, field->words[i].name);
		*out++ = ',';
	}
	if (number != 0)
		(void)snprintf(rest, sizeof rest, "0x%" PRIx64, number);
	else if (out > text)
		out--;
	memcpy(out, rest, strlen(rest) + 1);
	return text;
}

static char *number_to_string(const struct usher_value *value) {
	const struct rows_field *field = (const struct rows_field *)value->field;
	bool is_signed = field->field.form >= USHER_NETLINK_S8;
	char text[NUMBER_MAX];
	const char *word;

	if (field->field.flags & USHER_NETLINK_BITS)
		return bits_to_string(field, value->number);
	word = field->field.flags & USHER_NETLINK_WORDS ? usher_value_word(value, value->number)
							: NULL;
	if (word)
		return strdup(word);
	if (is_signed)
		(void)snprintf(text, sizeof text, "%" PRId64, value->signed_number);
	else
		(void)snprintf(text, sizeof text, "%" PRIu64, value->number);
	return strdup(text);
}

static char *bytes_to_string(const struct usher_value *value) {
	_cleanup_free_ char *raw = NULL;
	char *text;

	if (value->field->form == USHER_NETLINK_STRING) {
		raw = strndup((const char *)value->bytes, value->length);
		return raw ? usher_escape(raw) : NULL;
	}
	text = malloc(value->length * 3 + 1);
	if (text)
		*address_print_bytes(text, value->bytes, value->length,
				     value->field->form == USHER_NETLINK_HARDWARE ? ':' : '\0') =
			'\0';
	return text;
}

char *usher_value_to_string(const struct usher_value *value) {
	char text[ADDRESS_TEXT_MAX];

	switch (value->field->form) {
	case USHER_NETLINK_BOOL: return strdup(value->number ? "true" : "false");
	case USHER_NETLINK_ADDRESS:
	case USHER_NETLINK_PREFIX:
		*address_print(text, &value->address, value->field->form == USHER_NETLINK_PREFIX) =
			'\0';
		return strdup(text);
	case USHER_NETLINK_HARDWARE:
	case USHER_NETLINK_STRING:
	case USHER_NETLINK_BYTES: return bytes_to_string(value);
	case USHER_NETLINK_OBJECT:
	case USHER_NETLINK_OBJECTS:
	case USHER_NETLINK_LIST: return NULL;
	default: return number_to_string(value);
	}
}
