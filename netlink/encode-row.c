/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the values of a row go in the message, by the tables. */

#include <endian.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"
#include "encode.h"
#include "fd.h"

/* ---- fields ---- */

static bool is_integer(const struct netlink_field *field) {
	return field->form >= USHER_NETLINK_BOOL && field->form <= USHER_NETLINK_S64;
}

/* The lowest bytes, in the order of the machine or of the network. */
static void store(const struct netlink_field *field, uint64_t value, void *to) {
	const size_t size = encode_width(field);
	uint64_t ordered = field->network_order ? htobe64(value) : htole64(value);

	if (field->network_order)
		memcpy(to, (uint8_t *)&ordered + (8 - size), size);
	else {
#if __BYTE_ORDER == __LITTLE_ENDIAN
		memcpy(to, &value, size);
#else
		memcpy(to, (uint8_t *)&value + (8 - size), size);
#endif
	}
}

void *encode_structure(struct encoding *encoding, uint16_t attribute, size_t whole) {
	size_t at = encoding->attributes;

	while (!encoding->overflown && at + NLA_HDRLEN <= encoding->size) {
		const struct nlattr *head = (const void *)(encoding->bytes + at);

		if ((head->nla_type & NLA_TYPE_MASK) == attribute &&
		    head->nla_len >= NLA_HDRLEN + whole)
			return encoding->bytes + at + NLA_HDRLEN;
		if (head->nla_len < NLA_HDRLEN)
			break;
		at += NLA_ALIGN(head->nla_len);
	}
	return encode_put_room(encoding, attribute, whole);
}

/* Where `size` bytes of a field go; NULL where there is no room. A string has a zero behind it. */
static uint8_t *place_of(struct encoding *encoding, const struct netlink_field *field,
			 size_t size) {
	switch (field->from) {
	case NETLINK_FROM_HEADER:
		if (encoding->header + field->at + size > encoding->attributes)
			encoding->overflown = true;
		return encoding->overflown ? NULL : encoding->bytes + encoding->header + field->at;
	case NETLINK_FROM_STRUCTURE: {
		uint8_t *at = encode_structure(encoding, field->at, field->whole);

		if (field->within + size > field->whole)
			encoding->overflown = true;
		return encoding->overflown ? NULL : at + field->within;
	}
	default: return encode_put_room(encoding, field->at, size);
	}
}

static int encode_integer(struct encoding *encoding, const struct netlink_field *field,
			  const Usher__Value *value) {
	uint64_t number;
	int r = encode_number(encoding, field, value, &number);
	uint8_t *to;

	if (r == 0 && field->flag) {
		if (number)
			encode_put(encoding, field->at, NULL, 0);
		return 0;
	}
	to = r == 0 ? place_of(encoding, field, encode_width(field)) : NULL;

	if (to)
		store(field, number, to);
	return r;
}

static int encode_plain(struct encoding *encoding, const struct netlink_field *field,
			const void *data, size_t size) {
	uint8_t *to = place_of(encoding, field, size);

	if (to && size > 0)
		memcpy(to, data, size);
	return 0;
}

static int encode_value(struct encoding *encoding, const struct netlink_field *field,
			const Usher__Value *value) {
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_free_ char *text = NULL;
	struct usher_netlink_address address;
	size_t size;
	int r;

	switch (field->form) {
	case USHER_NETLINK_STRING:
		r = encode_text(encoding, field, value, &text);
		return r == 0 ? encode_plain(encoding, field, text, strlen(text) + 1) : r;
	case USHER_NETLINK_ADDRESS:
	case USHER_NETLINK_PREFIX:
		r = encode_address(encoding, field, value, &address);
		if (r != 0 || address.family == 0)
			return r;
		return encode_plain(encoding, field, address.bytes,
				    address.family == AF_INET ? 4 : 16);
	case USHER_NETLINK_HARDWARE:
	case USHER_NETLINK_BYTES:
		r = encode_bytes(encoding, field, value, &bytes, &size);
		return r == 0 ? encode_plain(encoding, field, bytes, size) : r;
	default: return encode_integer(encoding, field, value);
	}
}

