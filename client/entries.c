/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "entries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "objects.h"

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

int entries_list(struct usher *usher, const char *interface,
		 int (*add)(struct bus_message *m, const char *object, void *list),
		 struct list *list) {
	list->entries = calloc(1, sizeof(void *));
	if (!list->entries)
		return bus_fail(usher, -ENOMEM, "out of memory");
	list->owner = objects_owner(usher);
	return objects_list(usher, interface, add, list);
}
