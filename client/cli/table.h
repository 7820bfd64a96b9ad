/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text in columns. */
#pragma once

#include <stddef.h>

struct table {
	char **cells; /* row after row */
	size_t count;
	size_t columns;
	size_t *widths; /* of what was printed before; NULL: nothing was */
};

/* Adds one cell: text fit for a terminal, which is taken over (NULL: no memory for it), or a name.
 * An empty one becomes "-". 0 or -ENOMEM. */
int table_add(struct table *table, char *text);
int table_add_name(struct table *table, const char *name);
void table_print(struct table *table);
/* The same, and begins anew with columns that are as wide, for tables without end. */
void table_flush(struct table *table);
void table_done(struct table *table);
