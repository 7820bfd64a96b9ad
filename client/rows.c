/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows out of a descriptor or memory, block by block. The writer is trusted no further than its
 * descriptor: every offset is looked at before it is followed. row.c has the rows themselves.
 */

#include "rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

enum { BUFFER_LEAST = USHER_NETLINK_PACKET_MAX };

struct usher_rows {
	struct rows_types types; /* the first: rows refer to it */
	int fd;                  /* -1: all is in memory */
	bool packets;            /* of whole blocks */
	const uint8_t *bytes;    /* that are there */
	size_t size, at;
	void *map; /* a memfd, to be unmapped */
	size_t map_size;
	uint8_t *buffer; /* of a stream */
	size_t buffer_size;

	struct rows_block block; /* whose rows are being read */
	const struct rows_type *type;
	const uint8_t *row;
	uint32_t n_left;
	unsigned action;

	bool started, ended;
	int failed;
	struct usher_rows_end end;
	char *why, *message;
};

/* ---- where the blocks are ---- */

static int map_file(struct usher_rows *rows, int fd, off_t size) {
	int seals = fcntl(fd, F_GET_SEALS), needed = F_SEAL_WRITE | F_SEAL_SHRINK;

	if (seals < 0 || (seals & needed) != needed)
		return -EINVAL;
	if (size <= 0)
		return -EBADMSG;
	rows->map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
	if (rows->map == MAP_FAILED) {
		rows->map = NULL;
		return -errno;
	}
	rows->map_size = (size_t)size;
	rows->bytes = rows->map;
	rows->size = (size_t)size;
	return 0;
}

static bool is_of_packets(int fd) {
	socklen_t size = sizeof(int);
	int type = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

static int enlarge(struct usher_rows *rows, size_t size) {
	uint8_t *buffer;

	if (size <= rows->buffer_size)
		return 0;
	buffer = realloc(rows->buffer, size);
	if (!buffer)
		return -ENOMEM;
	rows->buffer = buffer;
	rows->buffer_size = size;
	return 0;
}

/* Goes on reading. 1, 0 at the end of the stream, or a negative errno. */
static int fill(struct usher_rows *rows, size_t wanted) {
	size_t left = rows->size - rows->at;
	ssize_t n;
	int r;

	if (rows->fd < 0)
		return 0;
	r = enlarge(rows, wanted > BUFFER_LEAST ? wanted : BUFFER_LEAST);
	if (r < 0)
		return r;
	/* What is whole in a packet is whole: nothing of it is left over. */
	if (rows->packets && left > 0)
		return -EBADMSG;
	if (left > 0)
		memmove(rows->buffer, rows->buffer + rows->at, left);
	rows->bytes = rows->buffer;
	rows->at = 0;
	rows->size = left;
	do
		n = rows->packets ? recv(rows->fd, rows->buffer, rows->buffer_size, MSG_TRUNC)
				  : read(rows->fd, rows->buffer + left, rows->buffer_size - left);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n > rows->buffer_size - left)
		return -EBADMSG;
	rows->size = left + (size_t)n;
	return n > 0;
}

/* The next block, whole. 1, 0 at the end of the stream, or a negative errno. */
static int next_block(struct usher_rows *rows, struct rows_block *ret) {
	struct usher_netlink_block head;
	size_t wanted = sizeof head;
	int r;

	for (;;) {
		size_t left = rows->size - rows->at;

		if (left >= sizeof head) {
			memcpy(&head, rows->bytes + rows->at, sizeof head);
			wanted = head.size;
			if (wanted < sizeof head || wanted % 8 != 0 ||
			    wanted > USHER_NETLINK_BLOCK_MAX)
				return -EBADMSG;
		}
		if (left >= wanted)
			break;
		r = fill(rows, wanted);
		if (r == 0)
			return left == 0 ? 0 : rows->fd >= 0 ? -ENODATA : -EBADMSG;
		if (r < 0)
			return r;
	}
	*ret = (struct rows_block){ rows->bytes + rows->at, wanted };
	rows->at += wanted;
	return 1;
}

/* ---- the making ---- */

static int make(int fd, struct usher_rows **ret) {
	struct usher_rows *rows = calloc(1, sizeof *rows);

	if (!rows)
		return -ENOMEM;
	rows->fd = fd;
	*ret = rows;
	return 0;
}

static void cleanup_rows(struct usher_rows **rows) {
	(void)usher_rows_close(*rows);
}

/* What is there already has to begin as rows do. */
static int check_start(struct usher_rows *rows) {
	struct usher_netlink_start start;

	if (rows->size < sizeof start)
		return -EBADMSG;
	memcpy(&start, rows->bytes, sizeof start);
	return start.block.kind == USHER_NETLINK_START && start.magic == USHER_NETLINK_MAGIC
		       ? 0
		       : -EBADMSG;
}

int usher_rows_adopt(int fd, struct usher_rows **ret) {
	_cleanup_(cleanup_rows) struct usher_rows *rows = NULL;
	struct stat status;
	int r;

	if (fstat(fd, &status) < 0)
		return -errno;
	r = make(-1, &rows);
	if (r < 0)
		return r;
	if (S_ISREG(status.st_mode)) {
		r = map_file(rows, fd, status.st_size);
		if (r == 0)
			r = check_start(rows);
		if (r < 0)
			return r;
		(void)close(fd);
	} else {
		rows->packets = is_of_packets(fd);
		rows->fd = fd;
	}
	*ret = take_pointer(rows);
	return 0;
}