/* ---- what is in another ---- */

struct encoding_outer {
	size_t header, attributes;
	const struct netlink_schema *schema;
	const Usher__Row *row;
	uint16_t mark;
	const struct encoding_outer *outer;
};

static void descend(struct encoding *encoding, uint16_t into, struct encoding_outer *above) {
	*above = (struct encoding_outer){ encoding->header, encoding->attributes, encoding->schema,
					  encoding->row,    encoding->level,      encoding->outer };
	encoding->level = into;
	encoding->outer = above;
}

static void ascend(struct encoding *encoding, const struct encoding_outer *above) {
	encoding->header = above->header;
	encoding->attributes = above->attributes;
	encoding->schema = above->schema;
	encoding->row = above->row;
	encoding->level = above->mark;
	encoding->outer = above->outer;
}

static int encode_level(struct encoding *encoding, const struct netlink_schema *schema,
			const Usher__Row *row) {
	encoding->header = encoding->size;
	(void)encode_append(encoding, schema->fixed);
	encoding->attributes = encoding->size;
	if (schema->begin)
		schema->begin(encoding);
	return encode_row(encoding, schema, row);
}

static int encode_marked(struct encoding *encoding, uint16_t mark,
			 const struct netlink_schema *schema, const Usher__Row *row) {
	struct encoding_outer above;
	int r;

	descend(encoding, mark, &above);
	if (mark < ENCODE_MARKS_MAX)
		encoding->marks[mark].schema = schema;
	r = encode_level(encoding, schema, row);
	ascend(encoding, &above);
	return r;
}

int encode_inner(struct encoding *encoding, const struct netlink_field *field,
		 const struct netlink_schema *schema, const Usher__Row *row, size_t element) {
	return encode_marked(encoding, encode_mark(encoding, field, element), schema, row);
}

/* An attribute that is an object. */
static int encode_one(struct encoding *encoding, const struct netlink_field *field,
		      uint16_t attribute, const struct netlink_schema *schema,
		      const Usher__Row *row, size_t element) {
	const uint16_t mark = encode_mark(encoding, field, element);
	const size_t nest = schema->fixed > 0 ? encode_nest_plain(encoding, attribute)
					      : encode_nest(encoding, attribute);
	int r = encode_marked(encoding, mark, schema, row);

	encode_nest_end(encoding, nest);
	return r;
}

/* An attribute each, one behind the other in one, or an array of structures. */
static int encode_list_of_objects(struct encoding *encoding, const struct netlink_field *field,
				  const struct netlink_schema *schema, const Usher__Value *value) {
	size_t n = 0, nest = 0;
	int r = encode_objects(encoding, field, value, &n);

	if (r == 0 && !field->repeated)
		nest = schema->structure ? encode_nest_plain(encoding, field->at)
					 : encode_nest(encoding, field->at);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const Usher__Row *row = encode_object(value, i);

		if (!schema->structure || field->repeated)
			r = encode_one(encoding, field,
				       field->repeated   ? field->at
				       : schema->element ? schema->element
							 : (uint16_t)(i + 1),
				       schema, row, i + 1);
		else
			r = encode_inner(encoding, field, schema, row, i + 1);
	}
	if (r == 0 && !field->repeated)
		encode_nest_end(encoding, nest);
	return r;
}

/* A plain array of numbers lies as they are wide, without what aligns attributes. */
static int encode_array(struct encoding *encoding, const struct netlink_field *field,
			const struct netlink_field *element, const Usher__Values *values) {
	const size_t width = encode_width(element);
	uint8_t *to = encode_put_room(encoding, field->at, values->n_values * width);
	int r = 0;

	for (size_t i = 0; r == 0 && i < values->n_values; i++) {
		uint64_t number;

		r = encode_number(encoding, element, values->values[i], &number);
		if (r == 0 && to)
			store(element, number, to + i * width);
	}
	return r;
}

