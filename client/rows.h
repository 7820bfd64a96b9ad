/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes through a descriptor of rows, inside: see usher.h and usher-netlink-records.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usher.h"

/* A field as it was described. */
struct rows_field {
	struct usher_field field; /* the first, so that one is found by the other */
	uint32_t column;
	uint16_t n_words;
	struct rows_word *words;
};

struct rows_word {
	uint64_t value;
	char *name;
};

struct rows_type {
	struct rows_type *next; /* all that there were */
	uint8_t *description;   /* the block, by which the same one is known again */
	size_t size;
	char *name;
	size_t row_size;
	unsigned n_fields;
	struct rows_field *fields;
};

/* A block that has been looked at. */
struct rows_block {
	const uint8_t *bytes;
	size_t size;
};

/* The types of a stream. */
struct rows_types {
	const struct rows_type *by_number[USHER_NETLINK_TYPES_MAX];
	struct rows_type *all; /* those that were forgotten, too: somebody may hold their names */
	size_t n;
};

/* Takes a USHER_NETLINK_TYPE. 0, -EBADMSG or -ENOMEM. */
int rows_types_take(struct rows_types *types, const struct rows_block *block);
void rows_types_forget(struct rows_types *types);
void rows_types_clear(struct rows_types *types);
