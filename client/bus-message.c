/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages that are made. What is appended is not held against what the containers were opened for:
 * who makes them here is the library itself.
 */

#include "bus-message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "escape.h"

struct bus_message *bus_message_free(struct bus_message *m) {
	if (!m)
		return NULL;
	/* Those of a message that was made are borrowed. */
	for (uint32_t i = 0; m->has_come && i < m->fds_count; i++)
		(void)close(m->fds[i]);
	free(m->fds);
	free(m->head.bytes);
	if (m->body.room > 0)
		free(m->body.bytes);
	free(m);
	return NULL;
}

/* ---- bytes ---- */

/* Room for so many, after zeros up to a multiple; NULL: there is none. */
static uint8_t *extend(struct bus_buffer *buffer, size_t alignment, size_t size) {
	size_t begin = (buffer->size + alignment - 1) & ~(alignment - 1), room = buffer->room;
	uint8_t *larger;

	if (size > MESSAGE_SIZE_MAX || begin + size > MESSAGE_SIZE_MAX)
		return NULL;
	if (begin + size > room) {
		room = room < 512 ? 1024 : room * 2;
		if (room < begin + size)
			room = begin + size;
		larger = realloc(buffer->bytes, room);
		if (!larger)
			return NULL;
		buffer->bytes = larger;
		buffer->room = room;
	}
	if (begin > buffer->size)
		memset(buffer->bytes + buffer->size, 0, begin - buffer->size);
	buffer->size = begin + size;
	return buffer->bytes + begin;
}

static int put(struct bus_buffer *buffer, const void *bytes, size_t alignment, size_t size) {
	uint8_t *place = extend(buffer, alignment, size);

	if (!place)
		return -ENOMEM;
	if (size > 0)
		memcpy(place, bytes, size);
	return 0;
}

static int put_number(struct bus_buffer *buffer, uint32_t number) {
	return put(buffer, &number, sizeof number, sizeof number);
}

static int put_text(struct bus_buffer *buffer, const char *text) {
	size_t length = strlen(text);
	int r = length > ARRAY_SIZE_MAX ? -EMSGSIZE : put_number(buffer, (uint32_t)length);

	return r < 0 ? r : put(buffer, text, 1, length + 1);
}

static int put_signature(struct bus_buffer *buffer, const char *signature, size_t length) {
	const uint8_t start = (uint8_t)length;
	int r = put(buffer, &start, 1, 1);

	if (r >= 0)
		r = put(buffer, signature, 1, length);
	return r < 0 ? r : put(buffer, "", 1, 1);
}

static int put_code(struct bus_buffer *head, uint8_t code, char type) {
	const uint8_t start[] = { code, 1, (uint8_t)type, 0 };

	return put(head, start, 8, sizeof start);
}

static int put_field(struct bus_buffer *head, uint8_t code, char type, const char *text) {
	int r = put_code(head, code, type);

	return r < 0 ? r : put_text(head, text);
}

static int put_number_field(struct bus_buffer *head, uint8_t code, uint32_t number) {
	int r = put_code(head, code, 'u');

	return r < 0 ? r : put_number(head, number);
}

/* ---- the head ---- */

/* What comes before the fields; how long they and the body are is not known yet, nor the number. */
static int new_message(enum bus_message_kind kind, struct bus_message **ret) {
	struct bus_message *m = calloc(1, sizeof *m);

	if (!m)
		return -ENOMEM;
	if (!extend(&m->head, 1, MESSAGE_START)) {
		bus_message_free(m);
		return -ENOMEM;
	}
	m->kind = (uint8_t)kind;
	*ret = m;
	return 0;
}

int bus_message_new_call(const char *destination, const char *path, const char *interface,
			 const char *member, struct bus_message **ret) {
	_cleanup_(bus_message_freep) struct bus_message *m = NULL;
	int r = new_message(BUS_CALL, &m);

	if (r >= 0)
		r = put_field(&m->head, BUS_FIELD_PATH, 'o', path);
	if (r >= 0)
		r = put_field(&m->head, BUS_FIELD_DESTINATION, 's', destination);
	if (r >= 0)
		r = put_field(&m->head, BUS_FIELD_INTERFACE, 's', interface);
	if (r >= 0)
		r = put_field(&m->head, BUS_FIELD_MEMBER, 's', member);
	if (r >= 0)
		*ret = take_pointer(m);
	return r;
}

