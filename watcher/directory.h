/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The directories that are watched by inotify, as a tree for each watch. The process is the one who
 * watches: what it can open it may see, and the kernel says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct watch;
struct directory;

/* One watch has no more of them than this, since each takes memory of the kernel's. */
enum { DIRECTORIES_MAX = 8192, DIRECTORY_BUCKETS = 4096 };

/* What one process has of them. */
struct directories {
	int inotify;
	uint64_t position; /* of what has been read of its queue, in bytes */
	struct directory *by_number[DIRECTORY_BUCKETS];
};

struct directory {
	struct directory *parent; /* NULL: the root */
	struct directory *first, *next;
	struct directory *chain; /* in the bucket of its number */
	struct watch *watch;
	char *name;
	int number; /* inotify's; -1: it is told no more */
	dev_t device;
	ino_t inode;
	uint64_t changed; /* the clock of the last event in it */
	/* Positions in the queue: from where on it is known whether it may be seen, and of the last
	 * event by which that may have changed. */
	uint64_t known_from, doubted;
	uint64_t looked; /* the round in which it was asked last */
	bool visible;
};

/* A watch's root, and what is below if `below`: its mask is inotify's. 0, or a negative errno;
 * -E2BIG for more directories than one watch may have. */
int directory_plant(struct directories *all, struct watch *watch, uint32_t mask,
		    struct directory **ret);
/* A directory that has come, with all below it; found is told of each name there. 0, -ENOENT if it
 * is none or none that may be seen, or another negative errno. */
int directory_grow(struct directories *all, struct directory *parent, const char *name,
		   uint32_t mask, size_t *n,
		   void (*found)(struct directory *directory, const char *name, bool is_directory,
				 void *data),
		   void *data);
/* With all below it. */
void directory_cut(struct directories *all, struct directory *directory, size_t *n);
/* All below it. */
void directory_prune(struct directories *all, struct directory *directory, size_t *n);
/* To another place; the name is taken. */
void directory_graft(struct directory *directory, struct directory *parent, char *name);
struct directory *directory_child(const struct directory *directory, const char *name);
/* Asks for another set of events of it and all below. */
int directory_mask(struct directories *all, struct directory *directory, uint32_t mask);
/* Its path from the root, and the name in it behind that, if any; the length, or -ENAMETOOLONG. */
ssize_t directory_path(const struct directory *directory, const char *name, char *ret, size_t size);

/* Whether what an event at a position in the queue tells may be known. */
enum directory_verdict {
	DIRECTORY_HIDDEN,
	DIRECTORY_DOUBTFUL, /* it may be seen now, and perhaps not when that happened */
	DIRECTORY_SEEN,
};

/* Finds out again of what has been in doubt, so that what comes from now on can be told; of no more
 * than some, since whoever changes a mode at the top puts all in doubt. */
void directory_look_again(struct directories *all, struct directory *root);
enum directory_verdict directory_judge(struct directories *all, struct directory *directory,
				       uint64_t position, uint64_t round);
