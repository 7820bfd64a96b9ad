/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "row-bus.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message-bus.h"
#include "message.h"
#include "row.h"

/* In one another, in a row, and in all that is in one. */
enum { DEPTH_MAX = 8, MEMBERS_MAX = 256, VALUES_MAX = 4096, PATH_MAX_LENGTH = 256 };

/* ---- reading ---- */

struct reading {
	sd_bus_message *bus;
	struct fds *fds;
	struct refusal *refusal;
	unsigned depth, values;
};

static int read_value(struct reading *reading, const char *name, const char *contents,
		      Usher__Value *value);

static int read_number(struct reading *reading, char type, Usher__Value *value) {
	union {
		uint8_t y;
		uint16_t q;
		uint32_t u;
		uint64_t t;
	} number = { .t = 0 };

	int r = sd_bus_message_read_basic(reading->bus, type, &number);

	value->has_number = true;
	value->number = type == 'y'   ? number.y
			: type == 'q' ? number.q
			: type == 'u' ? number.u
				      : number.t;
	value->has_wide = value->wide = type == 't';
	return r < 0 ? r : 0;
}

/* What is not negative is a number like any other. */
static int read_signed(struct reading *reading, char type, Usher__Value *value) {
	union {
		int16_t n;
		int32_t i;
		int64_t x;
	} number = { .x = 0 };

	int r = sd_bus_message_read_basic(reading->bus, type, &number);
	int64_t read = type == 'n' ? number.n : type == 'i' ? number.i : number.x;

	value->has_number = read >= 0;
	value->has_signed_number = read < 0;
	if (read >= 0)
		value->number = (uint64_t)read;
	else
		value->signed_number = read;
	value->has_wide = value->wide = type == 'x';
	return r < 0 ? r : 0;
}

static int read_bytes(struct reading *reading, Usher__Value *value) {
	const void *bytes;
	size_t size;
	int r = sd_bus_message_read_array(reading->bus, 'y', &bytes, &size);

	if (r < 0)
		return r;
	value->bytes.data = malloc(size + 1);
	if (!value->bytes.data)
		return -ENOMEM;
	if (size > 0)
		memcpy(value->bytes.data, bytes, size);
	value->bytes.len = size;
	value->has_bytes = true;
	return 0;
}

static int read_list(struct reading *reading, const char *name, const char *contents,
		     Usher__Values *list) {
	const ProtobufCFieldDescriptor *field = &list->base.descriptor->fields[0];
	int r = sd_bus_message_enter_container(reading->bus, 'a', contents);

	if (r < 0)
		return r;
	list->element = strdup(contents);
	if (!list->element)
		return -ENOMEM;
	while ((r = sd_bus_message_at_end(reading->bus, 0)) == 0) {
		Usher__Value **element = message_append_element(&list->base, field);

		if (!element)
			return -ENOMEM;
		*element = (Usher__Value *)message_new(&usher__value__descriptor);
		if (!*element)
			return -ENOMEM;
		r = read_value(reading, name, contents, *element);
		if (r != 0)
			return r;
	}
	r = r < 0 ? r : sd_bus_message_exit_container(reading->bus);
	return r < 0 ? r : 0;
}

static int read_row(struct reading *reading, const char *name, Usher__Row *row);

static int read_array(struct reading *reading, const char *name, const char *contents,
		      Usher__Value *value) {
	if (strcmp(contents, "ay") == 0)
		return read_bytes(reading, value);
	if (strcmp(contents, "a{sv}") == 0) {
		value->row = (Usher__Row *)message_new(&usher__row__descriptor);
		return value->row ? read_row(reading, name, value->row) : -ENOMEM;
	}
	value->list = (Usher__Values *)message_new(&usher__values__descriptor);
	return value->list ? read_list(reading, name, contents + 1, value->list) : -ENOMEM;
}

static int read_variant(struct reading *reading, const char *name, const char *contents,
			Usher__Value *value) {
	int r = sd_bus_message_enter_container(reading->bus, 'v', contents);

	if (r < 0)
		return r;
	r = read_value(reading, name, contents, value);
	if (r == 0)
		r = sd_bus_message_exit_container(reading->bus);
	return r < 0 || *reading->refusal->text ? r : 0;
}

