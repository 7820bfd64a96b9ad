/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages that have come, value by value. Nothing in them is believed before it is read: each is
 * within its container, and what the signature says.
 */

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "bus-message.h"
#include "escape.h"

/* ---- bytes ---- */

/* The next so many, after zeros up to a multiple; NULL: the container ends before. */
static const uint8_t *take(struct bus_message *m, size_t alignment, size_t size) {
	size_t limit = m->levels[m->depth].limit,
	       begin = (m->at + alignment - 1) & ~(alignment - 1);

	if (begin > limit || size > limit - begin)
		return NULL;
	for (; m->at < begin; m->at++)
		if (m->body.bytes[m->at] != 0)
			return NULL;
	m->at += size;
	return m->body.bytes + begin;
}

static int take_number(struct bus_message *m, uint32_t *ret) {
	const uint8_t *bytes = take(m, sizeof *ret, sizeof *ret);

	if (!bytes)
		return -EBADMSG;
	memcpy(ret, bytes, sizeof *ret);
	return 0;
}

static int take_text(struct bus_message *m, size_t length, const char **ret) {
	const char *text = (const char *)take(m, 1, length + 1);

	if (!text || memchr(text, 0, length + 1) != text + length)
		return -EBADMSG;
	*ret = text;
	return 0;
}

static int take_signature(struct bus_message *m, const char **ret) {
	const uint8_t *length = take(m, 1, 1);

	return length ? take_text(m, *length, ret) : -EBADMSG;
}

static bool is_utf8(const char *text) {
	size_t n = 1;

	for (; *text && n > 0; text += n)
		n = escape_character(text);
	return n > 0;
}

static int take_string(struct bus_message *m, char type, const char **ret) {
	uint32_t length;
	int r;

	if (type == 'g') {
		r = take_signature(m, ret);
		return r < 0 || signature_is_valid(*ret, strlen(*ret)) ? r : -EBADMSG;
	}
	r = take_number(m, &length);
	if (r >= 0)
		r = take_text(m, length, ret);
	if (r < 0)
		return r;
	return (type == 'o' ? bus_message_path_is_valid(*ret) : is_utf8(*ret)) ? 0 : -EBADMSG;
}

static int take_value(struct bus_message *m, char type, void *ret) {
	size_t size = signature_size(type);
	const uint8_t *bytes;
	uint32_t number;

	if (size == 0)
		return take_string(m, type, ret);
	bytes = take(m, size, size);
	if (!bytes)
		return -EBADMSG;
	memcpy(ret, bytes, size);
	if (type != 'b' && type != 'h')
		return 0;
	memcpy(&number, bytes, sizeof number);
	if (type == 'b')
		return number <= 1 ? 0 : -EBADMSG;
	if (number >= m->fds_count)
		return -EBADMSG;
	memcpy(ret, &m->fds[number], sizeof(int));
	return 0;
}

/* ---- types ---- */

bool bus_message_at_end(const struct bus_message *m) {
	const struct bus_level *level = &m->levels[m->depth];

	return level->type == 'a' ? m->at >= level->limit : level->next == level->end;
}

/* The length of the type that comes next; 0 at the end of an array, -ENXIO at another. */
static int next_type(struct bus_message *m, const char **ret) {
	struct bus_level *level = &m->levels[m->depth];

	if (bus_message_at_end(m))
		return level->type == 'a' ? 0 : -ENXIO;
	*ret = level->type == 'a' ? level->signature : level->next;
	return (int)signature_first(*ret, level->end);
}

/* A value of so long a type has been read, or is about to be. */
static void pass_type(struct bus_message *m, int length) {
	struct bus_level *level = &m->levels[m->depth];

	if (level->type != 'a')
		level->next += length;
}

int bus_message_read_basic(struct bus_message *m, char type, void *ret) {
	const char *next;
	int length = next_type(m, &next), r;

	if (length <= 0)
		return length;
	if (*next != type || length != 1 || type == 'v')
		return -ENXIO;
	r = take_value(m, type, ret);
	if (r < 0)
		return r;
	pass_type(m, length);
	return 1;
}

/* ---- containers ---- */

static bool is_same(const char *contents, const char *begin, const char *end) {
	size_t length = (size_t)(end - begin);

	return !contents || (strncmp(contents, begin, length) == 0 && !contents[length]);
}

static int enter_array(struct bus_message *m, struct bus_level *level) {
	uint32_t size;

	if (take_number(m, &size) < 0 || !take(m, signature_alignment(*level->signature), 0) ||
	    size > m->levels[m->depth].limit - m->at)
		return -EBADMSG;
	level->begin = m->at;
	level->limit = m->at + size;
	return 0;
}

static int enter_variant(struct bus_message *m, const char *contents, struct bus_level *level) {
	size_t at = m->at;

	if (take_signature(m, &level->signature) < 0 ||
	    !signature_is_single(level->signature, strlen(level->signature)))
		return -EBADMSG;
	level->end = level->signature + strlen(level->signature);
	if (is_same(contents, level->signature, level->end))
		return 0;
	m->at = at;
	return -ENXIO;
}

