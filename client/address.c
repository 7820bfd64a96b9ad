/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Written out by hand, since a million of them are printed a second. The same text as inet_ntop(3)
 * has. */

#include "address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

enum { GROUPS = 8 };

static const char digits[] = "0123456789abcdef";

static char *print_byte(char *out, unsigned number) {
	if (number >= 100)
		*out++ = digits[number / 100];
	if (number >= 10)
		*out++ = digits[number / 10 % 10];
	*out++ = digits[number % 10];
	return out;
}

static char *print_ipv4(char *out, const uint8_t *bytes) {
	out = print_byte(out, bytes[0]);
	for (unsigned i = 1; i < 4; i++) {
		*out++ = '.';
		out = print_byte(out, bytes[i]);
	}
	return out;
}

static char *print_group(char *out, unsigned group) {
	if (group >= 0x1000)
		*out++ = digits[group >> 12];
	if (group >= 0x100)
		*out++ = digits[group >> 8 & 0xf];
	if (group >= 0x10)
		*out++ = digits[group >> 4 & 0xf];
	*out++ = digits[group & 0xf];
	return out;
}

/* The first of the longest runs of zeros, of two at least. */
static unsigned longest_run(const unsigned *groups, unsigned *ret_length) {
	unsigned best = GROUPS, best_length = 1;

	for (unsigned i = 0; i < GROUPS; i++) {
		unsigned length = 0;

		while (i + length < GROUPS && groups[i + length] == 0)
			length++;
		if (length > best_length) {
			best = i;
			best_length = length;
		}
		i += length;
	}
	*ret_length = best < GROUPS ? best_length : 0;
	return best;
}

static char *print_ipv6(char *out, const uint8_t *bytes) {
	unsigned groups[GROUPS], run, length, end = GROUPS;

	for (size_t i = 0; i < GROUPS; i++)
		groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
	run = longest_run(groups, &length);
	/* An IPv4 address in it: mapped, or compatible. */
	if (run == 0 && (length == 6 || (length == 5 && groups[5] == 0xffff)))
		end = 6;
	for (unsigned i = 0; i < end; i++) {
		if (i == run) {
			*out++ = ':';
			i += length - 1;
			if (i + 1 >= end)
				*out++ = ':';
			continue;
		}
		if (i > 0)
			*out++ = ':';
		out = print_group(out, groups[i]);
	}
	if (end == GROUPS)
		return out;
	if (length != 6)
		*out++ = ':';
	return print_ipv4(out, bytes + 12);
}

char *address_print(char *out, const struct usher_netlink_address *address, bool prefix) {
	if (address->family == AF_INET)
		out = print_ipv4(out, address->bytes);
	else if (address->family == AF_INET6)
		out = print_ipv6(out, address->bytes);
	else
		return out;
	if (!prefix)
		return out;
	*out++ = '/';
	return print_byte(out, address->length);
}

char *address_print_bytes(char *out, const uint8_t *bytes, size_t size, char between) {
	for (size_t i = 0; i < size; i++) {
		if (i > 0 && between != '\0')
			*out++ = between;
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 0xf];
	}
	return out;
}

/* One or more digits that are no more than max, to the end of the text. */
static bool parse_length(const char *text, unsigned max, uint8_t *ret) {
	unsigned number = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (unsigned)(*text - '0');
		if (number > max)
			return false;
	}
	*ret = (uint8_t)number;
	return true;
}

/* Whether the first `length` bits are the same, or with NULL none is set after them. */
static bool are_bits(const uint8_t *one, const uint8_t *other, size_t size, unsigned length) {
	for (unsigned i = 0; i < size; i++) {
		unsigned left = length > i * 8 ? length - i * 8 : 0;
		unsigned mask = left >= 8 ? 0xff : 0xff & ~(0xffU >> left);

		if (other ? ((one[i] ^ other[i]) & mask) != 0 : (one[i] & ~mask & 0xff) != 0)
			return false;
	}
	return true;
}

bool address_parse(const char *text, bool prefix, struct usher_netlink_address *ret) {
	const char *slash = prefix ? strchr(text, '/') : NULL;
	size_t length = slash ? (size_t)(slash - text) : strlen(text), size;
	char address[INET6_ADDRSTRLEN];

	*ret = (struct usher_netlink_address){};
	if (length >= sizeof address)
		return false;
	*(char *)mempcpy(address, text, length) = '\0';
	ret->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	size = ret->family == AF_INET ? 4 : 16;
	if (inet_pton(ret->family, address, ret->bytes) != 1)
		return false;
	ret->length = (uint8_t)(size * 8);
	if (slash && !parse_length(slash + 1, ret->length, &ret->length))
		return false;
	return are_bits(ret->bytes, NULL, size, ret->length);
}

static int digit_value(char digit) {
	const char *found = digit != '\0' ? strchr(digits, digit | 0x20) : NULL;

	return found ? (int)(found - digits) : -1;
}

size_t address_parse_hardware(const char *text, uint8_t *ret, size_t max) {
	size_t n = 0;

	for (;; text += 3) {
		int high = digit_value(text[0]), low = high < 0 ? -1 : digit_value(text[1]);

		if (low < 0 || n == max)
			return 0;
		ret[n++] = (uint8_t)(high << 4 | low);
		if (text[2] == '\0')
			return n;
		if (text[2] != ':')
			return 0;
	}
}

bool address_is_in(const struct usher_netlink_address *address,
		   const struct usher_netlink_address *prefix) {
	return address->family == prefix->family && address->length >= prefix->length &&
	       are_bits(address->bytes, prefix->bytes, sizeof address->bytes, prefix->length);
}
