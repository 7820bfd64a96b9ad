/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "encode.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- bytes ---- */

void *encode_append(struct encoding *encoding, size_t size) {
	const size_t whole = NLA_ALIGN(size);
	uint8_t *at = encoding->bytes + encoding->size;

	if (encoding->overflown || whole > encoding->capacity - encoding->size) {
		encoding->overflown = true;
		return NULL;
	}
	encoding->size += whole;
	return memset(at, 0, whole);
}

void encode_start(struct encoding *encoding, void *buffer, size_t capacity, uint16_t type,
		  uint16_t flags, size_t header) {
	struct nlmsghdr *head;

	memset(encoding, 0, offsetof(struct encoding, marks));
	encoding->n_marks = 0;
	encoding->outer = NULL;
	encoding->level = ENCODE_MARKS_MAX;
	encoding->bytes = buffer;
	encoding->capacity = capacity;
	encoding->header = encoding->attributes = NLMSG_HDRLEN;
	head = encode_append(encoding, NLMSG_HDRLEN);
	if (head)
		*head = (struct nlmsghdr){ .nlmsg_type = type, .nlmsg_flags = flags };
	(void)encode_append(encoding, header);
	encoding->attributes = encoding->size;
}

void *encode_header(const struct encoding *encoding) {
	return encoding->bytes + encoding->header;
}

int encode_done(struct encoding *encoding) {
	struct nlmsghdr *head = (void *)encoding->bytes;

	if (encoding->overflown)
		return -EMSGSIZE;
	head->nlmsg_len = (uint32_t)encoding->size;
	return 0;
}

void *encode_put_room(struct encoding *encoding, uint16_t attribute, size_t size) {
	struct nlattr *head = NULL;

	if (size > UINT16_MAX - NLA_HDRLEN)
		encoding->overflown = true;
	else
		head = encode_append(encoding, NLA_HDRLEN + size);
	if (!head)
		return NULL;
	*head = (struct nlattr){ .nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = attribute };
	return (uint8_t *)head + NLA_HDRLEN;
}

void encode_put(struct encoding *encoding, uint16_t attribute, const void *data, size_t size) {
	void *to = encode_put_room(encoding, attribute, size);

	if (to && size > 0)
		memcpy(to, data, size);
}

void encode_put_u8(struct encoding *encoding, uint16_t attribute, uint8_t value) {
	encode_put(encoding, attribute, &value, sizeof value);
}

void encode_put_u16(struct encoding *encoding, uint16_t attribute, uint16_t value) {
	encode_put(encoding, attribute, &value, sizeof value);
}

void encode_put_u32(struct encoding *encoding, uint16_t attribute, uint32_t value) {
	encode_put(encoding, attribute, &value, sizeof value);
}

void encode_put_u64(struct encoding *encoding, uint16_t attribute, uint64_t value) {
	encode_put(encoding, attribute, &value, sizeof value);
}

void encode_put_string(struct encoding *encoding, uint16_t attribute, const char *text) {
	encode_put(encoding, attribute, text, strlen(text) + 1);
}

size_t encode_nest_plain(struct encoding *encoding, uint16_t attribute) {
	size_t at = encoding->size;

	(void)encode_put_room(encoding, attribute, 0);
	return at;
}

size_t encode_nest(struct encoding *encoding, uint16_t attribute) {
	return encode_nest_plain(encoding, attribute | NLA_F_NESTED);
}

void encode_nest_end(struct encoding *encoding, size_t nest) {
	struct nlattr *head = (void *)(encoding->bytes + nest);

	if (encoding->size - nest > UINT16_MAX)
		encoding->overflown = true;
	if (!encoding->overflown)
		head->nla_len = (uint16_t)(encoding->size - nest);
}

/* ---- where a field is ---- */

uint16_t encode_mark(struct encoding *encoding, const struct netlink_field *field, size_t element) {
	const bool in_header = field->from == NETLINK_FROM_HEADER;

	if (encoding->n_marks == ENCODE_MARKS_MAX)
		return ENCODE_MARKS_MAX;
	encoding->marks[encoding->n_marks] = (struct encoding_mark){
		.offset = (uint32_t)(in_header ? encoding->header + field->at : encoding->size),
		.parent = encoding->level,
		.element = (uint16_t)element,
		.field = field,
	};
	return (uint16_t)encoding->n_marks++;
}

static void add_step(char *path, size_t size, const char *name, unsigned element) {
	size_t used = strlen(path);

	if (*name)
		(void)snprintf(path + used, size - used, ".%s", name);
	used = strlen(path);
	if (element > 0)
		(void)snprintf(path + used, size - used, "[%u]", element - 1);
}

static void describe(const struct encoding *encoding, uint16_t at, char *path, size_t size) {
	uint16_t steps[USHER_NETLINK_DEPTH_MAX * 2];
	size_t n = 0;

	(void)snprintf(path, size, "%s", encoding->argument ?: "row");
	for (; at < encoding->n_marks && n < sizeof steps / sizeof *steps; n++) {
		steps[n] = at;
		at = encoding->marks[at].parent;
	}
	while (n-- > 0)
		add_step(path, size, encoding->marks[steps[n]].field->name,
			 encoding->marks[steps[n]].element);
}

/* The innermost of those that begin there, which was marked last; ENCODE_MARKS_MAX: there is none.
 */
static uint16_t find_mark(const struct encoding *encoding, uint32_t offset) {
	for (size_t i = encoding->n_marks; i-- > 0;)
		if (encoding->marks[i].offset == offset)
			return (uint16_t)i;
	return ENCODE_MARKS_MAX;
}

bool encode_path_at(const struct encoding *encoding, uint32_t offset, char *path, size_t size) {
	const uint16_t at = find_mark(encoding, offset);

	if (at < ENCODE_MARKS_MAX)
		describe(encoding, at, path, size);
	return at < ENCODE_MARKS_MAX;
}

bool encode_path_within(const struct encoding *encoding, uint32_t offset, uint16_t attribute,
			char *path, size_t size) {
	const uint16_t at = offset > 0 ? find_mark(encoding, offset) : ENCODE_MARKS_MAX;
	const struct netlink_schema *schema = at < ENCODE_MARKS_MAX ? encoding->marks[at].schema
					      : offset == 0         ? encoding->outermost
								    : NULL;

	for (const struct netlink_field *field = schema ? schema->fields : NULL;
	     field && field->name; field++)
		if (field->from == NETLINK_FROM_ATTRIBUTE && field->at == attribute) {
			describe(encoding, at, path, size);
			add_step(path, size, field->name, 0);
			return true;
		}
	return false;
}

int encode_refuse(struct encoding *encoding, const struct netlink_field *field, const char *format,
		  ...) {
	char path[256], text[512];
	va_list arguments;

	describe(encoding, encoding->level, path, sizeof path);
	if (field)
		add_step(path, sizeof path, field->name, 0);
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (!encoding->refusal)
		return REFUSED_INVALID;
	return refusal_note(encoding->refusal, REFUSED_INVALID, "%s: %s", path, text);
}
