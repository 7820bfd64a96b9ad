/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A dump, and what changed while it was read, joined by key into one set of rows: what is told of
 * last is how it is. What it cannot know is which ones the kernel has passed over because another
 * one went, except of routes: of IPv4 it is known where that can be, those of IPv6 can be counted,
 * and what one dump lacks another has.
 */
#pragma once

#include <stdbool.h>

#include "consistency.h"
#include "identity.h"
#include "listener.h"
#include "news.h"
#include "seams.h"

struct join {
	const struct consistency *consistency;
	struct listener *listener;
	struct identity *identities, *identity;
	struct news rows, changes;
	struct seams seams;
	uint64_t hearing_usec; /* spent so far */
	int failed;            /* a negative errno: not everything that was heard is here */
	bool lost;             /* not everything was heard, or has a key */
	bool removed;  /* one has gone during this dump, and others may have been passed over */
	bool vanished; /* something with which others go of which nothing is told */
};

/* Whether there is a key to join by, and somebody to tell what changes. */
bool join_can(const struct netlink_type *type);

/* Before the first dump; `listener` is open in its namespace, for routes and links, and stays so. 0
 * or a negative errno. */
int join_begin(struct join *join, const struct consistency *consistency, struct listener *listener);
/* Before each one. */
void join_anew(struct join *join);
/* For each message of it that is of the type, and the number of its datagram. 0 or a negative
 * errno, -ENOSPC: more than is kept. */
int join_take(struct join *join, unsigned datagram, const struct nlmsghdr *message);
/* After it; `alone`: its end came behind the datagram of the last row. What makes it doubtful
 * nevertheless, or NULL. 0 or a negative errno. */
int join_settle(struct join *join, bool alone, const char **ret_why);
/* Whether another dump can be joined to what there is; otherwise it takes another join. */
bool join_goes_on(const struct join *join);
/* What there is in the end, in any order. 0, 1 if each() was, or a negative errno. */
int join_each(const struct join *join, int (*each)(void *data, const struct nlmsghdr *message),
	      void *data);
/* Fine also after join_begin() has failed, or twice. */
void join_end(struct join *join);
