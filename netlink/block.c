/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "level.h"

enum {
	BUCKETS = 512, /* more than there can be types */
	FILL_MAX = USHER_NETLINK_BLOCK_MAX / 4,
	/* What is filled, and a row more. */
	HEAP_AT = FILL_MAX + 65536,
	MEMORY = HEAP_AT + USHER_NETLINK_BLOCK_MAX,
	BUFFER_LEAST = 4096,
	PIECES_MAX = 4, /* at once */
};

struct block {
	enum block_format format;
	size_t fill, fill_later;
	block_sink sink;
	void *userdata;
	int failed; /* what the sink has said */

	uint8_t *memory; /* rows, and at HEAP_AT what is behind them, of which offsets are */
	const struct level *level; /* of the rows */
	unsigned action;
	size_t n, rows_size, heap_size;
	size_t heap_room; /* beside the rows and the one that is being built */

	size_t heap_before, types_before; /* ... of which there were so many before */

	const struct level *levels[USHER_NETLINK_TYPES_MAX]; /* by their numbers, from 1 */
	uint16_t buckets[BUCKETS];
	size_t n_types, n_described;
	struct block_buffer types; /* that are to be described before the rows */
	struct json json;
	uint64_t total, bytes;
};

static bool is_json(const struct block *block) {
	return block->format != BLOCK_RECORDS;
}

/* ---- sinks ---- */

int block_to_buffer(void *userdata, const struct iovec *pieces, size_t n) {
	struct block_buffer *buffer = userdata;
	size_t size = 0, allocated = buffer->allocated ? buffer->allocated : BUFFER_LEAST;

	for (size_t i = 0; i < n; i++)
		size += pieces[i].iov_len;
	if (buffer->max > 0 && size > buffer->max - buffer->size)
		return -EFBIG;
	while (allocated - buffer->size < size)
		allocated *= 2;
	if (allocated != buffer->allocated) {
		uint8_t *bytes = realloc(buffer->bytes, allocated);

		if (!bytes)
			return -ENOMEM;
		buffer->bytes = bytes;
		buffer->allocated = allocated;
	}
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].iov_len == 0)
			continue;
		memcpy(buffer->bytes + buffer->size, pieces[i].iov_base, pieces[i].iov_len);
		buffer->size += pieces[i].iov_len;
	}
	return 0;
}

int block_to_fd(void *userdata, const struct iovec *pieces, size_t n) {
	int fd = *(int *)userdata;
	struct iovec left[PIECES_MAX];
	size_t at = 0;

	memcpy(left, pieces, n * sizeof *left);
	while (at < n) {
		ssize_t written = writev(fd, left + at, (int)(n - at));

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		for (; at < n && (size_t)written >= left[at].iov_len; at++)
			written -= (ssize_t)left[at].iov_len;
		if (at < n) {
			left[at].iov_base = (uint8_t *)left[at].iov_base + written;
			left[at].iov_len -= (size_t)written;
		}
	}
	return 0;
}

static int send_pieces(struct block *block, const struct iovec *pieces, size_t n) {
	if (block->failed < 0)
		return block->failed;
	block->failed = block->sink(block->userdata, pieces, n);
	for (size_t i = 0; block->failed == 0 && i < n; i++)
		block->bytes += pieces[i].iov_len;
	return block->failed;
}

/* ---- the making ---- */

struct block *block_new(enum block_format format, size_t fill, block_sink sink, void *userdata) {
	struct block *block = calloc(1, sizeof *block);

	if (!block)
		return NULL;
	block->format = format;
	block->fill = block->fill_later = fill < FILL_MAX ? fill : FILL_MAX;
	block->sink = sink;
	block->userdata = userdata;
	/* What is sent of it has been written, all of it: nobody is told what was in it before. */
	block->memory = malloc(MEMORY);
	if (!block->memory) {
		free(block);
		return NULL;
	}
	return block;
}

void block_hurry(struct block *block, size_t fill) {
	if (fill < block->fill)
		block->fill = fill;
}

void block_free(struct block *block) {
	if (!block)
		return;
	free(block->memory);
	free(block->types.bytes);
	free(block->json.text);
	free(block);
}

