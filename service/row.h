/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows as they travel between us and to the bus, out of the records that usher-netlink writes. */
#pragma once

#include <stddef.h>

#include "usher.pb-c.h"

struct usher_row;

/* What a row of records says, in words where it has words. 0 or a negative errno. */
int row_of(const struct usher_row *record, Usher__Row **ret);
/* All rows of blocks in memory (interfaces/netlink-records.h). 0, or a negative errno, and then
 * there are none. */
int row_read_blocks(const void *blocks, size_t size, Usher__Row ***ret, size_t *ret_n);
void row_free_all(Usher__Row **rows, size_t n);

/* The value of a member that is added to a row; NULL when there is no memory. */
Usher__Value *row_add(Usher__Row *row, const char *key);
