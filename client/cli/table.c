/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text in columns, as wide as their widest cell. */

#include "table.h"

#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "../cleanup.h"
#include "text.h"

int table_add(struct table *table, char *text) {
	_cleanup_free_ char *cell = text && !*text ? strdup("-") : NULL;
	_cleanup_free_ char *rest = text;
	char **larger = reallocarray(table->cells, table->count + 1, sizeof *larger);

	if (!larger)
		return -ENOMEM;
	table->cells = larger;
	if (!text || (!*text && !cell))
		return -ENOMEM;
	larger[table->count++] = cell ? take_pointer(cell) : take_pointer(rest);
	return 0;
}

int table_add_name(struct table *table, const char *name) {
	return table_add(table, text_from_name(name));
}

static bool is_ascii(const char *cell) {
	while (*cell >= ' ' && *cell <= '~')
		cell++;
	return *cell == '\0';
}

/* In columns of the terminal; in bytes where the locale does not know the characters. */
static size_t cell_width(const char *cell) {
	_cleanup_free_ wchar_t *wide = NULL;
	int width = -1;

	/* Most of them, and there may be millions. */
	if (is_ascii(cell))
		return strlen(cell);
	wide = calloc(strlen(cell) + 1, sizeof *wide);
	if (wide && mbstowcs(wide, cell, strlen(cell) + 1) != (size_t)-1)
		width = wcswidth(wide, strlen(cell));
	return width < 0 ? strlen(cell) : (size_t)width;
}

static size_t column_width(const struct table *table, size_t column) {
	size_t i, widest = 0, width;

	for (i = column; i < table->count; i += table->columns) {
		width = cell_width(table->cells[i]);
		if (width > widest)
			widest = width;
	}
	return widest;
}

/* None becomes narrower again. */
static void measure(struct table *table) {
	size_t column, width;

	if (!table->widths)
		table->widths = calloc(table->columns, sizeof *table->widths);
	for (column = 0; table->widths && column < table->columns; column++) {
		width = column_width(table, column);
		if (width > table->widths[column])
			table->widths[column] = width;
	}
}

void table_print(struct table *table) {
	const size_t *widths;
	size_t i, column;

	/* Only what says which bytes are characters: numbers on the command line have a point. */
	setlocale(LC_CTYPE, "");
	measure(table);
	widths = table->widths;
	for (i = 0; i < table->count; i++) {
		column = i % table->columns;
		fputs(table->cells[i], stdout);
		if (column == table->columns - 1)
			putchar('\n');
		else
			printf("%*s",
			       (int)(widths ? widths[column] + 2 - cell_width(table->cells[i]) : 2),
			       "");
	}
}

void table_flush(struct table *table) {
	table_print(table);
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	table->count = 0;
}

void table_done(struct table *table) {
	size_t i;

	for (i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table->widths);
}
