/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The directories of one file system, as the kernel tells of them. Whatever is opened here is found
 * by its handle and nothing else, in a mount of the file system's own top.
 */
#pragma once

#include "beholder.h"
#include "node.h"
#include "seekers.h"

struct superblock {
	int fd;
	int files;  /* /proc/self/fd, so that the way there is not forgotten */
	bool blind; /* a directory could not be looked up since this was told */
	struct seekers seekers;
	bool layer; /* the upper one of an overlay: what is not below its top is outside */
	struct nodes nodes;
	struct beholders beholders;
	bool has_lists;      /* access control lists, as far as is known */
	uint8_t *list;       /* room for one */
	uint64_t asked;      /* how often the kernel had to be asked for a directory */
	uint64_t unanswered; /* how often there was no answer yet */

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
/* The same of one that somebody has open. */
uint32_t superblock_find_open(struct superblock *superblock, const struct handle *handle);
/* One that could not be looked up in time, and now has been; 0 if there is none. */
uint32_t superblock_find_late(struct superblock *superblock, bool *ret_any);
/* A directory, open as a place alone, and with all that it is in known to the kernel as long as it
 * is. A descriptor or a negative errno. */
int superblock_recall(struct superblock *superblock, uint32_t number);
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
