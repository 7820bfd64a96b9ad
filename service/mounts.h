/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mounts that were made through the service: objects on the bus, kept over its restarts. */
#pragma once

#include <stdbool.h>

#include "object.h"
#include "operation.h"

struct mount {
	struct object base;
	Usher__MountObject *object; /* its message */
	uint64_t looks;             /* that had begun before it was there, and so cannot tell */
	/* if it is an orphan that would not go: when to try again, and how long that was waited */
	uint64_t again_usec, patience_usec;
	uint64_t cover; /* the mount that lies on it, so that it cannot go; 0: none that we know */
	bool moved;     /* from where it was announced */
};

extern const struct object_kind mount_kind;

struct mounts {
	struct desk *desk;
	uint64_t looks; /* at the mount table, so far */
	bool looking, look_again;
	size_t unmounting; /* how many of the service's own calls */
};

/* The youngest, and the one before. */
struct mount *mounts_first(const struct mounts *mounts);
struct mount *mounts_next(const struct mount *mount);
struct mount *mounts_find(const struct mounts *mounts, uint64_t number);
/* The youngest that has it, in the service's own namespace or in none of these. */
struct mount *mounts_find_id(const struct mounts *mounts, uint64_t id, bool host);
/* Kernels that do not tell ids which are never used again give that of a mount that has gone to
 * another: where one is made, whichever had its id before is not there any more. */
void mounts_forget_twins(struct mounts *mounts, const struct object *made);

/* Whether what is done to a mount would be done to one of another owner's, too, that lies below. */
bool mounts_touches_others(const struct mounts *mounts, const struct mount *mount,
			   const Usher__Finding *finding);
/* Who must allow it that a caller touches a mount: its owner itself, its owner's like, or as the
 * worker found. */
enum tier mounts_tier(const struct mounts *mounts, const Usher__Finding *finding,
		      const struct mount *mount, uid_t uid);
/* The columns of List that only the service knows. */
int mounts_annotate(const struct mounts *mounts, Usher__ListReply *reply);
/* Something in the mount table changed: forgets what is no longer there. */
void mounts_reconcile(struct mounts *mounts);
/* Whether the id of any could be another mount's when it has gone, as before Linux 6.8. */
bool mounts_have_passing_ids(const struct mounts *mounts);
/* Whether any is in another namespace, where nobody tells of changes, or could not be unmounted
 * when it should have been. */
bool mounts_have_foreign(const struct mounts *mounts);
