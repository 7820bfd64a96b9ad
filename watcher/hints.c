/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hints.h"

#include <stdlib.h>
#include <string.h>

static void forget(struct hints *hints) {
	while (hints->n > 0)
		free(hints->directory[--hints->n]);
	hints->bytes = 0;
}

void hints_add_all(struct hints *hints, uint64_t clock) {
	forget(hints);
	hints->all = true;
	hints->clock = clock;
}

void hints_add(struct hints *hints, const char *directory, size_t length, uint64_t clock) {
	hints->clock = clock;
	if (hints->all)
		return;
	/* the last is the likeliest */
	for (size_t i = hints->n; i-- > 0;)
		if (strlen(hints->directory[i]) == length &&
		    memcmp(hints->directory[i], directory, length) == 0)
			return;
	if (hints->n < HINTS_MAX && hints->bytes + length <= HINTS_BYTES_MAX)
		hints->directory[hints->n] = strndup(directory, length);
	else
		hints->all = true;
	if (hints->all || !hints->directory[hints->n]) {
		hints_add_all(hints, clock);
		return;
	}
	hints->n++;
	hints->bytes += length;
}

void hints_move(struct hints *hints, struct hints *others) {
	if (others->all)
		hints_add_all(hints, others->clock);
	for (size_t i = 0; i < others->n; i++)
		hints_add(hints, others->directory[i], strlen(others->directory[i]), others->clock);
	hints_clear(others);
}

void hints_clear(struct hints *hints) {
	forget(hints);
	hints->all = false;
}
