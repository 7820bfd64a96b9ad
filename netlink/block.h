/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows on their way out: blocks of interfaces/netlink-records.h, or lines of JSON. A row is built
 * where it will be sent from, by decode.h, and goes when the block is full.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "interfaces/netlink-records.h"

struct block;
struct level;

enum block_format {
	BLOCK_RECORDS,
	BLOCK_JSON,       /* one object a line; nothing but rows, and a last line if not complete */
	BLOCK_JSON_ENDED, /* the same, with a last line in any case: without it the end is missing
			   */
};

/* Where it goes: all of it, or a negative errno, upon which nothing follows. */
typedef int (*block_sink)(void *userdata, const struct iovec *pieces, size_t n);

/* Bytes that grow. */
struct block_buffer {
	uint8_t *bytes;
	size_t size, allocated;
	size_t max; /* -EFBIG beyond it; 0: no bound */
};

/* For `userdata` a struct block_buffer, and an int, which may block. */
int block_to_buffer(void *userdata, const struct iovec *pieces, size_t n);
int block_to_fd(void *userdata, const struct iovec *pieces, size_t n);

/* `fill`: how large a block of rows becomes before it goes; at most USHER_NETLINK_BLOCK_MAX / 4.
 * What is large beforehand costs nothing before it is used. NULL: no memory. */
struct block *block_new(enum block_format format, size_t fill, block_sink sink, void *userdata);
/* The first one goes when it is as large as this, each other one may be twice as large as the one
 * before: somebody waits for the first. */
void block_hurry(struct block *block, size_t fill);
void block_free(struct block *block);

static inline void cleanup_block(struct block **block) {
	block_free(*block);
}

/* All of these 0 or a negative errno; the sink's once it has failed. The first of all is start. */
int block_start(struct block *block);
/* Sends what is there. */
int block_flush(struct block *block);
int block_gap(struct block *block, uint64_t lost);
int block_synced(struct block *block);
int block_end(struct block *block, bool complete, int code, const char *why, const char *message);

/* Rows that were put in, and bytes that went to the sink. */
uint64_t block_rows(const struct block *block);
uint64_t block_bytes(const struct block *block);
/* Bytes that wait to be sent. */
size_t block_waiting(const struct block *block);

/* Room behind the rows, and what the row says of where that is. */
struct block_heap {
	uint8_t *bytes;
	uint32_t offset;
};

/*
 * How a row is put in. Between begin and commit there may be any number of block_heap(); their
 * memory stays where it is until the row is committed or dropped. NULL: it does not fit in a block.
 */
uint8_t *block_begin_row(struct block *block, const struct level *level, unsigned action);
struct block_heap block_heap(struct block *block, size_t size, size_t alignment);
/* What stands at an offset that block_heap() told. */
const uint8_t *block_at(const struct block *block, uint32_t offset);
/* The number of rows of this level in the stream. 0: there are too many types. */
uint16_t block_number(struct block *block, const struct level *level);
int block_commit_row(struct block *block);
void block_drop_row(struct block *block);
