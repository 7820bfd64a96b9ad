/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of what the service has, which end with NULL. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bus.h"

/* Adds an entry of so many bytes, all of them zero, to the list of `count` at `*list`, which is a
 * pointer to pointers of whatever type. NULL where there is no memory; the list is as it was then.
 */
void *entries_add(void *list, size_t *count, size_t size);

/* A list of the service's objects while it is read. */
struct list {
	void *entries; /* pointers, the last one NULL */
	size_t count;
	int64_t owner; /* the user on this connection */
};

/* Those that have an interface: calls add with the list for each. What goes wrong is kept in the
 * handle. */
int entries_list(struct usher *usher, const char *interface,
		 int (*add)(struct bus_message *m, const char *object, void *list),
		 struct list *list);
