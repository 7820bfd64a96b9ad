/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/address.h"
#include "client/cleanup.h"
#include "client/column.h"
#include "client/escape.h"
#include "client/text.h"
#include "interfaces/netlink-records.h"
#include "level.h"

enum { NUMBER_MAX = 24, LEAST = 4096 };

struct writing {
	struct json *json;
	const struct level *const *levels;
	const uint8_t *heap;
};

/* Makes room for so many bytes more. NULL: no memory. */
static char *enlarge(struct json *json, size_t size) {
	size_t allocated = json->allocated ? json->allocated : LEAST;
	char *text;

	while (allocated - json->size < size)
		allocated *= 2;
	text = realloc(json->text, allocated);
	if (!text)
		return NULL;
	json->text = text;
	json->allocated = allocated;
	return text + json->size;
}

static inline char *reserve(struct json *json, size_t size) {
	if (json->allocated - json->size >= size)
		return json->text + json->size;
	return enlarge(json, size);
}

static void used(struct json *json, const char *end) {
	json->size = (size_t)(end - json->text);
}

/* Two digits at a time. */
static char *print_number(char *out, uint64_t number) {
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char digits[NUMBER_MAX], *at = digits + sizeof digits;

	while (number >= 100) {
		at -= 2;
		memcpy(at, pairs + number % 100 * 2, 2);
		number /= 100;
	}
	if (number >= 10) {
		at -= 2;
		memcpy(at, pairs + number * 2, 2);
	} else {
		*--at = (char)('0' + number);
	}
	return mempcpy(out, at, (size_t)(digits + sizeof digits - at));
}

static char *print_signed(char *out, int64_t number) {
	if (number >= 0)
		return print_number(out, (uint64_t)number);
	*out++ = '-';
	return print_number(out, -(uint64_t)number);
}

static char *print_hexadecimal(char *out, uint64_t number) {
	static const char digits[] = "0123456789abcdef";
	unsigned shift = 60;

	*out++ = '0';
	*out++ = 'x';
	while (shift > 0 && number >> shift == 0)
		shift -= 4;
	for (;; shift -= 4) {
		*out++ = digits[number >> shift & 0xf];
		if (shift == 0)
			return out;
	}
}

/* ---- strings ---- */

/* Quotes and backslashes are what is special for JSON about what usher_escape() leaves, and what
 * fools who reads it is for people: it may well go to a terminal. */
static int put_escaped(struct json *json, const char *text) {
	char *out = reserve(json, strlen(text) * 3 + 2);

	if (!out)
		return -ENOMEM;
	*out++ = '"';
	while (*text) {
		size_t size = text_put_json(text, &out);

		text += size;
		if (size > 0)
			continue;
		if (*text == '"' || *text == '\\')
			*out++ = '\\';
		*out++ = *text++;
	}
	*out++ = '"';
	used(json, out);
	return 0;
}

static int put_string(struct json *json, const char *bytes, size_t size) {
	_cleanup_free_ char *raw = NULL, *text = NULL;
	char *out = reserve(json, size + 2);
	size_t i;

	if (!out)
		return -ENOMEM;
	*out++ = '"';
	for (i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
			break;
		*out++ = (char)byte;
	}
	if (i == size) {
		*out++ = '"';
		used(json, out);
		return 0;
	}
	raw = strndup(bytes, size);
	text = raw ? usher_escape(raw) : NULL;
	return text ? put_escaped(json, text) : -ENOMEM;
}

static int put_plain(struct json *json, const char *text, size_t size) {
	char *out = reserve(json, size);

	if (!out)
		return -ENOMEM;
	used(json, mempcpy(out, text, size));
	return 0;
}

/* ---- numbers ---- */

/* The name of the value, or a decimal in quotes. */
static int put_word(struct json *json, const struct netlink_words *words, uint64_t number) {
	const char *name = netlink_word_name(words, number);
	char *out = reserve(json, (name ? strlen(name) : NUMBER_MAX) + 2);

	if (!out)
		return -ENOMEM;
	*out++ = '"';
	out = name ? stpcpy(out, name) : print_number(out, number);
	*out++ = '"';
	used(json, out);
	return 0;
}

static int put_bits(struct json *json, const struct netlink_words *words, uint64_t number) {
	char *out = reserve(json, 1);

	if (!out)
		return -ENOMEM;
	*out++ = '[';
	used(json, out);
	for (size_t i = 0; number != 0 && i < words->n; i++) {
		uint64_t bits = words->words[i].value;

		if (bits == 0 || (number & bits) != bits)
			continue;
		number &= ~bits;
		out = reserve(json, strlen(words->words[i].name) + 3);
		if (!out)
			return -ENOMEM;
		*out++ = '"';
		out = stpcpy(out, words->words[i].name);
		*out++ = '"';
		*out++ = ',';
		used(json, out);
	}
	out = reserve(json, NUMBER_MAX + 3);
	if (!out)
		return -ENOMEM;
	if (number != 0) {
		*out++ = '"';
		out = print_hexadecimal(out, number);
		*out++ = '"';
	} else if (out[-1] == ',') {
		out--;
	}
	*out++ = ']';
	used(json, out);
	return 0;
}

static int put_number(struct json *json, const struct netlink_field *field, const uint8_t *column) {
	bool is_signed = field->form >= USHER_NETLINK_S8;
	uint64_t number = is_signed ? (uint64_t)column_signed(field->form, column)
				    : column_unsigned(field->form, column);
	char *out;

	if (field->words && field->words->bits)
		return put_bits(json, field->words, number);
	if (field->words)
		return put_word(json, field->words, number);
	out = reserve(json, NUMBER_MAX);
	if (!out)
		return -ENOMEM;
	used(json, is_signed ? print_signed(out, (int64_t)number) : print_number(out, number));
	return 0;
}