int bus_message_new_refusal(const struct bus_message *call, struct bus_message **ret) {
	_cleanup_(bus_message_freep) struct bus_message *m = NULL;
	int r = new_message(BUS_ERROR, &m);

	if (r >= 0)
		r = put_field(&m->head, BUS_FIELD_ERROR, 's',
			      "org.freedesktop.DBus.Error.UnknownMethod");
	if (r >= 0)
		r = put_number_field(&m->head, BUS_FIELD_REPLY_SERIAL, call->serial);
	if (r >= 0 && call->sender)
		r = put_field(&m->head, BUS_FIELD_DESTINATION, 's', call->sender);
	if (r >= 0)
		r = bus_message_append_basic(m, 's', "Nobody here hears calls");
	if (r < 0)
		return r;
	m->flags = BUS_NO_REPLY;
	*ret = take_pointer(m);
	return 0;
}

static uint8_t byte_order(void) {
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B';
}

int bus_message_seal(struct bus_message *m, uint32_t serial) {
	const uint8_t start[] = { byte_order(), m->kind, m->flags, 1 };
	uint32_t numbers[3];
	int r = 0;

	if (*m->signature) {
		r = put_code(&m->head, BUS_FIELD_SIGNATURE, 'g');
		if (r >= 0)
			r = put_signature(&m->head, m->signature, strlen(m->signature));
	}
	if (r >= 0 && m->fds_count > 0)
		r = put_number_field(&m->head, BUS_FIELD_FDS, m->fds_count);
	if (r < 0)
		return r;
	numbers[0] = (uint32_t)m->body.size;
	numbers[1] = m->serial = serial;
	numbers[2] = (uint32_t)(m->head.size - MESSAGE_START);
	memcpy(m->head.bytes, start, sizeof start);
	memcpy(m->head.bytes + sizeof start, numbers, sizeof numbers);
	if (!extend(&m->head, 8, 0))
		return -ENOMEM;
	return m->head.size + m->body.size > MESSAGE_SIZE_MAX ? -EMSGSIZE : 0;
}

/* ---- values ---- */

