/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handle.h"

#include <linux/pkt_sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "encode.h"
#include "fd.h"

/* What has a name, which is said and taken; and others that are taken only. */
static const struct {
	const char *name;
	uint32_t handle;
	bool said;
} names[] = {
	{ "root", TC_H_ROOT, true },
	{ "ingress", TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), true },
	{ "egress", TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), true },
	{ "clsact", TC_H_CLSACT, false },
	{ "none", TC_H_UNSPEC, false },
};

void handle_to_text(uint32_t handle, char text[HANDLE_SIZE]) {
	const unsigned major = TC_H_MAJ(handle) >> 16, minor = TC_H_MIN(handle);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].said && handle == names[i].handle) {
			(void)snprintf(text, HANDLE_SIZE, "%s", names[i].name);
			return;
		}
	if (minor == 0)
		(void)snprintf(text, HANDLE_SIZE, "%x:", major);
	else if (major == 0)
		(void)snprintf(text, HANDLE_SIZE, ":%x", minor);
	else
		(void)snprintf(text, HANDLE_SIZE, "%x:%x", major, minor);
}

/* Up to four hexadecimal digits, or none, which is 0. */
static bool parse_half(const char *text, size_t length, uint32_t *ret) {
	char digits[5] = "";

	if (length > 4 || strspn(text, "0123456789abcdefABCDEF") < length)
		return false;
	memcpy(digits, text, length);
	*ret = (uint32_t)strtoul(digits, NULL, 16);
	return true;
}

bool handle_from_text(const char *text, uint32_t *ret) {
	const size_t length = strcspn(text, ":");
	uint32_t major, minor;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(text, names[i].name) == 0) {
			*ret = names[i].handle;
			return true;
		}
	if (text[length] != ':' || !parse_half(text, length, &major) ||
	    !parse_half(text + length + 1, strlen(text + length + 1), &minor))
		return false;
	*ret = TC_H_MAKE(major << 16, minor);
	return true;
}

int handle_decode(struct decoding *decoding, const struct netlink_field *field,
		  const uint8_t *value, size_t size) {
	char text[HANDLE_SIZE];
	uint32_t handle;

	if (size < sizeof handle)
		return 1;
	memcpy(&handle, value, sizeof handle);
	handle_to_text(handle, text);
	return decoding_set_string(decoding, field, text);
}

void handle_put(struct encoding *encoding, const struct netlink_field *field, uint32_t handle) {
	uint8_t *header = encode_header(encoding);

	if (field->from == NETLINK_FROM_ATTRIBUTE)
		encode_put_u32(encoding, field->at, handle);
	else if (header)
		memcpy(header + field->at, &handle, sizeof handle);
}

int handle_encode(struct encoding *encoding, const struct netlink_field *field, const void *value) {
	_cleanup_free_ char *text = NULL;
	uint32_t handle;
	int r = encode_text(encoding, field, value, &text);

	if (r != 0)
		return r;
	if (!handle_from_text(text, &handle))
		return encode_refuse(encoding, field, "'%.64s' is no handle, such as 1:10", text);
	handle_put(encoding, field, handle);
	return 0;
}
