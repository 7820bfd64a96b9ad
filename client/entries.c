/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "entries.h"

#include <stdlib.h>
#include <string.h>

void *entries_add(void *list, size_t *count, size_t size) {
	void **entries, **larger, *entry;

	memcpy(&entries, list, sizeof entries);
	larger = reallocarray(entries, *count + 2, sizeof *larger);
	if (!larger)
		return NULL;
	memcpy(list, &larger, sizeof larger);
	entry = calloc(1, size);
	larger[*count] = entry;
	if (!entry)
		return NULL;
	larger[++*count] = NULL;
	return entry;
}
