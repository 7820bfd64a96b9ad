/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The heads of messages that have come. */

#include <errno.h>
#include <string.h>

#include "bus-message.h"

int bus_message_size(const uint8_t start[static MESSAGE_START], size_t *ret) {
	uint32_t body, fields;

	memcpy(&body, start + 4, sizeof body);
	memcpy(&fields, start + 12, sizeof fields);
	/* Who is on the same machine has the same order of bytes, and nobody else is spoken to. */
	if (start[0] != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B') || start[3] != 1 ||
	    fields > ARRAY_SIZE_MAX || body > MESSAGE_SIZE_MAX)
		return -EBADMSG;
	*ret = MESSAGE_START + ((size_t)fields + 7) / 8 * 8 + body;
	return *ret > MESSAGE_SIZE_MAX ? -EBADMSG : 0;
}

/* The value of a field, out of its variant. */
static int read_field(struct bus_message *m, uint8_t code, const char **ret_signature) {
	switch (code) {
	case BUS_FIELD_PATH: return bus_message_read(m, "v", "o", &m->path);
	case BUS_FIELD_INTERFACE: return bus_message_read(m, "v", "s", &m->interface);
	case BUS_FIELD_MEMBER: return bus_message_read(m, "v", "s", &m->member);
	case BUS_FIELD_ERROR: return bus_message_read(m, "v", "s", &m->error_name);
	case BUS_FIELD_REPLY_SERIAL: return bus_message_read(m, "v", "u", &m->reply_serial);
	case BUS_FIELD_SENDER: return bus_message_read(m, "v", "s", &m->sender);
	case BUS_FIELD_SIGNATURE: return bus_message_read(m, "v", "g", ret_signature);
	case BUS_FIELD_FDS: return bus_message_read(m, "v", "u", &m->fds_count);
	default: return bus_message_skip(m, "v");
	}
}

/* They are an array themselves, and read as one. */
static int read_fields(struct bus_message *m, const char **ret_signature) {
	static const char signature[] = "a(yv)";
	uint8_t code;
	int r;

	m->levels[0] = (struct bus_level){ .signature = signature,
					   .next = signature,
					   .end = signature + sizeof signature - 1,
					   .limit = m->head.size };
	m->at = MESSAGE_START - sizeof(uint32_t);
	r = bus_message_enter_container(m, 'a', "(yv)");
	while (r >= 0 && (r = bus_message_enter_container(m, 'r', "yv")) > 0) {
		r = bus_message_read_basic(m, 'y', &code);
		if (r >= 0)
			r = read_field(m, code, ret_signature);
		if (r >= 0)
			r = bus_message_exit_container(m);
	}
	return r < 0 ? r : bus_message_exit_container(m);
}

/* Each kind has what it is of no use without. */
static bool is_whole(const struct bus_message *m) {
	switch (m->kind) {
	case BUS_CALL: return m->path && m->member;
	case BUS_RETURN: return m->reply_serial > 0;
	case BUS_ERROR: return m->reply_serial > 0 && m->error_name;
	case BUS_SIGNAL: return m->path && m->interface && m->member;
	default: return m->kind > 0; /* which one that nobody knows yet is to be passed over */
	}
}

static int parse(struct bus_message *m, uint8_t *bytes, size_t size) {
	const char *signature = "";
	uint32_t fields;
	size_t begin;

	memcpy(&m->serial, bytes + 8, sizeof m->serial);
	memcpy(&fields, bytes + 12, sizeof fields);
	begin = MESSAGE_START + ((size_t)fields + 7) / 8 * 8;
	m->body = (struct bus_buffer){ .bytes = bytes, .size = MESSAGE_START + fields };
	m->head = m->body;
	if (read_fields(m, &signature) < 0 || !is_whole(m) || m->serial == 0 ||
	    m->fds_count > MESSAGE_FDS_MAX)
		return -EBADMSG;
	m->body = (struct bus_buffer){ .bytes = bytes + begin, .size = size - begin };
	m->levels[0] = (struct bus_level){ .signature = signature,
					   .next = signature,
					   .end = signature + strlen(signature),
					   .limit = m->body.size };
	m->at = 0;
	return 0;
}

int bus_message_parse(uint8_t *bytes, size_t size, struct bus_message **ret) {
	struct bus_message *m = calloc(1, sizeof *m);
	int r;

	if (!m)
		return -ENOMEM;
	m->kind = bytes[1];
	m->flags = bytes[2];
	m->has_come = true;
	r = parse(m, bytes, size);
	if (r < 0) {
		/* Neither the bytes are its own nor any descriptor, as long as it is none. */
		free(m);
		return r;
	}
	*ret = m;
	return 0;
}
