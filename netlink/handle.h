/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The numbers of traffic control as tc(8) writes them: "1:", "1:10", "root", "ingress", "egress".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decoding;
struct encoding;
struct netlink_field;

enum { HANDLE_SIZE = 16 };

void handle_to_text(uint32_t handle, char text[HANDLE_SIZE]);
bool handle_from_text(const char *text, uint32_t *ret);

/* Of fields that are a handle. */
int handle_decode(struct decoding *decoding, const struct netlink_field *field,
		  const uint8_t *value, size_t size);
int handle_encode(struct encoding *encoding, const struct netlink_field *field, const void *value);

/* Puts the number where a field of the message's fixed part or of an attribute has it. */
void handle_put(struct encoding *encoding, const struct netlink_field *field, uint32_t handle);

/* A field that is a handle: behind the macros of table.h. */
#define HANDLE .decode = handle_decode, .encode = handle_encode