/* What is in a container of this type, of which so long a signature is the whole. */
static int look_inside(struct bus_message *m, const char *type, int length, const char *contents,
		       struct bus_level *level) {
	if (*type == 'v')
		return enter_variant(m, contents, level);
	level->signature = type + 1;
	level->end = type + length - (*type != 'a');
	if (!is_same(contents, level->signature, level->end))
		return -ENXIO;
	if (*type == 'a')
		return enter_array(m, level);
	return take(m, 8, 0) ? 0 : -EBADMSG;
}

int bus_message_enter_container(struct bus_message *m, char type, const char *contents) {
	struct bus_level level = { .type = type, .limit = m->levels[m->depth].limit };
	const char *next;
	int length = next_type(m, &next), r;

	if (length <= 0)
		return length;
	if (*next != (type == 'r' ? '(' : type == 'e' ? '{' : type))
		return -ENXIO;
	if (m->depth >= SIGNATURE_DEPTH_MAX)
		return -EBADMSG;
	r = look_inside(m, next, length, contents, &level);
	if (r < 0)
		return r;
	pass_type(m, length);
	level.next = level.signature;
	m->levels[++m->depth] = level;
	return 1;
}

int bus_message_exit_container(struct bus_message *m) {
	if (m->depth == 0)
		return -EINVAL;
	if (!bus_message_at_end(m))
		return -EBUSY;
	m->depth--;
	return 0;
}

static int skip_value(struct bus_message *m) {
	const char *next;
	int length = next_type(m, &next), r;
	uint64_t unwanted;

	if (length <= 0)
		return length;
	if (!strchr("av({", *next))
		return bus_message_read_basic(m, *next, &unwanted);
	r = bus_message_enter_container(m, *next == '(' ? 'r' : *next == '{' ? 'e' : *next, NULL);
	while (r >= 0 && !bus_message_at_end(m))
		r = skip_value(m);
	if (r >= 0)
		r = bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

int bus_message_skip(struct bus_message *m, const char *types) {
	const char *next;
	int length, r = 1;

	for (; r > 0 && *types; types += length) {
		length = next_type(m, &next);
		if (length <= 0)
			return length;
		r = strncmp(next, types, (size_t)length) == 0 ? skip_value(m) : -ENXIO;
	}
	return r;
}

int bus_message_peek_variant(struct bus_message *m, const char **ret_signature) {
	struct bus_level *level = &m->levels[m->depth];
	const char *next = level->next;
	size_t at = m->at;
	int r = bus_message_enter_container(m, 'v', NULL);

	if (r <= 0)
		return r;
	*ret_signature = m->levels[m->depth--].signature;
	level->next = next;
	m->at = at;
	return r;
}

int bus_message_read_bytes(struct bus_message *m, const void **ret, size_t *ret_size) {
	int r = bus_message_enter_container(m, 'a', "y");

	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	*ret = m->body.bytes + m->at;
	*ret_size = m->levels[m->depth].limit - m->at;
	m->at += *ret_size;
	return bus_message_exit_container(m);
}

void bus_message_rewind(struct bus_message *m) {
	m->depth = 0;
	m->levels[0].next = m->levels[0].signature;
	m->at = 0;
}

/* ---- several ---- */

static int read_all(struct bus_message *m, const char *types, const char *end, va_list *arguments);

/* What is in a variant, whose type comes from the arguments, or in brackets or braces. */
static int read_inside(struct bus_message *m, const char *types, size_t length,
		       va_list *arguments) {
	const char *begin = types + 1, *end = types + length - 1;
	int r;

	if (*types == 'v') {
		begin = va_arg(*arguments, const char *);
		end = begin + strlen(begin);
	}
	r = bus_message_enter_container(m, *types == '(' ? 'r' : *types == '{' ? 'e' : 'v', NULL);
	if (r <= 0)
		return r;
	r = read_all(m, begin, end, arguments);
	if (r >= 0)
		r = bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

static int read_all(struct bus_message *m, const char *types, const char *end, va_list *arguments) {
	const char *begin = types;
	size_t length;
	int r = 1;

	for (; types < end; types += length) {
		length = signature_first(types, end);
		if (length == 0)
			return -EINVAL;
		if (strchr("v({", *types))
			r = read_inside(m, types, length, arguments);
		else
			r = bus_message_read_basic(m, *types, va_arg(*arguments, void *));
		if (r <= 0) /* an array may end, but not between two that belong together */
			return r < 0 || types == begin ? r : -ENXIO;
	}
	return r;
}

int bus_message_read(struct bus_message *m, const char *types, ...) {
	va_list arguments;
	int r;

	va_start(arguments, types);
	r = read_all(m, types, types + strlen(types), &arguments);
	va_end(arguments);
	return r;
}