bool bus_message_path_is_valid(const char *path) {
	const char *p = path;

	if (strcmp(path, "/") == 0)
		return true;
	while (*p == '/') {
		size_t n = strspn(++p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789_");

		if (n == 0)
			return false;
		p += n;
	}
	return p > path && !*p;
}

static bool text_is_valid(char type, const char *text) {
	size_t n = 1;

	if (type == 'o')
		return bus_message_path_is_valid(text);
	for (; *text && n > 0; text += n)
		n = escape_character(text);
	return n > 0;
}

static int append_fd(struct bus_message *m, int fd) {
	int *larger;

	if (fcntl(fd, F_GETFD) < 0)
		return -errno;
	if (m->fds_count >= MESSAGE_FDS_MAX)
		return -E2BIG;
	larger = reallocarray(m->fds, m->fds_count + 1, sizeof *m->fds);
	if (!larger)
		return -ENOMEM;
	m->fds = larger;
	m->fds[m->fds_count] = fd;
	return put_number(&m->body, m->fds_count++);
}

/* What stands in the message itself, and not in a container, is the message's signature. */
static int note_type(struct bus_message *m, const char *begin, const char *contents,
		     const char *end) {
	size_t length = strlen(m->signature);
	int n;

	if (m->depth > 0)
		return 0;
	n = snprintf(m->signature + length, sizeof m->signature - length, "%s%s%s", begin, contents,
		     end);
	return (size_t)n < sizeof m->signature - length ? 0 : -E2BIG;
}

static int append_value(struct bus_message *m, char type, const void *value) {
	size_t size = signature_size(type);
	uint32_t flag;

	switch (type) {
	case 'h': return append_fd(m, *(const int *)value);
	case 'b': memcpy(&flag, value, sizeof flag); return put_number(&m->body, flag != 0);
	case 's':
	case 'o': return text_is_valid(type, value) ? put_text(&m->body, value) : -EINVAL;
	case 'g':
		return signature_is_valid(value, strlen(value))
			       ? put_signature(&m->body, value, strlen(value))
			       : -EINVAL;
	default: return size > 0 ? put(&m->body, value, size, size) : -EINVAL;
	}
}

int bus_message_append_basic(struct bus_message *m, char type, const void *value) {
	const char signature[] = { type, '\0' };
	int r = value ? append_value(m, type, value) : -EINVAL;

	return r < 0 ? r : note_type(m, signature, "", "");
}

int bus_message_append_array(struct bus_message *m, char type, const void *bytes, size_t size) {
	const char contents[] = { type, '\0' };
	int r = bus_message_open_container(m, 'a', contents);

	if (r >= 0)
		r = put(&m->body, bytes, signature_size(type), size);
	return r < 0 ? r : bus_message_close_container(m);
}

/* ---- containers ---- */

int bus_message_open_container(struct bus_message *m, char type, const char *contents) {
	struct bus_level *level = &m->levels[m->depth + 1];
	const char *begin = type == 'r' ? "(" : type == 'e' ? "{" : type == 'a' ? "a" : "v";
	const char *end = type == 'r' ? ")" : type == 'e' ? "}" : "";
	int r = note_type(m, begin, type == 'v' ? "" : contents, end);

	if (r < 0)
		return r;
	if (m->depth >= SIGNATURE_DEPTH_MAX)
		return -E2BIG;
	if (type == 'v')
		r = signature_is_single(contents, strlen(contents))
			    ? put_signature(&m->body, contents, strlen(contents))
			    : -EINVAL;
	else if (type == 'a') {
		r = put_number(&m->body, 0);
		level->limit = m->body.size - sizeof(uint32_t);
		if (r >= 0 && !extend(&m->body, signature_alignment(*contents), 0))
			r = -ENOMEM;
	} else
		r = extend(&m->body, 8, 0) ? 0 : -ENOMEM;
	if (r < 0)
		return r;
	level->type = type;
	level->begin = m->body.size;
	m->depth++;
	return 0;
}

int bus_message_close_container(struct bus_message *m) {
	const struct bus_level *level = &m->levels[m->depth];
	uint32_t length;

	if (m->depth == 0)
		return -EINVAL;
	m->depth--;
	if (level->type != 'a')
		return 0;
	length = (uint32_t)(m->body.size - level->begin);
	if (length > ARRAY_SIZE_MAX)
		return -EMSGSIZE;
	memcpy(m->body.bytes + level->limit, &length, sizeof length);
	return 0;
}

static int append_all(struct bus_message *m, const char *types, const char *end,
		      va_list *arguments);

/* What is in brackets or braces. */
static int append_struct(struct bus_message *m, const char *types, size_t length,
			 va_list *arguments) {
	char contents[SIGNATURE_MAX + 1];
	int r;

	memcpy(contents, types + 1, length - 2);
	contents[length - 2] = '\0';
	r = bus_message_open_container(m, *types == '{' ? 'e' : 'r', contents);
	if (r >= 0)
		r = append_all(m, types + 1, types + length - 1, arguments);
	return r < 0 ? r : bus_message_close_container(m);
}

static int append_variant(struct bus_message *m, va_list *arguments) {
	const char *contents = va_arg(*arguments, const char *);
	int r = bus_message_open_container(m, 'v', contents);

	if (r >= 0)
		r = append_all(m, contents, contents + strlen(contents), arguments);
	return r < 0 ? r : bus_message_close_container(m);
}

static int append_number(struct bus_message *m, char type, va_list *arguments) {
	uint64_t large;
	uint32_t small;

	if (type == 't' || type == 'x') {
		large = va_arg(*arguments, uint64_t);
		return bus_message_append_basic(m, type, &large);
	}
	small = va_arg(*arguments, uint32_t);
	return strchr("buih", type) ? bus_message_append_basic(m, type, &small) : -EINVAL;
}

static int append_all(struct bus_message *m, const char *types, const char *end,
		      va_list *arguments) {
	size_t length;
	int r = 0;

	for (; r >= 0 && types < end; types += length) {
		length = signature_first(types, end);
		if (length == 0 || length > SIGNATURE_MAX)
			return -EINVAL;
		switch (*types) {
		case '(':
		case '{': r = append_struct(m, types, length, arguments); break;
		case 'v': r = append_variant(m, arguments); break;
		case 's':
		case 'o':
		case 'g':
			r = bus_message_append_basic(m, *types, va_arg(*arguments, const char *));
			break;
		default: r = append_number(m, *types, arguments);
		}
	}
	return r;
}

int bus_message_append_list(struct bus_message *m, const char *types, va_list arguments) {
	va_list copy; /* since a va_list that came as an argument has no address of its own type */
	int r;

	va_copy(copy, arguments);
	r = append_all(m, types, types + strlen(types), &copy);
	va_end(copy);
	return r;
}

int bus_message_append(struct bus_message *m, const char *types, ...) {
	va_list arguments;
	int r;

	va_start(arguments, types);
	r = bus_message_append_list(m, types, arguments);
	va_end(arguments);
	return r;
}
