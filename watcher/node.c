/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SPACE = 256, DEPTH_MAX = 4096 };

struct label {
	uint16_t handle_size, name_length;
	uint8_t bytes[]; /* the handle, the name, '\0' */
};

int nodes_begin(struct nodes *nodes, uint32_t most) {
	*nodes = (struct nodes){
		.node = calloc(FIRST_SPACE, sizeof *nodes->node),
		.space = FIRST_SPACE,
		.n = 1, /* 0 is none */
		.most = most,
		.bucket = calloc(FIRST_SPACE, sizeof *nodes->bucket),
		.n_buckets = FIRST_SPACE,
		.bits = calloc(FIRST_SPACE, 2 * sizeof *nodes->bits),
		.words = 1,
	};
	if (nodes->node && nodes->bucket && nodes->bits)
		return 0;
	nodes_done(nodes);
	return -ENOMEM;
}

void nodes_done(struct nodes *nodes) {
	for (uint32_t i = 1; i < nodes->n; i++)
		free(nodes->node[i].label);
	free(nodes->node);
	free(nodes->bucket);
	free(nodes->bits);
	*nodes = (struct nodes){ 0 };
}

struct handle node_handle(const struct node *node) {
	return (struct handle){ node->label->bytes, node->label->handle_size };
}

const char *node_name(const struct node *node, size_t *ret_length) {
	*ret_length = node->label->name_length;
	return (const char *)node->label->bytes + node->label->handle_size;
}

int nodes_widen(struct nodes *nodes, size_t words) {
	uint64_t *bits;

	if (words <= nodes->words)
		return 0;
	bits = calloc(nodes->space, 2 * words * sizeof *bits);
	if (!bits)
		return -ENOMEM;
	free(nodes->bits);
	nodes->bits = bits;
	nodes->words = words;
	for (uint32_t i = 1; i < nodes->n; i++)
		nodes->node[i].flags &= ~(uint32_t)NODE_FRESH;
	return 0;
}

/* ---- found by handle ---- */

