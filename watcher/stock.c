/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "stock.h"

#include <stdlib.h>

/* With the table of directories, at its largest, still less than MemoryMax= of a watcher. */
static const size_t most = (size_t)96 << 20;

enum { STOCK_USERS = 256 };

/* Who has the same remainder shares one. */
static size_t used, used_by[STOCK_USERS];

struct piece {
	_Alignas(max_align_t) size_t size;
	size_t *used_by;
	_Alignas(max_align_t) unsigned char bytes[];
};

void *stock_new(uid_t uid, size_t size) {
	size_t *by = &used_by[uid % STOCK_USERS];
	size_t left = most - used > *by ? most - used - *by : 0;
	struct piece *piece = size <= left ? malloc(sizeof *piece + size) : NULL;

	if (!piece)
		return NULL;
	piece->size = size;
	piece->used_by = by;
	*by += size;
	used += size;
	return piece->bytes;
}

void stock_free(void *memory) {
	struct piece *piece = memory ? (void *)((unsigned char *)memory - sizeof *piece) : NULL;

	if (!piece)
		return;
	*piece->used_by -= piece->size;
	used -= piece->size;
	free(piece);
}
