/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "news.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BUCKETS_FIRST = 1024 };

int news_init(struct news *news) {
	*news = (struct news){ .n_buckets = BUCKETS_FIRST };
	news->buckets = calloc(news->n_buckets, sizeof(struct news_item *));
	if (!news->buckets)
		return -ENOMEM;
	if (getrandom(&news->seed, sizeof news->seed, 0) < 0)
		return -errno;
	return 0;
}

void news_done(struct news *news) {
	for (struct news_item *item = news->oldest, *newer; item; item = newer) {
		newer = item->newer;
		free(item);
	}
	free(news->buckets);
	*news = (struct news){ 0 };
}

/* ---- which object it is ---- */

static uint64_t mix(uint64_t state, uint64_t word) {
	state = (state ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return state ^ state >> 29;
}

uint64_t news_identity(const struct news *news, const struct netlink_type *type, const uint8_t *key,
		       size_t size) {
	uint64_t state = mix(news->seed, (uint64_t)(uintptr_t)type), word = 0;
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

static struct news_item **bucket_of(const struct news *news, uint64_t identity) {
	return &news->buckets[identity & (news->n_buckets - 1)];
}

static bool is_of(const struct news_item *item, uint64_t identity, const struct netlink_type *type,
		  const uint8_t *key, size_t key_size) {
	return item->identity == identity && item->type == type && item->key_size == key_size &&
	       memcmp(item->bytes, key, key_size) == 0;
}

static struct news_item *find(const struct news *news, uint64_t identity,
			      const struct netlink_type *type, const uint8_t *key,
			      size_t key_size) {
	struct news_item *item = *bucket_of(news, identity);

	while (item && !is_of(item, identity, type, key, key_size))
		item = item->same;
	return item;
}

/* More buckets are better, and no condition of anything. */
static void spread(struct news *news) {
	size_t n = news->n_buckets * 2;
	struct news_item **buckets = calloc(n, sizeof(struct news_item *));

	if (!buckets)
		return;
	free(news->buckets);
	news->buckets = buckets;
	news->n_buckets = n;
	for (struct news_item *item = news->oldest; item; item = item->newer) {
		struct news_item **bucket = bucket_of(news, item->identity);

		item->same = *bucket;
		*bucket = item;
	}
}

/* ---- the order ---- */

static size_t message_at(size_t key_size) {
	return (key_size + 7) & ~(size_t)7;
}

const uint8_t *news_message(const struct news_item *item) {
	return item->bytes + message_at(item->key_size);
}

static size_t size_of(const struct news_item *item) {
	return sizeof *item + message_at(item->key_size) + item->size;
}

/* Who was at it is at what came after it. */
static void drop(struct news *news, struct news_item *item) {
	struct news_item **at = bucket_of(news, item->identity);

	for (struct news_reader *reader = news->readers; reader; reader = reader->next)
		if (reader->at == item)
			reader->at = item->newer;
	while (*at != item)
		at = &(*at)->same;
	*at = item->same;
	*(item->older ? &item->older->newer : &news->oldest) = item->newer;
	*(item->newer ? &item->newer->older : &news->newest) = item->older;
	news->n--;
	news->bytes -= size_of(item);
	free(item);
}

static void append(struct news *news, struct news_item *item) {
	struct news_item **bucket = bucket_of(news, item->identity);

	item->same = *bucket;
	*bucket = item;
	item->older = news->newest;
	*(news->newest ? &news->newest->newer : &news->oldest) = item;
	news->newest = item;
	news->n++;
	news->bytes += size_of(item);
	for (struct news_reader *reader = news->readers; reader; reader = reader->next)
		if (!reader->at)
			reader->at = item;
}

int news_put(struct news *news, const struct netlink_type *type, enum usher_netlink_action action,
	     const uint8_t *key, size_t key_size, const uint8_t *message, size_t size) {
	uint64_t identity =
		key_size ? news_identity(news, type, key, key_size) : mix(news->seed, news->last);
	struct news_item *before = key_size ? find(news, identity, type, key, key_size) : NULL;
	struct news_item *item = calloc(1, sizeof *item + message_at(key_size) + size);

	news->last++; /* it has happened, whatever becomes of it here */
	if (!item)
		return -ENOMEM;
	*item = (struct news_item){ .type = type,
				    .action = action,
				    .identity = identity,
				    .number = news->last,
				    .key_size = key_size,
				    .size = size };
	if (key_size)
		memcpy(item->bytes, key, key_size);
	memcpy(item->bytes + message_at(key_size), message, size);
	if (action == USHER_NETLINK_NEW)
		item->born = item->number;
	else if (action == USHER_NETLINK_CHANGE && before)
		item->born = before->born;
	append(news, item);
	if (before)
		drop(news, before);
	if (news->n > news->n_buckets)
		spread(news);
	return 0;
}

/* ---- who reads ---- */

void news_join(struct news *news, struct news_reader *reader) {
	*reader = (struct news_reader){ .next = news->readers, .seen = news->last };
	news->readers = reader;
}

void news_leave(struct news *news, struct news_reader *reader) {
	struct news_reader **at = &news->readers;

	while (*at != reader)
		at = &(*at)->next;
	*at = reader->next;
}

void news_skip(struct news *news, struct news_reader *reader) {
	reader->at = NULL;
	reader->seen = news->last;
}

void news_advance(struct news_reader *reader) {
	reader->seen = reader->at->number;
	reader->at = reader->at->newer;
}

bool news_is_new(const struct news_reader *reader) {
	const struct news_item *item = reader->at;

	return item->action == USHER_NETLINK_NEW ||
	       (item->action == USHER_NETLINK_CHANGE && item->born > reader->seen);
}

static bool is_awaited(const struct news *news, const struct news_item *item) {
	const struct news_reader *reader = news->readers;

	while (reader && (!reader->at || reader->at->number > item->number))
		reader = reader->next;
	return reader;
}

void news_trim(struct news *news) {
	while (news->oldest && !is_awaited(news, news->oldest))
		drop(news, news->oldest);
}
