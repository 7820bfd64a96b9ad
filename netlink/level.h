/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One level of nesting, compiled: how its rows are laid out, and by the number of an attribute what
 * is done with it. What is not in the table is stepped over without a look.
 *
 * A level with all the fields of its schema is compiled once, when it is first met, and kept for as
 * long as the program runs; there are as many as schemas. What a selection has chosen is its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criterion.h"
#include "schema.h"

enum { LEVEL_PARTS_MAX = 16 };

enum step_operation {
	STEP_COPY_1, /* a number of that size, as it stands there */
	STEP_COPY_2,
	STEP_COPY_4,
	STEP_COPY_8,
	STEP_NUMBER, /* of another width or byte order, or a BOOL; up to here all of it is there */
	STEP_FLAG,   /* true by being there */
	STEP_ADDRESS,
	STEP_BYTES, /* and strings */
	STEP_OBJECT,
	STEP_VARIANT,  /* an object of one of several schemas, when the rest has been walked */
	STEP_ELEMENTS, /* objects or a list, in one attribute */
	STEP_REPEATED, /* or one in each of several */
	STEP_HOOK,     /* the field's decode() */
};

/* What lies in a field: of a variant one for each kind, and one of no known kind. */
struct inner {
	const struct netlink_schema *schema;
	const char *kind;
	const struct level *level; /* NULL: the whole of the schema, not met yet */
	bool absent;               /* nothing of it was asked for */
};

/* What is done where a field's value is. */
struct step {
	const struct netlink_field *field;
	struct step *next; /* another one at the same attribute; NULL: none */
	uint8_t operation; /* enum step_operation */
	uint8_t size;      /* of the value, in a structure or number; 0: all there is */
	uint8_t byte;      /* in the row, which says by this bit of it that it is there */
	uint8_t mask;
	uint16_t column; /* in the row, where it is */
	uint16_t within; /* of the attribute or fixed part, where the value begins */
	uint16_t least;  /* ... how long it has to be for the value to be there */
	bool hidden;     /* only for the filter */
	struct inner *inner;
	uint16_t n_inner;
	const struct netlink_field *by; /* the field by which variants are told apart */
};

/* How a message of one form becomes a row. */
struct plan {
	struct step *steps; /* all of them: those of the fixed part, of attributes and lists, and
			     * what is computed */
	uint16_t n_steps;
	struct step *fixed;  /* the first one of the fixed part */
	struct step **first; /* ... of an attribute, by its number; NULL: it is stepped over */
	uint16_t n_first;
	struct step *list;  /* ... of a list's element */
	struct step **last; /* what is done when all has been walked */
	uint16_t n_last;
};

struct column {
	const struct netlink_field *field;
	uint16_t at;
	uint16_t name_length;
	bool hidden; /* only for the filter */
};

struct level {
	const struct netlink_schema *schema;
	struct column *columns;
	uint16_t n_columns, n_fields; /* of which those come first that are told */
	uint16_t *column_of; /* by the place of a field in the schema, that of its column and 1 */
	uint16_t row_size;
	uint16_t *referring; /* columns that refer to what is behind the rows */
	uint16_t n_referring;
	bool filtered; /* some rows do not pass */
	bool never;    /* the filter is on a field that there is not */
	struct plan *plans;
	uint16_t n_plans;
	struct criterion *criteria;
	uint16_t n_criteria, n_early;
	uint16_t *required; /* bits of columns that must be there, since the filter is within */
	uint16_t n_required;
};

/* A field that was chosen, and what in it. */
struct choice {
	const char *name;
	size_t length;
	bool wanted; /* to be told; otherwise it is only for the filter */
	bool whole;  /* with all that is in it */
	const char *key;
	const Usher__Value *value; /* of the filter; NULL: none */
	struct choice *inner;
	size_t n_inner;
};

/* The schema with all its fields; NULL: no memory. */
const struct level *level_whole(const struct netlink_schema *schema);

/* How choices are taken. */
enum level_flag {
	LEVEL_ALL = 1 << 0,      /* where none of them is wanted, all are */
	LEVEL_OPTIONAL = 1 << 1, /* what the schema does not have is left out */
};

/* With these. 0, -ENOMEM or a refusal. */
int level_compile(const struct netlink_schema *schema, const struct choice *choices, size_t n,
		  unsigned flags, struct refusal *refusal, struct level **ret);
/* Of one that level_compile() made. */
void level_free(struct level *level);
/* What lies in a field of variants or objects; NULL: nothing is to be told, or no memory. */
const struct level *inner_level(struct inner *inner);

/* What is done with a value where there is no decode(). */
enum step_operation level_plain_operation(const struct netlink_field *field);
/* NULL if the schema has none of that name. */
const struct netlink_field *level_field(const struct netlink_schema *schema, const char *name);

/* How a column of this form is laid out. */
size_t column_size(enum usher_netlink_form form);
/* Where the element is in a row of a list, and how large the row is. */
void level_list_layout(enum usher_netlink_form form, uint32_t *ret_at, uint32_t *ret_size);

static inline bool form_has_heap(enum usher_netlink_form form) {
	return form >= USHER_NETLINK_HARDWARE;
}

static inline bool form_is_nested(enum usher_netlink_form form) {
	return form >= USHER_NETLINK_OBJECT;
}

/* Whether the column of that number is there. */
static inline bool level_row_has(const uint8_t *row, size_t column) {
	return row[column / 8] & 1U << column % 8;
}