static int read_inner_variant(struct reading *reading, const char *name, Usher__Value *value) {
	const char *contents;
	int r = sd_bus_message_peek_type(reading->bus, NULL, &contents);

	return r < 0 ? r : read_variant(reading, name, contents, value);
}

static int read_basic(struct reading *reading, const char *name, char type, Usher__Value *value) {
	int boolean, r;

	switch (type) {
	case 'y':
	case 'q':
	case 'u':
	case 't': return read_number(reading, type, value);
	case 'n':
	case 'i':
	case 'x': return read_signed(reading, type, value);
	case 's':
	case 'o':
		return message_bus_read_string(reading->bus, type, name, &value->text,
					       reading->refusal);
	case 'h':
		value->has_descriptor_fd = true;
		return message_bus_read_descriptor(reading->bus, name, reading->fds,
						   &value->descriptor_fd, reading->refusal);
	case 'b':
		r = sd_bus_message_read_basic(reading->bus, 'b', &boolean);
		value->has_boolean = r >= 0;
		value->boolean = r >= 0 && boolean;
		return r < 0 ? r : 0;
	default:
		return refusal_note(reading->refusal, REFUSED_INVALID,
				    "%s: nothing in a row is of the type '%c'", name, type);
	}
}

static int read_value(struct reading *reading, const char *name, const char *contents,
		      Usher__Value *value) {
	int r;

	if (++reading->values > VALUES_MAX)
		return refusal_note(reading->refusal, REFUSED_LIMIT,
				    "%s: more than %d values in one argument", name, VALUES_MAX);
	if (*contents != 'a' && *contents != 'v')
		return read_basic(reading, name, *contents, value);
	if (reading->depth == DEPTH_MAX)
		return refusal_note(reading->refusal, REFUSED_LIMIT, "%s: deeper than %d", name,
				    DEPTH_MAX);
	reading->depth++;
	r = *contents == 'a' ? read_array(reading, name, contents, value)
			     : read_inner_variant(reading, name, value);
	reading->depth--;
	return r;
}

static bool has(const Usher__Row *row, const char *key) {
	for (size_t i = 0; i < row->n_members; i++)
		if (strcmp(row->members[i]->key, key) == 0)
			return true;
	return false;
}

static int read_member(struct reading *reading, const char *name, const char *key,
		       const char *contents, Usher__Row *row) {
	char path[PATH_MAX_LENGTH];
	Usher__Value *value;

	(void)snprintf(path, sizeof path, "%.180s.%.64s", name, key);
	if (has(row, key))
		return refusal_note(reading->refusal, REFUSED_INVALID,
				    "%s: key '%.64s' is there twice", name, key);
	if (row->n_members == MEMBERS_MAX)
		return refusal_note(reading->refusal, REFUSED_LIMIT, "%s: more than %d keys", name,
				    MEMBERS_MAX);
	value = row_add(row, key); /* it belongs to the row already, so that it goes with it */
	return value ? read_variant(reading, path, contents, value) : -ENOMEM;
}

static int read_entry(struct reading *reading, const char *name, Usher__Row *row) {
	const char *key, *contents;
	int r = sd_bus_message_read_basic(reading->bus, 's', &key);

	if (r >= 0)
		r = sd_bus_message_peek_type(reading->bus, NULL, &contents);
	return r < 0 ? r : read_member(reading, name, key, contents, row);
}

static int read_row(struct reading *reading, const char *name, Usher__Row *row) {
	int r = sd_bus_message_enter_container(reading->bus, 'a', "{sv}");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(reading->bus, 'e', "sv")) > 0) {
		r = read_entry(reading, name, row);
		if (r != 0)
			return r;
		r = sd_bus_message_exit_container(reading->bus);
		if (r < 0)
			return r;
	}
	r = r < 0 ? r : sd_bus_message_exit_container(reading->bus);
	return r < 0 ? r : 0;
}

