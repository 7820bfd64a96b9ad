/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The directories of one file system, as the kernel tells of them. Whatever is opened here is found
 * by its handle and nothing else, in a mount of the file system's own top.
 */
#pragma once

#include "beholder.h"
#include "node.h"

struct superblock {
	int fd;
	bool layer; /* the upper one of an overlay: what is not below its top is outside */
	struct nodes nodes;
	struct beholders beholders;
	bool has_lists; /* access control lists, as far as is known */
	uint8_t *list;  /* room for one */
	uint64_t asked; /* how often the kernel had to be asked for a directory */

	struct {
		uint8_t space[HANDLE_MAX];
		struct handle handle; /* of no size: none */
		int fd;
	} open; /* the directory that was asked for names last */
};

/* Takes fd. 0 or a negative errno. */
int superblock_begin(struct superblock *superblock, int *fd);
void superblock_done(struct superblock *superblock);
/* Forgets all directories. 0 or -ENOMEM. */
int superblock_forget(struct superblock *superblock);

/* The directory of a handle, with all that it is below; 0 if it is not there any more, or cannot be
 * reached from the top. One that is outside of a layer is below nothing. */
uint32_t superblock_find(struct superblock *superblock, const struct handle *handle);
/* Whether a name in a directory is that of an object now, as far as is known without waiting. The
 * directory stays open, since mostly the next question is about the same. */
bool superblock_leads(struct superblock *superblock, uint32_t directory, const char *name,
		      const struct handle *object);
/* Whether a file has no name any more, anywhere. */
bool superblock_is_nameless(const struct superblock *superblock, const struct handle *object);
/* Nothing stays open. */
void superblock_rest(struct superblock *superblock);
/* Moves one to where it is now; false if that cannot be. One that has been deleted stays. */
bool superblock_place(struct superblock *superblock, uint32_t number);
/* Has what a directory says of rights hold. */
void superblock_refresh(struct superblock *superblock, uint32_t number);

static inline bool superblock_is_fresh(const struct superblock *superblock, uint32_t number) {
	const struct node *node = &superblock->nodes.node[number];

	return node->flags & NODE_FRESH && node->generation == superblock->beholders.generation;
}
