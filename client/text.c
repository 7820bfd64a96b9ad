/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "usher.h"

/* What is valid UTF-8 and fools who reads it all the same: C1, which some terminals act upon; what
 * turns the direction of others; what nobody sees; what ends a line. */
static const struct {
	uint32_t first, last;
} foul[] = {
	{ 0x80, 0x9f },       { 0xad, 0xad },     { 0x61c, 0x61c },     { 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 },   { 0x180b, 0x180f }, { 0x200b, 0x200f },   { 0x2028, 0x202e },
	{ 0x2060, 0x206f },   { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff },
};

static bool is_foul(uint32_t character) {
	for (size_t i = 0; i < sizeof foul / sizeof *foul; i++)
		if (character >= foul[i].first && character <= foul[i].last)
			return true;
	return false;
}

/* The size of the character at p. What is not valid UTF-8 is not read beyond its end. */
static size_t take_character(const char *p, uint32_t *ret) {
	const unsigned char *bytes = (const unsigned char *)p;
	size_t size = bytes[0] < 0x80 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4, i = 1;

	*ret = size == 1 ? bytes[0] : bytes[0] & (0x7fU >> size);
	for (; i < size && (bytes[i] & 0xc0U) == 0x80; i++)
		*ret = *ret << 6 | (bytes[i] & 0x3fU);
	return i;
}

char *text_from_name(const char *name) {
	_cleanup_free_ char *escaped = usher_escape(name);
	char *text, *out;
	uint32_t character;
	size_t size;

	text = out = escaped ? malloc(strlen(escaped) * 4 + 1) : NULL;
	if (!text)
		return NULL;
	for (const char *p = escaped; *p; p += size) {
		size = take_character(p, &character);
		if (!is_foul(character))
			out = mempcpy(out, p, size);
		else
			for (size_t i = 0; i < size; i++)
				out += sprintf(out, "\\x%02x", (unsigned char)p[i]);
	}
	*out = '\0';
	return text;
}

/* Beyond 16 bits JSON has two halves of what UTF-16 makes of it. */
size_t text_put_json(const char *p, char **out) {
	uint32_t character;
	size_t size;

	if ((unsigned char)*p < 0x80)
		return 0;
	size = take_character(p, &character);
	if (!is_foul(character))
		return 0;
	if (character < 0x10000)
		*out += sprintf(*out, "\\u%04x", character);
	else
		*out += sprintf(*out, "\\u%04x\\u%04x", 0xd7c0 + (character >> 10),
				0xdc00 + (character & 0x3ff));
	return size;
}

char *text_from_json(const char *json) {
	/* at most three bytes for each: 0xc2 0x80 is \u0080 */
	char *text = malloc(strlen(json) * 3 + 1), *out = text;

	while (text && *json) {
		size_t size = text_put_json(json, &out);

		if (size > 0)
			json += size;
		else
			*out++ = *json++;
	}
	if (text)
		*out = '\0';
	return text;
}

char *text_from_sentence(const char *sentence) {
	char *text = text_from_name(sentence), *out = text;

	/* Escaping doubles nothing but the backslash: \ became \x5c, and goes back here. */
	for (const char *p = text; p && *p; p++) {
		*out++ = *p;
		if (strncmp(p, "\\x5c", 4) == 0)
			p += 3;
	}
	if (out)
		*out = '\0';
	return text;
}

void text_print(FILE *file, const char *sentence) {
	_cleanup_free_ char *text = text_from_sentence(sentence);

	if (text)
		fputs(text, file);
}
