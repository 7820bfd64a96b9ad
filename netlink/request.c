/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "request.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "decode.h"
#include "names.h"

struct asking {
	struct encoding *encoding;
	const struct selection *selection;
	const struct netlink_type *type;
	struct names *names;
};

static size_t width_of(const struct netlink_field *field) {
	switch (field->form) {
	case USHER_NETLINK_BOOL:
	case USHER_NETLINK_U8:
	case USHER_NETLINK_S8: return field->width ?: 1;
	case USHER_NETLINK_U16:
	case USHER_NETLINK_S16: return field->width ?: 2;
	case USHER_NETLINK_U32:
	case USHER_NETLINK_S32: return field->width ?: 4;
	default: return field->width ?: 8;
	}
}

/* The bytes of a number as they are in a message. */
static void write_number(const struct netlink_field *field, uint64_t number, uint8_t *bytes) {
	size_t width = width_of(field);

	for (size_t i = 0; i < width; i++) {
		size_t place = field->network_order ? width - 1 - i : i;

		bytes[i] = (uint8_t)(number >> 8 * place);
	}
}

static void put_number(struct asking *asking, const struct netlink_field *field, uint64_t number) {
	uint8_t bytes[8] = { 0 };

	write_number(field, number, bytes);
	if (field->from == NETLINK_FROM_HEADER)
		memcpy((uint8_t *)encode_header(asking->encoding) + field->at, bytes,
		       width_of(field));
	else
		encode_put(asking->encoding, field->at, bytes, width_of(field));
}

static bool put_value(struct asking *asking, const struct netlink_field *field,
		      const struct selection_value *value) {
	if (field->from != NETLINK_FROM_HEADER && field->from != NETLINK_FROM_ATTRIBUTE)
		return false;
	switch (field->form) {
	case USHER_NETLINK_ADDRESS:
	case USHER_NETLINK_PREFIX:
		encode_put(asking->encoding, field->at, value->address.bytes,
			   value->address.family == AF_INET ? 4 : 16);
		return true;
	case USHER_NETLINK_STRING:
		encode_put(asking->encoding, field->at, value->bytes, value->size + 1);
		return true;
	case USHER_NETLINK_HARDWARE:
	case USHER_NETLINK_BYTES:
		encode_put(asking->encoding, field->at, value->bytes, value->size);
		return true;
	case USHER_NETLINK_OBJECT:
	case USHER_NETLINK_OBJECTS:
	case USHER_NETLINK_LIST: return false;
	default: put_number(asking, field, value->number); return true;
	}
}

static void note(const struct asking *asking, const struct netlink_field *field) {
	selection_set_by_kernel(asking->selection, asking->type, field->name);
}

/* The name of an interface stands where its index does. */
static const struct netlink_field *find_name(const struct netlink_type *type,
					     const struct netlink_field *index) {
	for (const struct netlink_field *field = type->schema.fields; field->name; field++)
		if (field->decode == decode_device && field->from == index->from &&
		    field->at == index->at)
			return field;
	return NULL;
}

/* A filter on an index, or on the name that belongs to it. */
static int put_filter(struct asking *asking, const struct netlink_field *field) {
	const struct netlink_field *name = find_name(asking->type, field);
	const struct selection_value *value =
		selection_value(asking->selection, asking->type, field->name);
	uint32_t index;

	if (value) {
		if (put_value(asking, field, value))
			note(asking, field);
		return 0;
	}
	value = name ? selection_value(asking->selection, asking->type, name->name) : NULL;
	if (!value || !asking->names)
		return 0;
	index = names_index(asking->names, (const char *)value->bytes);
	if (index == 0)
		return -ENODEV;
	put_number(asking, field, index);
	note(asking, name);
	return 0;
}

static int put_filters(struct asking *asking) {
	const struct netlink_field *field = asking->type->schema.fields;
	int r = 0;

	for (; r == 0 && field->name; field++)
		if (field->filtered == NETLINK_FILTERED_BY_KERNEL)
			r = put_filter(asking, field);
	return r;
}

/* What finds the object: fields by their names, with blanks between them. */
static int put_lookup(struct asking *asking, const char *lookup) {
	char name[64];

	while (*lookup) {
		size_t length = strcspn(lookup, " ");
		const struct netlink_field *field;
		const struct selection_value *value;

		if (length >= sizeof name)
			return -EINVAL;
		memcpy(name, lookup, length);
		name[length] = '\0';
		field = netlink_field_find(&asking->type->schema, name);
		value = selection_value(asking->selection, asking->type, name);
		if (!field || !value)
			return -EINVAL;
		if (field->filtered != NETLINK_FILTERED_SPECIALLY &&
		    put_value(asking, field, value))
			note(asking, field);
		lookup += length;
		lookup += *lookup == ' ';
	}
	return 0;
}

static void start(struct encoding *encoding, void *buffer, size_t capacity,
		  const struct netlink_type *type) {
	if (type->family) {
		struct genlmsghdr *generic;

		encode_start(encoding, buffer, capacity, 0, 0, GENL_HDRLEN + type->header);
		generic = encode_header(encoding);
		*generic = (struct genlmsghdr){ .cmd = (uint8_t)type->get, .version = 1 };
		encoding->header += GENL_HDRLEN;
	} else
		encode_start(encoding, buffer, capacity, type->get, 0,
			     type->parts ? 0 : type->header);
}

int request_build(struct encoding *encoding, void *buffer, size_t capacity,
		  const struct selection *selection, const struct netlink_type *type,
		  struct names *names, struct netlink_pass *pass) {
	struct asking asking = { encoding, selection, type, names };
	const char *lookup = pass->one ? selection_lookup(selection, type) : NULL;
	int r = 0;

	if (pass->number > 0 && !type->request)
		return 1;
	start(encoding, buffer, capacity, type);
	encoding->names = names;
	if (lookup && !type->lookup_only)
		r = put_lookup(&asking, lookup);
	else if (!lookup && !type->parts)
		r = put_filters(&asking);
	if (r == 0 && type->request)
		r = type->request(encoding, type, selection, pass);
	return r != 0 ? r : encode_done(encoding);
}