static int encode_list(struct encoding *encoding, const struct netlink_field *field,
		       const Usher__Value *value) {
	const struct netlink_field *element = field->nested->fields;
	struct netlink_field each = *element;
	struct encoding_outer above;
	size_t nest = 0;
	int r = 0;

	if (!value->list)
		return encode_refuse(encoding, field, "is a list");
	descend(encoding, encode_mark(encoding, field, 0), &above);
	if (field->nested->structure && is_integer(element))
		r = encode_array(encoding, field, element, value->list);
	else {
		if (!field->repeated)
			nest = encode_nest(encoding, field->at);
		each.from = NETLINK_FROM_ATTRIBUTE;
		for (size_t i = 0; r == 0 && i < value->list->n_values; i++) {
			each.at = field->repeated   ? field->at
				  : element->at > 0 ? element->at
						    : (uint16_t)(i + 1);
			r = encode_field(encoding, &each, value->list->values[i]);
		}
		if (!field->repeated)
			encode_nest_end(encoding, nest);
	}
	ascend(encoding, &above);
	return r;
}

/* Which schema an object has; NULL where its kind is not known, and it can be bytes only. */
static const struct netlink_schema *schema_of(const struct encoding *encoding,
					      const struct netlink_field *field) {
	const Usher__Value *kind;

	if (!field->variants)
		return field->nested;
	kind = encode_member(encoding->row, field->variant_by);
	for (const struct encoding_outer *at = encoding->outer; !kind && at; at = at->outer)
		kind = encode_member(at->row, field->variant_by); /* it may be further out */
	for (const struct netlink_variant *variant = field->variants; variant->kind; variant++)
		if (kind && kind->text && strcmp(kind->text, variant->kind) == 0)
			return variant->schema;
	return NULL;
}

static int encode_container(struct encoding *encoding, const struct netlink_field *field,
			    const Usher__Value *value) {
	const struct netlink_schema *schema = schema_of(encoding, field);
	const Usher__Value *raw = value->row ? encode_member(value->row, "raw") : NULL;

	/* of a kind that nobody here has words for */
	if (!schema && (value->has_bytes || (raw && raw->has_bytes))) {
		const ProtobufCBinaryData *bytes = raw ? &raw->bytes : &value->bytes;

		encode_put(encoding, field->at, bytes->data, bytes->len);
		return 0;
	}
	if (!schema)
		return encode_refuse(encoding, field, "takes a '%s' that is known",
				     field->variant_by ?: "kind");
	if (field->form == USHER_NETLINK_OBJECTS)
		return encode_list_of_objects(encoding, field, schema, value);
	if (!value->row)
		return encode_refuse(encoding, field, "is an a{sv}");
	return encode_one(encoding, field, field->at, schema, value->row, 0);
}

/* `dev` is the name of what another field of the row has the number of, at the same place. */
static int encode_name_of_interface(struct encoding *encoding, const struct netlink_field *field,
				    const Usher__Value *value) {
	uint64_t index;
	uint32_t number;
	uint8_t *to;
	int r;

	for (const struct netlink_field *at = encoding->schema->fields; at->name; at++)
		if (at != field && at->from == field->from && at->at == field->at &&
		    encode_member(encoding->row, at->name))
			return 0; /* which is as good, and does not change with the name */
	if (!value->text)
		return encode_refuse(encoding, field, "is the name of an interface");
	r = encode_index(encoding, field, value->text, &index);
	number = (uint32_t)index;
	to = r == 0 ? place_of(encoding, field, sizeof number) : NULL;
	if (to)
		memcpy(to, &number, sizeof number);
	return r;
}

