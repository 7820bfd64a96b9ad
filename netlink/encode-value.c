/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a value of a row's is, in the words of the field that it is for. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "escape.h"
#include "fd.h"
#include "names.h"

static const struct {
	uint8_t size;
	bool is_signed;
} integers[] = {
	[USHER_NETLINK_BOOL] = { 1, false }, [USHER_NETLINK_U8] = { 1, false },
	[USHER_NETLINK_U16] = { 2, false },  [USHER_NETLINK_U32] = { 4, false },
	[USHER_NETLINK_U64] = { 8, false },  [USHER_NETLINK_S8] = { 1, true },
	[USHER_NETLINK_S16] = { 2, true },   [USHER_NETLINK_S32] = { 4, true },
	[USHER_NETLINK_S64] = { 8, true },
};

size_t encode_width(const struct netlink_field *field) {
	return field->width ?: integers[field->form].size;
}

/* Decimal, or hexadecimal behind 0x: never octal, which nobody means. */
static bool parse_digits(const char *text, uint64_t *ret, bool *ret_negative) {
	const bool negative = *text == '-';
	const char *digits = text + negative;
	const bool hexadecimal = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	char *end;

	digits += hexadecimal ? 2 : 0;
	if (strspn(digits, hexadecimal ? "0123456789abcdefABCDEF" : "0123456789") !=
		    strlen(digits) ||
	    !*digits)
		return false;
	errno = 0;
	*ret = strtoull(digits, &end, hexadecimal ? 16 : 10);
	*ret_negative = negative && *ret != 0;
	return errno == 0;
}

static bool find_word(const struct netlink_words *words, const char *text, uint64_t *ret) {
	for (size_t i = 0; words && i < words->n; i++)
		if (strcmp(words->words[i].name, text) == 0) {
			*ret = words->words[i].value;
			return true;
		}
	return false;
}

/* Of interfaces in the namespace that the message is for. */
int encode_index(struct encoding *encoding, const struct netlink_field *field, const char *text,
		 uint64_t *ret) {
	uint32_t index = encoding->names ? names_index(encoding->names, text) : 0;

	*ret = index;
	if (index > 0 || !encoding->names)
		return 0;
	(void)encode_refuse(encoding, field, "there is no interface '%.64s'", text);
	return REFUSED_NOT_FOUND;
}