uint64_t block_rows(const struct block *block) {
	return block->total;
}

uint64_t block_bytes(const struct block *block) {
	return block->bytes;
}

static inline size_t waiting(const struct block *block) {
	return is_json(block) ? block->json.size : block->rows_size + block->heap_size;
}

size_t block_waiting(const struct block *block) {
	return waiting(block);
}

/* ---- the types ---- */

static uint16_t *bucket_of(struct block *block, const struct level *level) {
	size_t at = (uintptr_t)level / sizeof(void *) * UINT64_C(0x9e3779b97f4a7c15) >> 55;

	while (block->buckets[at] != 0 && block->levels[block->buckets[at]] != level)
		at = (at + 1) % BUCKETS;
	return &block->buckets[at];
}

uint16_t block_number(struct block *block, const struct level *level) {
	uint16_t *bucket = bucket_of(block, level);

	if (*bucket != 0 || block->n_types == USHER_NETLINK_TYPES_MAX - 1)
		return *bucket;
	*bucket = (uint16_t)++block->n_types;
	block->levels[*bucket] = level;
	return *bucket;
}

/* Those beyond the first n are no more. */
static void forget_types(struct block *block, size_t n) {
	if (block->n_types == n)
		return;
	block->n_types = n;
	memset(block->buckets, 0, sizeof block->buckets);
	for (size_t i = 1; i <= n; i++)
		*bucket_of(block, block->levels[i]) = (uint16_t)i;
}

static size_t text_size(const struct level *level) {
	size_t size = strlen(level->schema->name);

	for (size_t i = 0; i < level->n_fields; i++) {
		const struct netlink_field *field = level->columns[i].field;

		size += strlen(field->name);
		for (size_t j = 0; field->words && j < field->words->n; j++)
			size += strlen(field->words->words[j].name);
	}
	return size;
}

static size_t count_words(const struct level *level) {
	size_t n = 0;

	for (size_t i = 0; i < level->n_fields; i++)
		n += level->columns[i].field->words ? level->columns[i].field->words->n : 0;
	return n;
}

/* Where the parts of a description are written. */
struct description {
	uint8_t *bytes;
	struct usher_netlink_field *field;
	struct usher_netlink_word *word;
	char *text;
};

static uint32_t put_text(struct description *description, const char *text, size_t length) {
	uint32_t at = (uint32_t)(description->text - (char *)description->bytes);

	description->text = mempcpy(description->text, text, length);
	return at;
}

static void describe_field(struct description *description, const struct column *column) {
	const struct netlink_words *words = column->field->words;
	size_t length = strlen(column->field->name);
	struct usher_netlink_field *field = description->field++;

	*field = (struct usher_netlink_field){
		.name = put_text(description, column->field->name, length),
		.name_length = (uint16_t)length,
		.form = (uint8_t)column->field->form,
		.flags = !words        ? 0
			 : words->bits ? USHER_NETLINK_BITS
				       : USHER_NETLINK_WORDS,
		.column = column->at,
		.n_words = words ? (uint16_t)words->n : 0,
	};
	if (!words)
		return;
	field->words = (uint32_t)((uint8_t *)description->word - description->bytes);
	for (size_t i = 0; i < words->n; i++) {
		size_t size = strlen(words->words[i].name);

		*description->word++ = (struct usher_netlink_word){
			.value = words->words[i].value,
			.name = put_text(description, words->words[i].name, size),
			.name_length = (uint32_t)size,
		};
	}
}

static size_t round_up(size_t size) {
	return (size + 7) / 8 * 8;
}