static uint32_t hash_of(const struct handle *handle) {
	uint64_t hash = handle->size * UINT64_C(0x9e3779b97f4a7c15), word;
	size_t i;

	for (i = 0; i + sizeof word <= handle->size; i += sizeof word) {
		memcpy(&word, handle->bytes + i, sizeof word);
		hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 32;
	}
	for (; i < handle->size; i++)
		hash = (hash ^ handle->bytes[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(hash ^ hash >> 32);
}

static uint32_t *bucket_of(const struct nodes *nodes, uint32_t hash) {
	return &nodes->bucket[hash & (nodes->n_buckets - 1)];
}

uint32_t nodes_find(struct nodes *nodes, const struct handle *handle) {
	uint32_t hash = hash_of(handle), i;

	for (i = *bucket_of(nodes, hash); i; i = nodes->node[i].next) {
		struct node *node = &nodes->node[i];

		if (node->hash == hash && node->label->handle_size == handle->size &&
		    memcmp(node->label->bytes, handle->bytes, handle->size) == 0) {
			node->flags |= NODE_USED;
			return i;
		}
	}
	return 0;
}

static void hide(struct nodes *nodes, uint32_t number) {
	struct node *node = &nodes->node[number];
	uint32_t *at = bucket_of(nodes, node->hash);

	while (*at != number)
		at = &nodes->node[*at].next;
	*at = node->next;
	node->next = 0;
}

static void show(struct nodes *nodes, uint32_t number) {
	uint32_t *at = bucket_of(nodes, nodes->node[number].hash);

	nodes->node[number].next = *at;
	*at = number;
}

/* ---- come and go ---- */

static void leave_parent(struct nodes *nodes, struct node *node);

static void release(struct nodes *nodes, uint32_t number) {
	struct node *node = &nodes->node[number];

	leave_parent(nodes, node);
	free(node->label);
	*node = (struct node){ .flags = NODE_DEAD, .next = nodes->free };
	nodes->free = number;
}

static void leave_parent(struct nodes *nodes, struct node *node) {
	uint32_t number = node->parent;
	struct node *parent = &nodes->node[number];

	node->parent = 0;
	if (number && --parent->children == 0 && parent->flags & NODE_DEAD)
		release(nodes, number);
}

void nodes_drop(struct nodes *nodes, uint32_t number) {
	struct node *node = &nodes->node[number];

	if (node->flags & NODE_DEAD)
		return;
	hide(nodes, number);
	nodes->live--;
	node->flags |= NODE_DEAD;
	if (node->children == 0)
		release(nodes, number);
}

/* Forgets some that have not been looked for in a while. */
static void make_room(struct nodes *nodes) {
	uint32_t wanted = nodes->most / 64 + 1;

	for (uint32_t i = 0; i < 2 * nodes->n && wanted > 0; i++) {
		struct node *node;

		nodes->hand = nodes->hand + 1 < nodes->n ? nodes->hand + 1 : 1;
		node = &nodes->node[nodes->hand];
		if (node->flags & NODE_USED) {
			node->flags &= ~(uint32_t)NODE_USED;
		} else if (!(node->flags & (NODE_DEAD | NODE_TOP)) && !node->children &&
			   !node->spot) {
			nodes_drop(nodes, nodes->hand);
			wanted--;
		}
	}
}

static bool grow(struct nodes *nodes) {
	uint32_t space = nodes->space * 2, *bucket;
	size_t width = 2 * nodes->words;
	struct node *node = reallocarray(nodes->node, space, sizeof *node);
	uint64_t *bits;

	if (!node)
		return false;
	nodes->node = node;
	bits = reallocarray(nodes->bits, space * width, sizeof *bits);
	if (!bits)
		return false;
	nodes->bits = bits;
	bucket = calloc(space, sizeof *bucket);
	if (!bucket)
		return false;
	free(nodes->bucket);
	nodes->bucket = bucket;
	nodes->n_buckets = nodes->space = space;
	for (uint32_t i = 1; i < nodes->n; i++)
		if (!(nodes->node[i].flags & NODE_DEAD))
			show(nodes, i);
	return true;
}

static uint32_t take_number(struct nodes *nodes) {
	uint32_t number = nodes->free;

	if (number) {
		nodes->free = nodes->node[number].next;
		return number;
	}
	if (nodes->n == nodes->space && !grow(nodes))
		return 0;
	return nodes->n++;
}

static struct label *label_new(const struct handle *handle, const char *name, size_t length) {
	struct label *label = malloc(sizeof *label + handle->size + length + 1);
	uint8_t *end;

	if (!label)
		return NULL;
	*label = (struct label){ (uint16_t)handle->size, (uint16_t)length };
	end = mempcpy(label->bytes, handle->bytes, handle->size);
	end = mempcpy(end, name, length);
	*end = '\0';
	return label;
}

uint32_t nodes_add(struct nodes *nodes, const struct handle *handle, uint32_t parent,
		   const char *name, size_t length) {
	struct label *label = label_new(handle, name, length);
	uint32_t number = label ? take_number(nodes) : 0;

	if (!number) {
		free(label);
		return 0;
	}
	nodes->node[number] = (struct node){
		.hash = hash_of(handle),
		.parent = parent,
		.flags = NODE_USED | (parent ? 0 : NODE_TOP),
		.label = label,
	};
	if (parent)
		nodes->node[parent].children++;
	show(nodes, number);
	nodes->live++;
	return number;
}

void nodes_trim(struct nodes *nodes) {
	if (nodes->live > nodes->most)
		make_room(nodes);
}

bool nodes_is_above(const struct nodes *nodes, uint32_t above, uint32_t number) {
	for (int i = 0; number && i < DEPTH_MAX; i++, number = nodes->node[number].parent)
		if (number == above)
			return true;
	return false;
}

bool nodes_move(struct nodes *nodes, uint32_t number, uint32_t parent, const char *name,
		size_t length) {
	struct node *node = &nodes->node[number];
	struct handle handle = node_handle(node);
	struct label *label = NULL;

	if (!nodes_is_above(nodes, number, parent))
		label = label_new(&handle, name, length);
	if (!label)
		return false;
	free(node->label);
	node->label = label;
	if (node->parent != parent) {
		/* first there, or the last of a forgotten parent's may take more with it */
		nodes->node[parent].children++;
		leave_parent(nodes, node);
		node->parent = parent;
	}
	return true;
}
