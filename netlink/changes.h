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

struct change {
	struct change *older, *newer;
	struct change *same; /* the next one in the bucket */
	const struct netlink_type *type;
	enum usher_netlink_action action;
	uint64_t identity; /* stands for the object's */
	uint64_t number;   /* of messages so far; larger than that of older ones */
	uint64_t born;     /* of the one that said that the object is new */
	size_t key_size, size;
	uint8_t bytes[]; /* the key, and behind it, from a multiple of eight on, the message */
};

/* Where somebody is. */
struct changes_reader {
	struct changes_reader *next;
	struct change *at; /* what comes next; NULL: everything has been seen */
	uint64_t seen;     /* the number of the last one that was seen */
};

struct changes {
	struct change *oldest, *newest;
	struct change **buckets;
	size_t n, n_buckets;
	size_t bytes; /* of all of them */
	uint64_t last;
	uint64_t seed;
	struct changes_reader *readers;
};

/* 0 or a negative errno. */
int changes_init(struct changes *changes);
void changes_done(struct changes *changes);

/* A number that stands for an object of a type by its key, the bytes that no other one has. */
uint64_t changes_identity(const struct changes *changes, const struct netlink_type *type,
			  const uint8_t *key, size_t size);
/* One of no size is never told together with another. 0 or -ENOMEM. */
int changes_put(struct changes *changes, const struct netlink_type *type,
		enum usher_netlink_action action, const uint8_t *key, size_t key_size,
		const uint8_t *message, size_t size);
const uint8_t *change_message(const struct change *change);

/* Begins behind what is there. */
void changes_join(struct changes *changes, struct changes_reader *reader);
void changes_leave(struct changes *changes, struct changes_reader *reader);
/* What it has not seen yet it never will. */
void changes_skip(struct changes *changes, struct changes_reader *reader);
/* It has seen what comes next. */
void changes_advance(struct changes_reader *reader);
/* Whether the object is new to the reader, who is at it. */
bool changes_is_new(const struct changes_reader *reader);
/* Lets go of what everybody has seen. */
void changes_trim(struct changes *changes);