int usher_rows_read(const void *blocks, size_t size, struct usher_rows **ret) {
	_cleanup_(cleanup_rows) struct usher_rows *rows = NULL;
	int r = make(-1, &rows);

	if (r < 0)
		return r;
	rows->bytes = blocks;
	rows->size = size;
	r = check_start(rows);
	if (r == 0)
		*ret = take_pointer(rows);
	return r;
}

struct usher_rows *usher_rows_close(struct usher_rows *rows) {
	if (!rows)
		return NULL;
	if (rows->fd >= 0)
		(void)close(rows->fd);
	if (rows->map)
		(void)munmap(rows->map, rows->map_size);
	rows_types_clear(&rows->types);
	free(rows->buffer);
	free(rows->why);
	free(rows->message);
	free(rows);
	return NULL;
}

int usher_rows_get_fd(const struct usher_rows *rows) {
	return rows->fd;
}

/* ---- blocks ---- */

static int take_start(struct usher_rows *rows, const struct rows_block *block) {
	struct usher_netlink_start start;

	if (block->size < sizeof start)
		return -EBADMSG;
	memcpy(&start, block->bytes, sizeof start);
	if (start.magic != USHER_NETLINK_MAGIC)
		return -EBADMSG;
	rows_types_forget(&rows->types);
	rows->started = true;
	return 0;
}

static int take_rows(struct usher_rows *rows, const struct rows_block *block) {
	struct usher_netlink_rows described;

	if (block->size < sizeof described)
		return -EBADMSG;
	memcpy(&described, block->bytes, sizeof described);
	if (described.block.type >= USHER_NETLINK_TYPES_MAX ||
	    !rows->types.by_number[described.block.type] || described.action > USHER_NETLINK_DEL)
		return -EBADMSG;
	rows->type = rows->types.by_number[described.block.type];
	if ((uint64_t)described.n * rows->type->row_size > block->size - sizeof described)
		return -EBADMSG;
	rows->block = *block;
	rows->row = block->bytes + sizeof described;
	rows->n_left = described.n;
	rows->action = described.action;
	return 0;
}

static int take_text(const struct rows_block *block, uint32_t offset, uint32_t length, char **ret) {
	if (offset > block->size || length > block->size - offset)
		return -EBADMSG;
	*ret = strndup((const char *)block->bytes + offset, length);
	return *ret ? 0 : -ENOMEM;
}

static int take_end(struct usher_rows *rows, const struct rows_block *block) {
	struct usher_netlink_end end;
	int r;

	if (block->size < sizeof end)
		return -EBADMSG;
	memcpy(&end, block->bytes, sizeof end);
	r = take_text(block, end.why, end.why_length, &rows->why);
	if (r == 0)
		r = take_text(block, end.message, end.message_length, &rows->message);
	if (r < 0)
		return r;
	rows->end = (struct usher_rows_end){
		.rows = end.rows,
		.complete = end.complete != 0,
		.code = end.code < 0 ? end.code : 0,
		.why = rows->why,
		.message = rows->message,
	};
	rows->ended = true;
	return 0;
}

/* A gap, or that it has been made good: a row without fields. */
static int take_mark(const struct rows_block *block, unsigned kind, struct usher_row *ret) {
	struct usher_netlink_gap gap = {};

	if (kind == USHER_NETLINK_GAP) {
		if (block->size < sizeof gap)
			return -EBADMSG;
		memcpy(&gap, block->bytes, sizeof gap);
	}
	*ret = (struct usher_row){ .type = "", .action = kind, .lost = gap.lost };
	return 1;
}

/* 1 if *ret is filled, 0 to go on, or a negative errno. */
static int take_block(struct usher_rows *rows, const struct rows_block *block,
		      struct usher_row *ret) {
	struct usher_netlink_block head;

	memcpy(&head, block->bytes, sizeof head);
	if (!rows->started && head.kind != USHER_NETLINK_START)
		return -EBADMSG;
	switch (head.kind) {
	case USHER_NETLINK_START: return take_start(rows, block);
	case USHER_NETLINK_TYPE: return rows_types_take(&rows->types, block);
	case USHER_NETLINK_ROWS: return take_rows(rows, block);
	case USHER_NETLINK_GAP:
	case USHER_NETLINK_SYNCED: return take_mark(block, head.kind, ret);
	case USHER_NETLINK_END: return take_end(rows, block);
	default: return 0; /* from a time after ours */
	}
}

static void take_row(struct usher_rows *rows, struct usher_row *ret) {
	*ret = (struct usher_row){
		.type = rows->type->name,
		.action = rows->action,
		.n_fields = rows->type->n_fields,
		.reserved = { &rows->types, rows->type, rows->row, rows->block.bytes },
	};
	rows->row += rows->type->row_size;
	rows->n_left--;
}

int usher_rows_next(struct usher_rows *rows, struct usher_row *ret) {
	struct rows_block block;
	int r;

	if (rows->failed < 0)
		return rows->failed;
	while (rows->n_left == 0) {
		if (rows->ended)
			return 0;
		r = next_block(rows, &block);
		if (r > 0)
			r = take_block(rows, &block, ret);
		else if (r == 0)
			r = -ENODATA;
		if (r < 0 && r != -EAGAIN && r != -ENOMEM)
			rows->failed = r;
		if (r != 0)
			return r;
	}
	take_row(rows, ret);
	return 1;
}

int usher_rows_get_end(const struct usher_rows *rows, struct usher_rows_end *ret) {
	if (!rows->ended || rows->n_left > 0)
		return -EINPROGRESS;
	*ret = rows->end;
	return 0;
}
