/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks of rows as no service writes them: out of memory, and, cut anywhere, out of a pipe. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "usher.h"

enum { LOOKS_MAX = 20000, PIPE_SIZE = 65536 };

/* What is read, one byte at least of each: whoever follows an offset out of the block is caught. */
static uint8_t sum;

static void look(const void *bytes, size_t size) {
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
}

/* Rows may be in one another in so many ways that nobody could read them all. */
static void read_row(const struct usher_row *row, unsigned *left) {
	for (unsigned i = 0; i<row->n_fields && * left> 0; i++) {
		struct usher_value value;
		struct usher_row inner;
		int r = usher_row_get(row, i, &value);

		(*left)--;
		must(r == 0 || r == 1 || r == -EBADMSG);
		must(strlen(value.field->name) < 65536);
		if (r != 1)
			continue;
		if (value.field->form >= USHER_NETLINK_HARDWARE &&
		    value.field->form < USHER_NETLINK_OBJECT)
			look(value.bytes, value.length);
		free(usher_value_to_string(&value));
		for (size_t j = 0;
		     value.field->form >= USHER_NETLINK_OBJECT && j<value.count && * left> 0; j++) {
			must(usher_value_get_row(&value, j, &inner) == 0);
			must(inner.depth < USHER_NETLINK_DEPTH_MAX);
			read_row(&inner, left);
		}
	}
}

static void read_all(struct usher_rows *rows) {
	unsigned left = LOOKS_MAX;
	struct usher_rows_end end;
	struct usher_value value;
	struct usher_row row;
	int r;

	while (left > 0 && (r = usher_rows_next(rows, &row)) > 0) {
		left--;
		(void)usher_row_find(&row, "linkinfo.data.id", &value);
		if (row.action != USHER_NETLINK_GAP && row.action != USHER_NETLINK_SYNCED)
			read_row(&row, &left);
	}
	if (left > 0) {
		must(r == 0 || r == -EBADMSG || r == -ENODATA);
		must(usher_rows_next(rows, &row) == r);
		must((usher_rows_get_end(rows, &end) == 0) == (r == 0));
	}
	must(!usher_rows_close(rows));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct usher_rows *rows;
	int pair[2], r = usher_rows_read(data, size, &rows);

	must(r == 0 || r == -EBADMSG);
	if (r == 0)
		read_all(rows);
	if (size > PIPE_SIZE)
		return 0;
	must(pipe2(pair, O_CLOEXEC) == 0);
	must(write(pair[1], data, size) == (ssize_t)size && close(pair[1]) == 0);
	must(usher_rows_adopt(pair[0], &rows) == 0);
	read_all(rows);
	return 0;
}
