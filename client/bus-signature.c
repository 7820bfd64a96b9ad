/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The types of D-Bus, as signatures write them. */

#include "bus-signature.h"

#include <string.h>

static const char basic[] = "ybnqiuxtdhsog";

static bool is_one_of(const char *types, char type) {
	return type && strchr(types, type);
}

static size_t first(const char *signature, const char *end, unsigned depth);

/* What stands in brackets, with them: at least one type. */
static size_t first_struct(const char *signature, const char *end, unsigned depth) {
	const char *p = signature + 1;
	size_t n;

	do {
		n = first(p, end, depth);
		p += n;
	} while (n > 0 && p < end && *p != ')');
	return n > 0 && p < end ? (size_t)(p + 1 - signature) : 0;
}

/* A basic type and any other in braces, with them. */
static size_t first_entry(const char *signature, const char *end, unsigned depth) {
	size_t n;

	if (end - signature < 4 || !is_one_of(basic, signature[1]))
		return 0;
	n = first(signature + 2, end, depth);
	return n > 0 && signature + 2 + n < end && signature[2 + n] == '}' ? n + 3 : 0;
}

static size_t first(const char *signature, const char *end, unsigned depth) {
	size_t n;

	if (signature >= end || depth > SIGNATURE_DEPTH_MAX)
		return 0;
	if (*signature == '(')
		return first_struct(signature, end, depth + 1);
	if (*signature != 'a')
		return is_one_of(basic, *signature) || *signature == 'v';
	if (end - signature > 1 && signature[1] == '{')
		n = first_entry(signature + 1, end, depth + 1);
	else
		n = first(signature + 1, end, depth + 1);
	return n > 0 ? n + 1 : 0;
}

size_t signature_first(const char *signature, const char *end) {
	return signature < end && *signature == '{' ? first_entry(signature, end, 0)
						    : first(signature, end, 0);
}

bool signature_is_valid(const char *signature, size_t length) {
	const char *end = signature + length;
	size_t n = 1;

	for (; signature < end && n > 0; signature += n)
		n = first(signature, end, 0);
	return length <= SIGNATURE_MAX && n > 0;
}

bool signature_is_single(const char *signature, size_t length) {
	return length > 0 && length <= SIGNATURE_MAX &&
	       first(signature, signature + length, 0) == length;
}

size_t signature_size(char type) {
	switch (type) {
	case 'y': return 1;
	case 'n':
	case 'q': return 2;
	case 'b':
	case 'i':
	case 'u':
	case 'h': return 4;
	case 'x':
	case 't':
	case 'd': return 8;
	default: return 0;
	}
}

size_t signature_alignment(char type) {
	size_t size = signature_size(type);

	if (size > 0)
		return size;
	if (is_one_of("({re", type))
		return 8;
	return is_one_of("sao", type) ? 4 : 1;
}