static int put_address(struct json *json, const struct netlink_field *field,
		       const uint8_t *column) {
	struct usher_netlink_address address;
	char *out = reserve(json, ADDRESS_TEXT_MAX + 2);

	if (!out)
		return -ENOMEM;
	memcpy(&address, column, sizeof address);
	*out++ = '"';
	out = address_print(out, &address, field->form == USHER_NETLINK_PREFIX);
	*out++ = '"';
	used(json, out);
	return 0;
}

static int put_bytes(struct writing *writing, const struct netlink_field *field,
		     const uint8_t *column) {
	struct json *json = writing->json;
	struct usher_netlink_bytes bytes;
	char *out;

	memcpy(&bytes, column, sizeof bytes);
	if (field->form == USHER_NETLINK_STRING)
		return put_string(json, (const char *)writing->heap + bytes.offset, bytes.length);
	out = reserve(json, (size_t)bytes.length * 3 + 2);
	if (!out)
		return -ENOMEM;
	*out++ = '"';
	out = address_print_bytes(out, writing->heap + bytes.offset, bytes.length,
				  field->form == USHER_NETLINK_HARDWARE ? ':' : '\0');
	*out++ = '"';
	used(json, out);
	return 0;
}

/* ---- rows ---- */

static int put_row(struct writing *writing, const struct level *level, const uint8_t *row);
static int put_value(struct writing *writing, const struct netlink_field *field,
		     const uint8_t *column);

static int put_rows(struct writing *writing, const struct netlink_field *field,
		    const uint8_t *column) {
	struct usher_netlink_nested nested;
	const struct level *level;
	int r;

	memcpy(&nested, column, sizeof nested);
	level = writing->levels[nested.type];
	if (field->form == USHER_NETLINK_OBJECT)
		return put_row(writing, level, writing->heap + nested.offset);
	r = put_plain(writing->json, "[", 1);
	for (uint32_t i = 0; r == 0 && i < nested.count; i++) {
		const uint8_t *row = writing->heap + nested.offset + (size_t)i * level->row_size;

		if (i > 0)
			r = put_plain(writing->json, ",", 1);
		if (r < 0)
			break;
		r = field->form == USHER_NETLINK_LIST ? put_value(writing, level->columns[0].field,
								  row + level->columns[0].at)
						      : put_row(writing, level, row);
	}
	return r < 0 ? r : put_plain(writing->json, "]", 1);
}

static int put_value(struct writing *writing, const struct netlink_field *field,
		     const uint8_t *column) {
	switch (field->form) {
	case USHER_NETLINK_BOOL:
		return *column ? put_plain(writing->json, "true", 4)
			       : put_plain(writing->json, "false", 5);
	case USHER_NETLINK_ADDRESS:
	case USHER_NETLINK_PREFIX: return put_address(writing->json, field, column);
	case USHER_NETLINK_HARDWARE:
	case USHER_NETLINK_STRING:
	case USHER_NETLINK_BYTES: return put_bytes(writing, field, column);
	case USHER_NETLINK_OBJECT:
	case USHER_NETLINK_OBJECTS:
	case USHER_NETLINK_LIST: return put_rows(writing, field, column);
	default: return put_number(writing->json, field, column);
	}
}

/* "name": */
static int put_name(struct json *json, const struct column *column, bool first) {
	char *out = reserve(json, column->name_length + (size_t)4);

	if (!out)
		return -ENOMEM;
	if (!first)
		*out++ = ',';
	*out++ = '"';
	out = mempcpy(out, column->field->name, column->name_length);
	*out++ = '"';
	*out++ = ':';
	used(json, out);
	return 0;
}

static int put_row(struct writing *writing, const struct level *level, const uint8_t *row) {
	bool first = true;
	int r = put_plain(writing->json, "{", 1);

	for (size_t i = 0; r == 0 && i < level->n_fields; i++) {
		const struct column *column = &level->columns[i];

		if (!(row[i / 8] & 1U << i % 8))
			continue;
		r = put_name(writing->json, column, first);
		first = false;
		if (r == 0)
			r = put_value(writing, column->field, row + column->at);
	}
	return r < 0 ? r : put_plain(writing->json, "}", 1);
}

int json_row(struct json *json, const struct level *const *levels, const struct level *level,
	     const uint8_t *row, const uint8_t *heap) {
	struct writing writing = { .json = json, .levels = levels, .heap = heap };
	int r = put_row(&writing, level, row);

	return r < 0 ? r : put_plain(json, "\n", 1);
}

int json_end(struct json *json, bool complete, int code, const char *why, const char *message) {
	static const char whole[] = "{\"complete\":true}\n",
			  begin[] = "{\"complete\":false,\"interrupted\":",
			  middle[] = ",\"message\":", code_name[] = ",\"code\":";
	char *out;

	if (complete)
		return put_plain(json, whole, sizeof whole - 1);
	if (put_plain(json, begin, sizeof begin - 1) < 0 ||
	    put_string(json, why, strlen(why)) < 0 ||
	    put_plain(json, middle, sizeof middle - 1) < 0 ||
	    put_string(json, message, strlen(message)) < 0 ||
	    put_plain(json, code_name, sizeof code_name - 1) < 0)
		return -ENOMEM;
	out = reserve(json, NUMBER_MAX);
	if (!out)
		return -ENOMEM;
	used(json, print_signed(out, code));
	return put_plain(json, "}\n", 2);
}
