/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Raw bytes to and from strings that may travel over the bus: \xNN for whatever D-Bus would not
 * carry, whatever would confuse a terminal or a log, and the backslash itself.
 */

#include "escape.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "usher.h"

/* How many bytes a character takes, by its first one; 0 if none begins like this. */
static size_t character_size(unsigned char first) {
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	if (first >= 0xf0 && first < 0xf5)
		return 4;
	return 0;
}

/* sd-bus, which the service has, takes U+FDD0..U+FDEF and the last two of each plane for invalid,
 * so these are escaped too. */
static int character_is_valid(uint32_t character, size_t size) {
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (character < smallest[size] || character > 0x10ffff)
		return 0;
	if (character >= 0xd800 && character <= 0xdfff)
		return 0;
	return !(character >= 0xfdd0 && character <= 0xfdef) && (character & 0xfffe) != 0xfffe;
}

size_t escape_character(const char *p) {
	const unsigned char *bytes = (const unsigned char *)p;
	size_t size = character_size(bytes[0]), i;
	uint32_t character;

	if (size <= 1)
		return size;
	character = bytes[0] & (0x7fU >> size);
	for (i = 1; i < size; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (bytes[i] & 0x3fU);
	}
	return character_is_valid(character, size) ? size : 0;
}

/* The same if it may be sent as it is. */
static size_t plain_size(const char *p) {
	unsigned char first = (unsigned char)*p;

	if (first < 0x20 || first == 0x7f || first == '\\')
		return 0;
	return escape_character(p);
}

char *usher_escape(const char *bytes) {
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(strlen(bytes) * 4 + 1), *out = text;

	if (!text)
		return NULL;
	while (*bytes) {
		size_t size = plain_size(bytes);

		if (size > 0) {
			out = mempcpy(out, bytes, size);
			bytes += size;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = digits[(unsigned char)*bytes >> 4];
		*out++ = digits[*bytes++ & 0xf];
	}
	*out = '\0';
	return text;
}

static int digit_value(char digit) {
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* The byte that \xNN at p stands for, or -EINVAL. Never reads past the end. */
static int escaped_byte(const char *p) {
	int high, low;

	if (p[1] != 'x')
		return -EINVAL;
	high = digit_value(p[2]);
	if (high < 0)
		return -EINVAL;
	low = digit_value(p[3]);
	if (low < 0 || (high == 0 && low == 0))
		return -EINVAL;
	return high << 4 | low;
}

int usher_unescape(const char *text, char **ret) {
	_cleanup_free_ char *bytes = malloc(strlen(text) + 1);
	char *out = bytes;
	int byte;

	if (!bytes)
		return -ENOMEM;
	for (;;) {
		size_t plain = strcspn(text, "\\"); /* all of it, mostly, and that may be MiBs */

		out = mempcpy(out, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		byte = escaped_byte(text);
		if (byte < 0)
			return byte;
		*out++ = (char)byte;
		text += 4;
	}
	*out = '\0';
	*ret = take_pointer(bytes);
	return 0;
}
