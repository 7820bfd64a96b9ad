/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "row.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fd.h"
#include "interfaces/netlink-records.h"
#include "message.h"
#include "usher.h"

Usher__Value *row_add(Usher__Row *row, const char *key) {
	Usher__Member *member = (Usher__Member *)message_new(&usher__member__descriptor), **place;

	if (!member)
		return NULL;
	member->key = strdup(key);
	member->value = (Usher__Value *)message_new(&usher__value__descriptor);
	place = member->key && member->value
			? message_append_element(&row->base, &row->base.descriptor->fields[0])
			: NULL;
	if (place) {
		*place = member;
		return member->value;
	}
	message_freep((ProtobufCMessage **)&member);
	return NULL;
}

static Usher__Value *add_element(Usher__Values *list) {
	Usher__Value **place =
		message_append_element(&list->base, &list->base.descriptor->fields[0]);

	if (!place)
		return NULL;
	*place = (Usher__Value *)message_new(&usher__value__descriptor);
	return *place;
}

/* What the elements are, where there are none. */
static int make_list(Usher__Value *value, const char *element) {
	value->list = (Usher__Values *)message_new(&usher__values__descriptor);
	if (!value->list)
		return -ENOMEM;
	value->list->element = strdup(element);
	return value->list->element ? 0 : -ENOMEM;
}

static int add_text(Usher__Values *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int add_text(Usher__Values *list, const char *format, ...) {
	Usher__Value *element = add_element(list);
	va_list arguments;
	int n;

	if (!element)
		return -ENOMEM;
	va_start(arguments, format);
	n = vasprintf(&element->text, format, arguments);
	va_end(arguments);
	if (n < 0)
		element->text = NULL;
	return n < 0 ? -ENOMEM : 0;
}

/* The words of the bits that are set, and the others together. */
static int of_bits(const struct usher_value *from, Usher__Value *to) {
	uint64_t rest = 0;
	int r = make_list(to, "s");

	for (unsigned bit = 0; r == 0 && bit < 64; bit++) {
		const uint64_t mask = UINT64_C(1) << bit;
		const char *word;

		if (!(from->number & mask))
			continue;
		word = usher_value_word(from, mask);
		if (word)
			r = add_text(to->list, "%s", word);
		else
			rest |= mask;
	}
	return r == 0 && rest ? add_text(to->list, "0x%" PRIx64, rest) : r;
}

static int of_number(const struct usher_value *from, Usher__Value *to) {
	const char *word;

	if (from->field->flags & USHER_NETLINK_BITS)
		return of_bits(from, to);
	if (from->field->flags & USHER_NETLINK_WORDS) {
		word = usher_value_word(from, from->number);
		if (word)
			to->text = strdup(word);
		else if (asprintf(&to->text, "%" PRIu64, from->number) < 0)
			to->text = NULL;
		return to->text ? 0 : -ENOMEM;
	}
	switch (from->field->form) {
	case USHER_NETLINK_BOOL:
		to->has_boolean = true;
		to->boolean = from->number != 0;
		return 0;
	case USHER_NETLINK_S8:
	case USHER_NETLINK_S16:
	case USHER_NETLINK_S32:
	case USHER_NETLINK_S64:
		to->has_signed_number = true;
		to->signed_number = from->signed_number;
		to->has_wide = to->wide = from->field->form == USHER_NETLINK_S64;
		return 0;
	default:
		to->has_number = true;
		to->number = from->number;
		to->has_wide = to->wide = from->field->form == USHER_NETLINK_U64;
		return 0;
	}
}

static int of_bytes(const struct usher_value *from, Usher__Value *to) {
	to->bytes.data = malloc(from->length + 1);
	if (!to->bytes.data)
		return -ENOMEM;
	if (from->length > 0)
		memcpy(to->bytes.data, from->bytes, from->length);
	to->bytes.len = from->length;
	to->has_bytes = true;
	return 0;
}

static int of_value(const struct usher_value *from, Usher__Value *to);

static int of_objects(const struct usher_value *from, Usher__Value *to) {
	int r = make_list(to, "a{sv}");

	for (size_t i = 0; r == 0 && i < from->count; i++) {
		Usher__Value *element = add_element(to->list);
		struct usher_row record;

		r = element ? usher_value_get_row(from, i, &record) : -ENOMEM;
		if (r >= 0)
			r = row_of(&record, &element->row);
	}
	return r;
}

/* Its elements are rows of one field. */
static int of_list(const struct usher_value *from, Usher__Value *to) {
	int r = make_list(to, "s");

	for (size_t i = 0; r >= 0 && i < from->count; i++) {
		Usher__Value *element = add_element(to->list);
		struct usher_value value;
		struct usher_row record;

		r = element ? usher_value_get_row(from, i, &record) : -ENOMEM;
		if (r >= 0)
			r = usher_row_get(&record, 0, &value);
		if (r >= 0)
			r = r == 0 ? -EBADMSG : of_value(&value, element);
	}
	return r < 0 ? r : 0;
}

static int of_value(const struct usher_value *from, Usher__Value *to) {
	struct usher_row record;
	int r;

	switch (from->field->form) {
	case USHER_NETLINK_ADDRESS:
	case USHER_NETLINK_PREFIX:
	case USHER_NETLINK_HARDWARE:
	case USHER_NETLINK_STRING:
		to->text = usher_value_to_string(from);
		return to->text ? 0 : -ENOMEM;
	case USHER_NETLINK_BYTES: return of_bytes(from, to);
	case USHER_NETLINK_OBJECT:
		r = usher_value_get_row(from, 0, &record);
		return r < 0 ? r : row_of(&record, &to->row);
	case USHER_NETLINK_OBJECTS: return of_objects(from, to);
	case USHER_NETLINK_LIST: return of_list(from, to);
	default: return of_number(from, to);
	}
}

int row_of(const struct usher_row *record, Usher__Row **ret) {
	Usher__Row *row = (Usher__Row *)message_new(&usher__row__descriptor);
	int r = row ? 0 : -ENOMEM;

	for (unsigned i = 0; r >= 0 && i < record->n_fields; i++) {
		struct usher_value value;
		Usher__Value *to;

		r = usher_row_get(record, i, &value);
		if (r <= 0)
			continue;
		to = row_add(row, value.field->name);
		r = to ? of_value(&value, to) : -ENOMEM;
	}
	if (r < 0) {
		message_freep((ProtobufCMessage **)&row);
		return r;
	}
	*ret = row;
	return 0;
}

void row_free_all(Usher__Row **rows, size_t n) {
	for (size_t i = 0; i < n; i++)
		message_freep((ProtobufCMessage **)&rows[i]);
	free(rows);
}

static int append(Usher__Row ***rows, size_t *n, const struct usher_row *record) {
	Usher__Row **grown = reallocarray(*rows, *n + 1, sizeof *grown);
	int r;

	if (!grown)
		return -ENOMEM;
	*rows = grown;
	r = row_of(record, &grown[*n]);
	*n += r == 0;
	return r;
}

int row_read_blocks(const void *blocks, size_t size, Usher__Row ***ret, size_t *ret_n) {
	struct usher_row record;
	struct usher_rows *rows;
	Usher__Row **read = NULL;
	size_t n = 0;
	int r = usher_rows_read(blocks, size, &rows);

	if (r < 0)
		return r;
	while ((r = usher_rows_next(rows, &record)) > 0) {
		r = append(&read, &n, &record);
		if (r < 0)
			break;
	}
	rows = usher_rows_close(rows);
	if (r < 0) {
		row_free_all(read, n);
		return r;
	}
	*ret = read;
	*ret_n = n;
	return 0;
}