static int describe(struct block *block, size_t number) {
	const struct level *level = block->levels[number];
	size_t fields = sizeof(struct usher_netlink_type),
	       words = round_up(fields + level->n_fields * sizeof(struct usher_netlink_field)),
	       text = words + count_words(level) * sizeof(struct usher_netlink_word),
	       size = round_up(text + text_size(level)), length = strlen(level->schema->name);
	struct description description = { .bytes = calloc(1, size) };
	struct usher_netlink_type *type = (void *)description.bytes;
	int r;

	if (!type)
		return -ENOMEM;
	description.field = (void *)(description.bytes + fields);
	description.word = (void *)(description.bytes + words);
	description.text = (char *)description.bytes + text;
	*type = (struct usher_netlink_type){
		.block = { (uint32_t)size, USHER_NETLINK_TYPE, (uint16_t)number },
		.name = put_text(&description, level->schema->name, length),
		.name_length = (uint16_t)length,
		.n_fields = level->n_fields,
		.row_size = level->row_size,
		.fields = (uint32_t)fields,
	};
	for (size_t i = 0; i < level->n_fields; i++)
		describe_field(&description, &level->columns[i]);
	r = block_to_buffer(&block->types, &(struct iovec){ description.bytes, size }, 1);
	free(description.bytes);
	return r;
}

/* ---- rows ---- */

/* Offsets become those from the beginning of the block. */
static void relocate(struct block *block, const struct level *level, uint8_t *rows, size_t n,
		     uint32_t by) {
	const uint8_t *end = rows + n * level->row_size;

	for (size_t i = 0; i < level->n_referring; i++) {
		size_t number = level->referring[i];
		const struct column *column = &level->columns[number];
		bool is_nested = form_is_nested(column->field->form);

		for (uint8_t *row = rows; row < end; row += level->row_size) {
			struct usher_netlink_nested nested;
			uint32_t offset;

			if (!level_row_has(row, number))
				continue;
			if (is_nested) {
				memcpy(&nested, row + column->at, sizeof nested);
				relocate(block, block->levels[nested.type],
					 block->memory + HEAP_AT + nested.offset, nested.count, by);
			}
			/* Of all of these the offset is the first member. */
			memcpy(&offset, row + column->at, sizeof offset);
			offset += by;
			memcpy(row + column->at, &offset, sizeof offset);
		}
	}
}

static int flush_rows(struct block *block) {
	struct usher_netlink_rows rows = { .n = (uint32_t)block->n,
					   .action = (uint16_t)block->action };
	size_t heap_size = round_up(block->heap_size);
	struct iovec pieces[PIECES_MAX] = {};
	int r;

	rows.block = (struct usher_netlink_block){
		.size = (uint32_t)(sizeof rows + block->rows_size + heap_size),
		.kind = USHER_NETLINK_ROWS,
		.type = block_number(block, block->level),
	};
	if (rows.block.type == 0)
		return -E2BIG;
	relocate(block, block->level, block->memory, block->n,
		 (uint32_t)(sizeof rows + block->rows_size));
	memset(block->memory + HEAP_AT + block->heap_size, 0, heap_size - block->heap_size);
	while (block->n_described < block->n_types) {
		r = describe(block, block->n_described + 1);
		if (r < 0)
			return r;
		block->n_described++;
	}
	pieces[0] = (struct iovec){ block->types.bytes, block->types.size };
	pieces[1] = (struct iovec){ &rows, sizeof rows };
	pieces[2] = (struct iovec){ block->memory, block->rows_size };
	pieces[3] = (struct iovec){ block->memory + HEAP_AT, heap_size };
	block->n = block->rows_size = block->heap_size = block->types.size = 0;
	if (pieces[0].iov_len == 0)
		return send_pieces(block, pieces + 1, 3);
	return send_pieces(block, pieces, 4);
}

int block_flush(struct block *block) {
	int r;

	if (block->failed < 0)
		return block->failed;
	if (is_json(block)) {
		struct iovec piece = { block->json.text, block->json.size };

		block->json.size = 0;
		return piece.iov_len > 0 ? send_pieces(block, &piece, 1) : 0;
	}
	if (block->n == 0)
		return 0;
	r = flush_rows(block);
	if (r < 0)
		block->failed = r;
	return r;
}

/* With the next one, which may be larger. */
static int go_on(struct block *block) {
	if (block->total > 0 && block->fill < block->fill_later)
		block->fill *= 2;
	return block_flush(block);
}

