/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses of rows as text: 192.0.2.1, 2001:db8::/32, 02:00:5e:10:00:01. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interfaces/netlink-records.h"

enum {
	ADDRESS_TEXT_MAX = sizeof "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128",
};

/* Without a 0 behind it; returns the end. A family that is neither IPv4 nor IPv6 is nothing. */
char *address_print(char *out, const struct usher_netlink_address *address, bool prefix);
/* Two digits a byte, `between` them if that is not 0; returns the end. */
char *address_print_bytes(char *out, const uint8_t *bytes, size_t size, char between);

/* false if it is none. A prefix without a length is all of the address; bits beyond its length must
 * not be set. "default", "any" and "all" are no prefix here, for want of a family. */
bool address_parse(const char *text, bool prefix, struct usher_netlink_address *ret);
/* At most max bytes of two digits with ":" between them. Returns how many, 0 if it is none. */
size_t address_parse_hardware(const char *text, uint8_t *ret, size_t max);
/* Whether the address lies in the prefix. */
bool address_is_in(const struct usher_netlink_address *address,
		   const struct usher_netlink_address *prefix);
