/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses as text. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "usher-netlink.h"

enum { IPV4 = 4, IPV6 = 16 };

int usher_address_to_string(const struct usher_octets *address, char **ret) {
	char text[INET6_ADDRSTRLEN], *copy;

	if (address->length != IPV4 && address->length != IPV6)
		return -EINVAL;
	(void)inet_ntop(address->length == IPV4 ? AF_INET : AF_INET6, address->bytes, text,
			sizeof text);
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int usher_address_from_string(const char *text, struct usher_octets *ret) {
	struct usher_octets address = { 0 };

	if (inet_pton(AF_INET, text, address.bytes) > 0)
		address.length = IPV4;
	else if (inet_pton(AF_INET6, text, address.bytes) > 0)
		address.length = IPV6;
	else
		return -EINVAL;
	*ret = address;
	return 0;
}

int usher_hardware_to_string(const struct usher_octets *address, char **ret) {
	static const char digits[] = "0123456789abcdef";
	char text[3 * sizeof address->bytes + 1] = "", *p = text, *copy;

	if (address->length > sizeof address->bytes)
		return -EINVAL;
	for (size_t i = 0; i < address->length; i++) {
		*p++ = digits[address->bytes[i] >> 4];
		*p++ = digits[address->bytes[i] & 15];
		*p++ = ':';
	}
	if (p > text)
		p[-1] = '\0';
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static int digit(char character) {
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

int usher_hardware_from_string(const char *text, struct usher_octets *ret) {
	struct usher_octets address = { 0 };

	for (const char *p = text; *p; p++) {
		int high = digit(p[0]), low = high < 0 ? -1 : digit(p[1]);

		if (low < 0 || address.length == sizeof address.bytes)
			return -EINVAL;
		address.bytes[address.length++] = (uint8_t)(high << 4 | low);
		p += 2;
		if (*p == '\0')
			break;
		if (*p != ':' || p[1] == '\0')
			return -EINVAL;
	}
	*ret = address;
	return 0;
}
