/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BUCKETS_FIRST = 1024 };

int changes_init(struct changes *changes) {
	*changes = (struct changes){ .n_buckets = BUCKETS_FIRST };
	changes->buckets = calloc(changes->n_buckets, sizeof(struct change *));
	if (!changes->buckets)
		return -ENOMEM;
	if (getrandom(&changes->seed, sizeof changes->seed, 0) < 0)
		return -errno;
	return 0;
}

void changes_done(struct changes *changes) {
	for (struct change *change = changes->oldest, *newer; change; change = newer) {
		newer = change->newer;
		free(change);
	}
	free(changes->buckets);
	*changes = (struct changes){ 0 };
}

/* ---- which object it is ---- */

static uint64_t mix(uint64_t state, uint64_t word) {
	state = (state ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return state ^ state >> 29;
}

uint64_t changes_identity(const struct changes *changes, const struct netlink_type *type,
			  const uint8_t *key, size_t size) {
	uint64_t state = mix(changes->seed, (uint64_t)(uintptr_t)type), word = 0;
	size_t at;

	for (at = 0; at + sizeof word <= size; at += sizeof word) {
		memcpy(&word, key + at, sizeof word);
		state = mix(state, word);
	}
	word = size;
	if (at < size)
		memcpy(&word, key + at, size - at);
	state = mix(state, word);
	return mix(state, state >> 32);
}

static struct change **bucket_of(const struct changes *changes, uint64_t identity) {
	return &changes->buckets[identity & (changes->n_buckets - 1)];
}

static bool is_of(const struct change *change, uint64_t identity, const struct netlink_type *type,
		  const uint8_t *key, size_t key_size) {
	return change->identity == identity && change->type == type &&
	       change->key_size == key_size && memcmp(change->bytes, key, key_size) == 0;
}

static struct change *find(const struct changes *changes, uint64_t identity,
			   const struct netlink_type *type, const uint8_t *key, size_t key_size) {
	struct change *change = *bucket_of(changes, identity);

	while (change && !is_of(change, identity, type, key, key_size))
		change = change->same;
	return change;
}

/* More buckets are better, and no condition of anything. */
static void spread(struct changes *changes) {
	size_t n = changes->n_buckets * 2;
	struct change **buckets = calloc(n, sizeof(struct change *));

	if (!buckets)
		return;
	free(changes->buckets);
	changes->buckets = buckets;
	changes->n_buckets = n;
	for (struct change *change = changes->oldest; change; change = change->newer) {
		struct change **bucket = bucket_of(changes, change->identity);

		change->same = *bucket;
		*bucket = change;
	}
}

/* ---- the order ---- */

static size_t message_at(size_t key_size) {
	return (key_size + 7) & ~(size_t)7;
}

const uint8_t *change_message(const struct change *change) {
	return change->bytes + message_at(change->key_size);
}

static size_t size_of(const struct change *change) {
	return sizeof *change + message_at(change->key_size) + change->size;
}

/* Who was at it is at what came after it. */
static void drop(struct changes *changes, struct change *change) {
	struct change **at = bucket_of(changes, change->identity);

	for (struct changes_reader *reader = changes->readers; reader; reader = reader->next)
		if (reader->at == change)
			reader->at = change->newer;
	while (*at != change)
		at = &(*at)->same;
	*at = change->same;
	*(change->older ? &change->older->newer : &changes->oldest) = change->newer;
	*(change->newer ? &change->newer->older : &changes->newest) = change->older;
	changes->n--;
	changes->bytes -= size_of(change);
	free(change);
}

static void append(struct changes *changes, struct change *change) {
	struct change **bucket = bucket_of(changes, change->identity);

	change->same = *bucket;
	*bucket = change;
	change->older = changes->newest;
	*(changes->newest ? &changes->newest->newer : &changes->oldest) = change;
	changes->newest = change;
	changes->n++;
	changes->bytes += size_of(change);
	for (struct changes_reader *reader = changes->readers; reader; reader = reader->next)
		if (!reader->at)
			reader->at = change;
}

int changes_put(struct changes *changes, const struct netlink_type *type,
		enum usher_netlink_action action, const uint8_t *key, size_t key_size,
		const uint8_t *message, size_t size) {
	uint64_t identity = key_size ? changes_identity(changes, type, key, key_size)
				     : mix(changes->seed, changes->last);
	struct change *before = key_size ? find(changes, identity, type, key, key_size) : NULL;
	struct change *change = calloc(1, sizeof *change + message_at(key_size) + size);

	changes->last++; /* it has happened, whatever becomes of it here */
	if (!change)
		return -ENOMEM;
	*change = (struct change){ .type = type,
				   .action = action,
				   .identity = identity,
				   .number = changes->last,
				   .key_size = key_size,
				   .size = size };
	if (key_size)
		memcpy(change->bytes, key, key_size);
	memcpy(change->bytes + message_at(key_size), message, size);
	if (action == USHER_NETLINK_NEW)
		change->born = change->number;
	else if (action == USHER_NETLINK_CHANGE && before)
		change->born = before->born;
	append(changes, change);
	if (before)
		drop(changes, before);
	if (changes->n > changes->n_buckets)
		spread(changes);
	return 0;
}

/* ---- who reads ---- */

void changes_join(struct changes *changes, struct changes_reader *reader) {
	*reader = (struct changes_reader){ .next = changes->readers, .seen = changes->last };
	changes->readers = reader;
}

void changes_leave(struct changes *changes, struct changes_reader *reader) {
	struct changes_reader **at = &changes->readers;

	while (*at != reader)
		at = &(*at)->next;
	*at = reader->next;
}

void changes_skip(struct changes *changes, struct changes_reader *reader) {
	reader->at = NULL;
	reader->seen = changes->last;
}

void changes_advance(struct changes_reader *reader) {
	reader->seen = reader->at->number;
	reader->at = reader->at->newer;
}

bool changes_is_new(const struct changes_reader *reader) {
	const struct change *change = reader->at;

	return change->action == USHER_NETLINK_NEW ||
	       (change->action == USHER_NETLINK_CHANGE && change->born > reader->seen);
}

static bool is_awaited(const struct changes *changes, const struct change *change) {
	const struct changes_reader *reader = changes->readers;

	while (reader && (!reader->at || reader->at->number > change->number))
		reader = reader->next;
	return reader;
}

void changes_trim(struct changes *changes) {
	while (changes->oldest && !is_awaited(changes, changes->oldest))
		drop(changes, changes->oldest);
}
