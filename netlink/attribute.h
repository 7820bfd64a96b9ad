/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The attributes of a message, one behind the other. Nothing in them is believed: one that is
 * shorter than its head, or reaches beyond what it is in, makes the message malformed.
 */
#pragma once

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t attribute_align(size_t size) {
	return (size + NLA_ALIGNTO - 1) / NLA_ALIGNTO * NLA_ALIGNTO;
}

/* Takes the next one off: 1, 0 at the end, or -EBADMSG. What is too short to be one is none. */
static inline int attribute_next(const uint8_t **at, size_t *left, const uint8_t **ret_value,
				 size_t *ret_size, unsigned *ret_number) {
	struct nlattr head;
	size_t whole;

	if (*left < sizeof head)
		return 0;
	memcpy(&head, *at, sizeof head);
	if (head.nla_len < sizeof head || head.nla_len > *left)
		return -EBADMSG;
	*ret_value = *at + sizeof head;
	*ret_size = head.nla_len - sizeof head;
	*ret_number = head.nla_type & NLA_TYPE_MASK;
	whole = attribute_align(head.nla_len);
	if (whole > *left)
		whole = *left;
	*at += whole;
	*left -= whole;
	return 1;
}

/* The last attribute of that number among these, behind so many bytes: true if there is one. */
bool netlink_attribute(const uint8_t *value, size_t size, size_t fixed, unsigned number,
		       const uint8_t **ret_value, size_t *ret_size);