int row_bus_read(sd_bus_message *bus, const char *name, struct fds *fds, Usher__Row *row,
		 struct refusal *refusal) {
	struct reading reading = { .bus = bus, .fds = fds, .refusal = refusal };

	return read_row(&reading, name, row);
}

int row_bus_read_member(sd_bus_message *bus, const char *name, const char *key,
			const char *contents, struct fds *fds, Usher__Row *row,
			struct refusal *refusal) {
	struct reading reading = { .bus = bus, .fds = fds, .refusal = refusal };

	return read_member(&reading, name, key, contents, row);
}

/* ---- writing ---- */

static const char *sign_plainly(const Usher__Value *value) {
	return value->has_boolean         ? "b"
	       : value->has_signed_number ? value->wide ? "x" : "i"
	       : value->text              ? "s"
	       : value->has_bytes         ? "ay"
	       : value->row               ? "a{sv}"
	       : value->has_descriptor_fd ? "h"
	       : value->wide              ? "t"
					  : "u";
}

/* All elements of a list are as its first. */
static void sign(const Usher__Value *value, char ret[MESSAGE_SIGNATURE_MAX]) {
	size_t used = 0;
	bool empty = false;

	for (; value->list && !empty && used < DEPTH_MAX; used++) {
		ret[used] = 'a';
		empty = value->list->n_values == 0;
		if (!empty)
			value = value->list->values[0];
	}
	(void)snprintf(ret + used, MESSAGE_SIGNATURE_MAX - used, "%.200s",
		       empty ? value->list->element ?: "s" : sign_plainly(value));
}

static int append_number(sd_bus_message *bus, char type, const Usher__Value *value) {
	uint32_t narrow = (uint32_t)value->number;
	int32_t narrow_signed = (int32_t)value->signed_number;

	return sd_bus_message_append_basic(bus, type,
					   type == 'u'   ? (const void *)&narrow
					   : type == 'i' ? (const void *)&narrow_signed
					   : type == 't' ? (const void *)&value->number
							 : (const void *)&value->signed_number);
}

static int append_value(sd_bus_message *bus, const char *signature, const Usher__Value *value,
			const struct fds *fds) {
	const Usher__Values *list = value->list;
	int number, r;

	switch (*signature) {
	case 'b': number = value->boolean; return sd_bus_message_append_basic(bus, 'b', &number);
	case 's': return message_bus_append_string(bus, 's', value->text);
	case 'h':
		number = fds_get(fds, value->descriptor_fd);
		return number < 0 ? number : sd_bus_message_append_basic(bus, 'h', &number);
	case 'a': break;
	default: return append_number(bus, *signature, value);
	}
	if (value->row)
		return row_bus_append(bus, value->row, fds);
	if (!list)
		return sd_bus_message_append_array(bus, 'y', value->bytes.data, value->bytes.len);
	r = sd_bus_message_open_container(bus, 'a', signature + 1);
	for (size_t i = 0; r >= 0 && i < list->n_values; i++)
		r = append_value(bus, signature + 1, list->values[i], fds);
	return r < 0 ? r : sd_bus_message_close_container(bus);
}

static int append_member(sd_bus_message *bus, const Usher__Member *member, const struct fds *fds) {
	char signature[MESSAGE_SIGNATURE_MAX];
	int r;

	sign(member->value, signature);
	if ((r = sd_bus_message_open_container(bus, 'e', "sv")) < 0 ||
	    (r = sd_bus_message_append_basic(bus, 's', member->key)) < 0 ||
	    (r = sd_bus_message_open_container(bus, 'v', signature)) < 0 ||
	    (r = append_value(bus, signature, member->value, fds)) < 0 ||
	    (r = sd_bus_message_close_container(bus)) < 0)
		return r;
	return sd_bus_message_close_container(bus);
}

int row_bus_append(sd_bus_message *bus, const Usher__Row *row, const struct fds *fds) {
	int r = sd_bus_message_open_container(bus, 'a', "{sv}");

	for (size_t i = 0; r >= 0 && i < row->n_members; i++)
		r = append_member(bus, row->members[i], fds);
	return r < 0 ? r : sd_bus_message_close_container(bus);
}
