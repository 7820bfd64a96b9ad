/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands of usher net share: their operands, and rows as text. */
#pragma once

#include "command.h"
#include "words.h"

/* The type that a word means: "links" and "link", "stats"; what is not known is taken as it is. */
const char *network_type(const char *word);
/* The fields of a type that a table has where nobody has named any; NULL: all. */
const char *const *network_fields(const char *type);

/* Operands NAME=VALUE, from this one on. A VALUE with commas is a list. 0, EXIT_USAGE after saying
 * what is wrong, or -ENOMEM. Only whether it would be right: ret is NULL. */
int network_parse(const struct arguments *arguments, int first, struct usher_values **ret);

/* The keys that the arguments give. */
struct usher_netlink_options network_keys(const struct arguments *arguments,
					  const struct usher_values *filter);

/* A field of a row as one cell: "" where it is not there; what lies in it in braces. NULL: no
 * memory, or the row cannot be understood (errno). */
char *network_cell(const struct usher_row *row, const char *field);
char *network_value_cell(const struct usher_values *values, const char *field);

/* One row to people, field by field as far as these are worth a column, or in JSON. Returns the
 * exit status. */
int network_print(const struct arguments *arguments, const char *type,
		  const struct usher_values *row);

/* The same as JSON; NULL as above. */
struct json_object *network_row_json(const struct usher_row *row);
struct json_object *network_values_json(const struct usher_values *values);

static inline void network_values_done(struct usher_values **values) {
	usher_values_free(*values);
}

#define _cleanup_network_values_ _cleanup_(network_values_done)