int encode_field(struct encoding *encoding, const struct netlink_field *field,
		 const Usher__Value *value) {
	if (field->read_only && !encoding->told)
		return encode_refuse(encoding, field, "only the kernel sets it");
	if (field->read_only)
		return 0;
	if (field->form != USHER_NETLINK_OBJECT && field->form != USHER_NETLINK_OBJECTS &&
	    field->form != USHER_NETLINK_LIST)
		(void)encode_mark(encoding, field, 0);
	if (field->encode)
		return field->encode(encoding, field, value);
	if (field->decode == decode_device)
		return encode_name_of_interface(encoding, field, value);
	if (field->from == NETLINK_COMPUTED)
		return encoding->told ? 0
				      : encode_refuse(encoding, field, "only the kernel sets it");
	switch (field->form) {
	case USHER_NETLINK_OBJECT:
	case USHER_NETLINK_OBJECTS: return encode_container(encoding, field, value);
	case USHER_NETLINK_LIST: return encode_list(encoding, field, value);
	default: return encode_value(encoding, field, value);
	}
}

/* ---- hooks that several types have ---- */

static int encode_prefix(struct encoding *encoding, const struct netlink_field *field,
			 const Usher__Value *value, size_t where) {
	struct usher_netlink_address address;
	int r = encode_address(encoding, field, value, &address);

	if (r != 0 || encoding->overflown)
		return r;
	((uint8_t *)encode_header(encoding))[where] = address.length;
	if (address.length > 0)
		encode_put(encoding, field->at, address.bytes, address.family == AF_INET ? 4 : 16);
	return 0;
}

/* That is where routes and rules have it. */
int encode_destination(struct encoding *encoding, const struct netlink_field *field,
		       const void *value) {
	return encode_prefix(encoding, field, value, offsetof(struct rtmsg, rtm_dst_len));
}

int encode_source(struct encoding *encoding, const struct netlink_field *field, const void *value) {
	return encode_prefix(encoding, field, value, offsetof(struct rtmsg, rtm_src_len));
}

/* Any other number would be one of our own descriptors. */
int encode_file(struct encoding *encoding, const struct netlink_field *field, const void *data) {
	const Usher__Value *value = data;
	int fd = -1, r = 0;

	if (value->has_descriptor_fd && encoding->fds)
		r = encode_descriptor(encoding, field, value, &fd);
	else if (!value->has_descriptor_fd &&
		 !(value->has_signed_number && value->signed_number == -1))
		r = encode_refuse(encoding, field, "is a descriptor, or -1");
	if (r == 0)
		encode_put_u32(encoding, field->at, (uint32_t)fd);
	return r;
}

/* ---- rows ---- */

/* Whether an earlier field has the same name: they are one column at several places. */
static bool is_repeated(const struct netlink_schema *schema, const struct netlink_field *field) {
	for (const struct netlink_field *at = schema->fields; at < field; at++)
		if (strcmp(at->name, field->name) == 0)
			return true;
	return false;
}

static bool has_field(const struct netlink_schema *schema, const char *name) {
	for (const struct netlink_field *field = schema->fields; field->name; field++)
		if (strcmp(field->name, name) == 0)
			return true;
	return false;
}

/* Each of the row's members is a field's, once. */
static int check_members(struct encoding *encoding, const struct netlink_schema *schema,
			 const Usher__Row *row) {
	for (size_t i = 0; i < row->n_members; i++) {
		const char *key = row->members[i]->key;

		if (!has_field(schema, key)) {
			const char *near = netlink_field_suggest(schema, key);

			return encode_refuse(encoding, NULL, "there is no field '%.64s'%s%s%s", key,
					     near ? "; is it '" : "", near ?: "", near ? "'?" : "");
		}
		if (encode_member(row, key) != row->members[i]->value)
			return encode_refuse(encoding, NULL, "'%.64s' is there twice", key);
	}
	return 0;
}

/* In the order of the table, which is one that the kernel can read. */
int encode_row(struct encoding *encoding, const struct netlink_schema *schema,
	       const Usher__Row *row) {
	int r = check_members(encoding, schema, row);

	encoding->schema = schema;
	encoding->row = row;
	if (encoding->level == ENCODE_MARKS_MAX)
		encoding->outermost = schema;
	for (const struct netlink_field *field = schema->fields; r == 0 && field->name; field++) {
		const Usher__Value *value = encode_member(row, field->name);

		if (value && !is_repeated(schema, field))
			r = encode_field(encoding, field, value);
	}
	return r;
}
