/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What has changed and not everybody has been told yet: of each object the last message, in the
 * order in which these came. So whoever is behind is told of an object once, as it is now, and what
 * waits is never more than there are objects. Everybody goes through it at a pace of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interfaces/netlink-records.h"

struct netlink_type;

struct news_item {
	struct news_item *older, *newer;
	struct news_item *same; /* the next one in the bucket */
	const struct netlink_type *type;
	enum usher_netlink_action action;
	uint64_t identity; /* stands for the object's */
	uint64_t number;   /* of messages so far; larger than that of older ones */
	uint64_t born;     /* of the one that said that the object is new */
	size_t key_size, size;
	uint8_t bytes[]; /* the key, and behind it, from a multiple of eight on, the message */
};

/* Where somebody is. */
struct news_reader {
	struct news_reader *next;
	struct news_item *at; /* what comes next; NULL: everything has been seen */
	uint64_t seen;        /* the number of the last one that was seen */
};

struct news {
	struct news_item *oldest, *newest;
	struct news_item **buckets;
	size_t n, n_buckets;
	size_t bytes; /* of all of them */
	uint64_t last;
	uint64_t seed;
	struct news_reader *readers;
};

/* 0 or a negative errno. */
int news_init(struct news *news);
void news_done(struct news *news);

/* A number that stands for an object of a type by its key, the bytes that no other one has. */
uint64_t news_identity(const struct news *news, const struct netlink_type *type, const uint8_t *key,
		       size_t size);
/* One of no size is never told together with another. 0 or -ENOMEM. */
int news_put(struct news *news, const struct netlink_type *type, enum usher_netlink_action action,
	     const uint8_t *key, size_t key_size, const uint8_t *message, size_t size);
const uint8_t *news_message(const struct news_item *item);

/* Begins behind what is there. */
void news_join(struct news *news, struct news_reader *reader);
void news_leave(struct news *news, struct news_reader *reader);
/* What it has not seen yet it never will. */
void news_skip(struct news *news, struct news_reader *reader);
/* It has seen what comes next. */
void news_advance(struct news_reader *reader);
/* Whether the object is new to the reader, who is at it. */
bool news_is_new(const struct news_reader *reader);
/* Lets go of what everybody has seen. */
void news_trim(struct news *news);