static int text_to_number(struct encoding *encoding, const struct netlink_field *field,
			  const char *text, uint64_t *ret, bool *ret_negative) {
	*ret_negative = false;
	if (find_word(field->words, text, ret) || parse_digits(text, ret, ret_negative))
		return 0;
	if (field->unit && strcmp(field->unit, "interface") == 0)
		return encode_index(encoding, field, text, ret);
	if (field->form == USHER_NETLINK_BOOL &&
	    (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
		*ret = *text == 't';
		return 0;
	}
	return encode_refuse(encoding, field, "'%.64s' is no %s", text,
			     field->words ? "word of it, nor a number" : "number");
}

static int bits_to_number(struct encoding *encoding, const struct netlink_field *field,
			  const Usher__Values *values, uint64_t *ret) {
	bool negative;
	int r = 0;

	*ret = 0;
	for (size_t i = 0; r == 0 && i < values->n_values; i++) {
		const Usher__Value *value = values->values[i];
		uint64_t bit = value->number;

		if (value->text)
			r = text_to_number(encoding, field, value->text, &bit, &negative);
		else if (!value->has_number)
			r = encode_refuse(encoding, field, "is a list of words");
		*ret |= bit;
	}
	return r;
}

static int check_range(struct encoding *encoding, const struct netlink_field *field, uint64_t value,
		       bool negative) {
	const unsigned bits = 8 * (unsigned)encode_width(field);
	const bool is_signed = integers[field->form].is_signed;
	const uint64_t most = field->form == USHER_NETLINK_BOOL ? 1
			      : is_signed                       ? (UINT64_C(1) << (bits - 1)) - 1
			      : bits == 64                      ? UINT64_MAX
								: (UINT64_C(1) << bits) - 1;

	if (negative ? is_signed && value <= most + 1 : value <= most)
		return 0;
	return encode_refuse(encoding, field, "%s%llu is out of its range, %s%llu to %llu",
			     negative ? "-" : "", (unsigned long long)value, is_signed ? "-" : "",
			     (unsigned long long)(is_signed ? most + 1 : 0),
			     (unsigned long long)most);
}

int encode_number(struct encoding *encoding, const struct netlink_field *field,
		  const Usher__Value *value, uint64_t *ret) {
	bool negative = false;
	int r = 0;

	if (value->has_number)
		*ret = value->number;
	else if (value->has_signed_number) {
		negative = value->signed_number < 0;
		*ret = negative ? 0 - (uint64_t)value->signed_number
				: (uint64_t)value->signed_number;
	} else if (value->has_boolean)
		*ret = value->boolean;
	else if (value->text)
		r = text_to_number(encoding, field, value->text, ret, &negative);
	else if (value->list && field->words && field->words->bits)
		r = bits_to_number(encoding, field, value->list, ret);
	else
		r = encode_refuse(encoding, field, field->words ? "is a word" : "is a number");
	if (r == 0)
		r = check_range(encoding, field, *ret, negative);
	if (r == 0 && negative)
		*ret = 0 - *ret;
	return r;
}

int encode_text(struct encoding *encoding, const struct netlink_field *field,
		const Usher__Value *value, char **ret) {
	/* of none there is not even a place */
	const char *bytes = value->bytes.len > 0 ? (const char *)value->bytes.data : "";
	char *text = NULL;

	if (value->text) {
		if (usher_unescape(value->text, &text) < 0)
			return encode_refuse(encoding, field, "'%.64s' is not escaped as it should",
					     value->text);
	} else if (value->has_bytes && !memchr(bytes, 0, value->bytes.len)) {
		text = strndup(bytes, value->bytes.len);
		if (!text)
			return -ENOMEM;
	} else
		return encode_refuse(encoding, field, "is a string");
	*ret = text;
	return 0;
}

int encode_address(struct encoding *encoding, const struct netlink_field *field,
		   const Usher__Value *value, struct usher_netlink_address *ret) {
	const bool is_prefix = field->form == USHER_NETLINK_PREFIX;
	const char *slash;
	char address[INET6_ADDRSTRLEN] = "";
	uint64_t length;
	bool negative;

	*ret = (struct usher_netlink_address){ 0 };
	if (!value->text)
		return encode_refuse(encoding, field, "is an address, as text");
	if (is_prefix && (strcmp(value->text, "default") == 0 || strcmp(value->text, "any") == 0))
		return 0;
	slash = is_prefix ? strchr(value->text, '/') : NULL;
	(void)snprintf(address, sizeof address, "%.*s",
		       (int)(slash ? slash - value->text : (ptrdiff_t)sizeof address - 1),
		       value->text);
	ret->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	ret->length = ret->family == AF_INET ? 32 : 128;
	if (inet_pton(ret->family, address, ret->bytes) != 1 ||
	    (!slash && strlen(value->text) >= sizeof address))
		return encode_refuse(encoding, field, "'%.64s' is no address%s", value->text,
				     is_prefix ? "/length, as 192.0.2.0/24" : "");
	if (!slash)
		return 0;
	if (!parse_digits(slash + 1, &length, &negative) || negative || length > ret->length)
		return encode_refuse(encoding, field, "'%.64s' has no length of 0 to %u",
				     value->text, ret->length);
	ret->length = (uint8_t)length;
	return 0;
}

static int digit(char c) {
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return !at ? -1 : at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

int encode_bytes(struct encoding *encoding, const struct netlink_field *field,
		 const Usher__Value *value, uint8_t **ret, size_t *ret_size) {
	const size_t most = value->has_bytes ? value->bytes.len
			    : value->text    ? strlen(value->text)
					     : 0;
	_cleanup_free_ uint8_t *bytes = malloc(most + 1);
	size_t n = 0;

	if (!bytes)
		return -ENOMEM;
	if (value->has_bytes && most > 0)
		memcpy(bytes, value->bytes.data, n = most);
	else if (!value->has_bytes && !value->text)
		return encode_refuse(encoding, field, "is an array of bytes");
	for (const char *at = value->has_bytes ? "" : value->text; *at;) {
		int high = digit(at[0]), low = high < 0 ? -1 : digit(at[1]);

		if (low < 0)
			return encode_refuse(encoding, field,
					     "'%.64s' is not in hexadecimal digits", value->text);
		bytes[n++] = (uint8_t)(high << 4 | low);
		at += 2;
		at += at[0] == ':' && at[1];
	}
	*ret = bytes;
	*ret_size = n;
	bytes = NULL;
	return 0;
}

int encode_objects(struct encoding *encoding, const struct netlink_field *field,
		   const Usher__Value *value, size_t *ret_n) {
	if (value->row) {
		*ret_n = 1;
		return 0;
	}
	if (!value->list)
		return encode_refuse(encoding, field, "is a list of a{sv}");
	for (size_t i = 0; i < value->list->n_values; i++)
		if (!value->list->values[i]->row)
			return encode_refuse(encoding, field, "is a list of a{sv}");
	*ret_n = value->list->n_values;
	return 0;
}

const Usher__Row *encode_object(const Usher__Value *value, size_t i) {
	return value->row ?: value->list->values[i]->row;
}

int encode_descriptor(struct encoding *encoding, const struct netlink_field *field,
		      const Usher__Value *value, int *ret) {
	*ret = value->has_descriptor_fd && encoding->fds
		       ? fds_get(encoding->fds, value->descriptor_fd)
		       : -1;
	return *ret >= 0 ? 0 : encode_refuse(encoding, field, "is a descriptor");
}

const Usher__Value *encode_member(const Usher__Row *row, const char *name) {
	for (size_t i = 0; row && i < row->n_members; i++)
		if (strcmp(row->members[i]->key, name) == 0)
			return row->members[i]->value;
	return NULL;
}
