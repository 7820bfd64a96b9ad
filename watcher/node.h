/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The directories that are known of a file system: each with its parent, so that a rename moves
 * one, and with who may look into it, so that a change of its mode makes one out of date. It is a
 * cache: any may be forgotten that nothing hangs on.
 *
 * A node is known by its number, which is 0 for none; pointers to nodes last until one is added.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "handle.h"

enum node_flag {
	NODE_TOP = 1 << 0,    /* of the superblock: has no parent */
	NODE_FRESH = 1 << 1,  /* what it says of rights holds */
	NODE_DEAD = 1 << 2,   /* deleted, or forgotten: nobody finds it any more */
	NODE_USED = 1 << 3,   /* since one was looked for to be forgotten */
	NODE_STICKY = 1 << 4, /* as /tmp is */
	NODE_RESCAN = 1 << 5, /* its name is on the list of those to be listed anew */
	NODE_LEAVES = 1 << 6, /* it is deleted in what has been read */
	NODE_STAYS = 1 << 7,  /* it is given other names by then, but stays in the same directory */
	NODE_ASTRAY = 1 << 8, /* it has moved more often than is known */
	NODE_KNOWN = 1 << 9,  /* from somewhere it has been looked at */
};

struct node {
	uint32_t hash, next; /* in its bucket */
	uint32_t parent, children;
	uint32_t spot; /* watches begin here; 0: none */
	uint32_t flags;
	uint32_t generation;     /* of the beholders that the bits are of */
	uint32_t read;           /* in which batch it was learned, or its rights */
	uint64_t changed, moved; /* before that, it is in doubt what events are of */
	uid_t uid;
	uint32_t entry; /* in the journal, counted from 1 */
	struct label *label;
};

struct nodes {
	struct node *node;
	uint32_t n, space, free, hand;
	uint32_t live, most;
	uint32_t *bucket, n_buckets;
	uint64_t *bits; /* of each: words of who may pass through, words of who may list as well */
	size_t words;
};

int nodes_begin(struct nodes *nodes, uint32_t most);
void nodes_done(struct nodes *nodes);
/* Makes room for so many words a node; all are out of date then. 0 or -ENOMEM. */
int nodes_widen(struct nodes *nodes, size_t words);

uint32_t nodes_find(struct nodes *nodes, const struct handle *handle);
/* A new one, in a parent (0: the top). 0 if there is no memory. */
uint32_t nodes_add(struct nodes *nodes, const struct handle *handle, uint32_t parent,
		   const char *name, size_t length);
/* Gives it another parent and name; false if that cannot be. */
bool nodes_move(struct nodes *nodes, uint32_t number, uint32_t parent, const char *name,
		size_t length);
/* Forgets it: at once, or when the last below it is forgotten. */
void nodes_drop(struct nodes *nodes, uint32_t number);
/* Between batches: forgets some if there are more than there may be. */
void nodes_trim(struct nodes *nodes);
/* Whether one is the other or above it. */
bool nodes_is_above(const struct nodes *nodes, uint32_t above, uint32_t number);

struct handle node_handle(const struct node *node);
const char *node_name(const struct node *node, size_t *ret_length);

static inline uint64_t *node_passers(const struct nodes *nodes, uint32_t number) {
	return nodes->bits + (size_t)number * 2 * nodes->words;
}

static inline uint64_t *node_listers(const struct nodes *nodes, uint32_t number) {
	return node_passers(nodes, number) + nodes->words;
}
