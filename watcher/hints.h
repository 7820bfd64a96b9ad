/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories to list anew: a few by name, or else all there are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HINTS_MAX = 64, HINTS_BYTES_MAX = 8192 };

struct hints {
	size_t n, bytes;
	bool all;
	uint64_t clock;             /* of the last */
	char *directory[HINTS_MAX]; /* relative to the root of a watch, empty for itself */
};

/* Asked for each event of each watch. */
static inline bool hints_any(const struct hints *hints) {
	return hints->all || hints->n > 0;
}

void hints_add(struct hints *hints, const char *directory, size_t length, uint64_t clock);
void hints_add_all(struct hints *hints, uint64_t clock);
/* Adds what there is of others, which are none then. */
void hints_move(struct hints *hints, struct hints *others);
void hints_clear(struct hints *hints);
