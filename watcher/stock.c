/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "stock.h"

#include <stdlib.h>

/* With the table of directories, at its largest, still less than MemoryMax= of a watcher. */
static const size_t most = (size_t)96 << 20;

static size_t used;

struct piece {
	_Alignas(max_align_t) size_t size;
	_Alignas(max_align_t) unsigned char bytes[];
};

void *stock_new(size_t size) {
	struct piece *piece = size <= most - used ? malloc(sizeof *piece + size) : NULL;

	if (!piece)
		return NULL;
	piece->size = size;
	used += size;
	return piece->bytes;
}

void stock_free(void *memory) {
	struct piece *piece = memory ? (void *)((unsigned char *)memory - sizeof *piece) : NULL;

	if (piece)
		used -= piece->size;
	free(piece);
}
