/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mounts that were made through the service: objects on the bus, kept over its restarts. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "caller.h"
#include "fd.h"
#include "operation.h"

struct desk;

struct mount {
	struct mount *next; /* mounts::first */
	struct mounts *mounts;
	Usher__MountObject *object;
	int namespace;         /* the mount namespace it is in; -1: the service's own */
	struct caller *caller; /* whose connection keeps it, or NULL */
	bool orphan;           /* its connection has gone, and so shall it */
	bool leaving;          /* is being unmounted by us */
	bool hidden;           /* is being made: kept, but nobody is told yet */
	uint64_t looks;        /* that had begun before it was there, and so cannot tell */
	/* if it is an orphan that would not go: when to try again, and how long that was waited */
	uint64_t again_usec, patience_usec;
	bool covered; /* something lies on it, so that it cannot go */
};

struct mounts {
	struct desk *desk;
	struct mount *first;
	uint64_t last_number;
	uint64_t looks; /* at the mount table, so far */
	bool looking, look_again;
	size_t unmounting; /* how many of the service's own calls */
};

enum { MOUNTS_PATH_MAX = 64 };

#define MOUNTS_PATH_PREFIX "/org/usher1/mount"

void mounts_done(struct mounts *mounts);
/* Takes back what an earlier life of the service kept. */
int mounts_load(struct mounts *mounts);
/* Leaves it to a later one, for which systemd may not keep it. */
void mounts_save(const struct mounts *mounts);

/* What a child is about to make becomes an object, whose path is put into the reply. The object is
 * kept before the mount is there, so that there is never a mount of which nobody knows; it is shown
 * after that. */
int mounts_expect(struct mounts *mounts, struct caller *caller, Usher__MountReply *reply,
		  struct fds *fds, struct mount **ret);
void mounts_show(struct mount *mount);
/* The worker's words for unmounting it; the namespace is added to fds. */
int mounts_order(const struct mount *mount, Usher__UnmountObjectRequest *request, struct fds *fds);
/* Unmounts it, whoever uses it. */
void mounts_unmount(struct mounts *mounts, struct mount *mount);
/* The mount has gone. */
void mounts_remove(struct mounts *mounts, struct mount *mount);
struct mount *mounts_find(const struct mounts *mounts, uint64_t number);
struct mount *mounts_find_id(const struct mounts *mounts, uint64_t id);
/* "/org/usher1/mount/7" */
struct mount *mounts_find_path(const struct mounts *mounts, const char *path);
void mounts_path(const struct mount *mount, char ret[MOUNTS_PATH_MAX]);

/* Whether what is done to a mount would be done to one of another owner's, too, that lies below. */
bool mounts_touches_others(const struct mounts *mounts, const struct mount *mount,
			   const Usher__Finding *finding);
/* Who must allow it that a caller touches a mount: its owner itself, its owner's like, or as the
 * worker found. */
enum tier mounts_tier(const struct mounts *mounts, const Usher__Finding *finding, uint64_t number,
		      uid_t uid);
/* The columns of List that only the service knows. */
int mounts_annotate(const struct mounts *mounts, Usher__ListReply *reply);
/* Unmounts what a connection kept. */
void mounts_drop_caller(struct mounts *mounts, const struct caller *caller);
/* Something in the mount table changed: forgets what is no longer there. */
void mounts_reconcile(struct mounts *mounts);
/* Whether any is in another namespace, where nobody tells of changes, or could not be unmounted
 * when it should have been. */
bool mounts_have_foreign(const struct mounts *mounts);