uint8_t *block_begin_row(struct block *block, const struct level *level, unsigned action) {
	uint8_t *row;

	if (level != block->level || action != block->action || waiting(block) >= block->fill) {
		if (go_on(block) < 0)
			return NULL;
		block->level = level;
		block->action = action;
	}
	block->heap_room = USHER_NETLINK_BLOCK_MAX - sizeof(struct usher_netlink_rows) -
			   block->rows_size - level->row_size - sizeof(uint64_t);
	block->heap_before = block->heap_size;
	block->types_before = block->n_types;
	row = block->memory + block->rows_size;
	memset(row, 0, level->row_size);
	return row;
}

struct block_heap block_heap(struct block *block, size_t size, size_t alignment) {
	size_t offset = (block->heap_size + alignment - 1) & ~(alignment - 1);
	uint8_t *heap = block->memory + HEAP_AT;

	if (size > block->heap_room || offset > block->heap_room - size)
		return (struct block_heap){};
	/* As far as it will not be written by who asks; there is room for so much. */
	memset(heap + block->heap_size, 0, sizeof(uint64_t));
	block->heap_size = offset + size;
	return (struct block_heap){ heap + offset, (uint32_t)offset };
}

const uint8_t *block_at(const struct block *block, uint32_t offset) {
	return block->memory + HEAP_AT + offset;
}

int block_commit_row(struct block *block) {
	int r = 0;

	if (is_json(block)) {
		r = json_row(&block->json, block->levels, block->level,
			     block->memory + block->rows_size, block->memory + HEAP_AT);
		block->heap_size = 0;
	} else {
		block->rows_size += block->level->row_size;
		block->n++;
	}
	block->total++;
	if (r < 0)
		block->failed = r;
	return r;
}

void block_drop_row(struct block *block) {
	block->heap_size = block->heap_before;
	forget_types(block, block->types_before);
}

/* ---- the other blocks ---- */

/* Behind the rows that wait. */
static int send_block(struct block *block, const void *bytes, size_t size) {
	struct iovec piece = { (void *)bytes, size };
	int r = block_flush(block);

	return r < 0 || is_json(block) ? r : send_pieces(block, &piece, 1);
}

int block_start(struct block *block) {
	struct usher_netlink_start start = {
		.block = { sizeof start, USHER_NETLINK_START, 0 },
		.magic = USHER_NETLINK_MAGIC,
	};
	int r = block_flush(block);

	forget_types(block, 0);
	block->n_described = 0;
	return r < 0 ? r : send_block(block, &start, sizeof start);
}

int block_gap(struct block *block, uint64_t lost) {
	struct usher_netlink_gap gap = {
		.block = { sizeof gap, USHER_NETLINK_GAP, 0 },
		.lost = lost,
	};

	return send_block(block, &gap, sizeof gap);
}

int block_synced(struct block *block) {
	struct usher_netlink_block synced = { sizeof synced, USHER_NETLINK_SYNCED, 0 };

	return send_block(block, &synced, sizeof synced);
}

int block_end(struct block *block, bool complete, int code, const char *why, const char *message) {
	size_t why_length = why ? strlen(why) : 0, message_length = message ? strlen(message) : 0;
	struct usher_netlink_end end = {
		.rows = block->total,
		.complete = complete,
		.code = code,
		.why = sizeof end,
		.why_length = (uint32_t)why_length,
		.message = (uint32_t)(sizeof end + why_length),
		.message_length = (uint32_t)message_length,
	};
	uint64_t padding = 0;
	size_t size = round_up(sizeof end + why_length + message_length);
	struct iovec pieces[] = {
		{ &end, sizeof end },
		{ (char *)why, why_length },
		{ (char *)message, message_length },
		{ &padding, size - sizeof end - why_length - message_length },
	};
	int r = 0;

	end.block = (struct usher_netlink_block){ (uint32_t)size, USHER_NETLINK_END, 0 };
	if (block->format == BLOCK_JSON_ENDED || (is_json(block) && !complete))
		r = json_end(&block->json, complete, code, why ? why : "", message ? message : "");
	if (r == 0)
		r = block_flush(block);
	return r < 0 || is_json(block) ? r : send_pieces(block, pieces, 4);
}
