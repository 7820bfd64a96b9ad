/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of what the service has, which end with NULL. */
#pragma once

#include <stddef.h>

/* Adds an entry of so many bytes, all of them zero, to the list of `count` at `*list`, which is a
 * pointer to pointers of whatever type. NULL where there is no memory; the list is as it was then.
 */
void *entries_add(void *list, size_t *count, size_t size);
