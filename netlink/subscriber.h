/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One who monitors: what of, how far told, and through what. Told are first all rows there are, and
 * then what has changed since these began to be read, so that nothing is missed between the two.
 * When changes have been lost it begins anew.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "holder.h"
#include "identity.h"
#include "news.h"
#include "outlet.h"
#include "refusal.h"
#include "snapshot.h"
#include "told.h"
#include "usher.pb-c.h"

struct fds;

enum subscriber_state {
	SUBSCRIBER_BEHIND,  /* everything has to be told anew */
	SUBSCRIBER_READING, /* all rows there are */
	SUBSCRIBER_JOINING, /* what has changed meanwhile; then it is synchronised */
	SUBSCRIBER_LIVE,
};

/* One of the types it is about. */
struct subscription {
	const struct netlink_type *type;
	struct identity *identity;
	bool tracks; /* it is known of which objects has been told */
	struct told told;
};

struct subscriber {
	struct subscriber *next;
	uint64_t number;
	struct selection *selection;
	struct subscription *subscriptions;
	size_t n;
	struct decoding decoding;
	struct outlet outlet;
	struct holder holder;
	struct news *news;
	struct news_reader reader;
	struct snapshot snapshot;
	enum subscriber_state state;
	size_t reading;       /* which of the subscriptions */
	unsigned readings;    /* of that one, so far */
	uint64_t begun;       /* the last change when it began to be read */
	bool waits;           /* until the broker says that it can be told */
	bool silent;          /* what there is at first is not told */
	bool gap;             /* something has been lost, */
	uint64_t gap_changes; /* so much, as far as is known; to be said */
	uint64_t delivered, lost;
	uint64_t counted;  /* of both, when it was said last */
	const char *ended; /* why it can tell nothing any more; NULL: it can */
	bool vanished;     /* because its namespace has */
	bool told_end;
	bool snapshot_over; /* that of the current type, but has not been judged */
};

/* Where it is listened, and what all share. */
struct surroundings {
	struct news *news;
	struct identity **identities;
	struct names *names;
	const struct stat *namespace;
	int connection;
};

/* Takes what it needs of the descriptors. 0, a refusal or a negative errno. */
int subscriber_new(const Usher__NetlinkMonitorAdd *order, struct fds *fds,
		   const struct surroundings *where, struct refusal *refusal,
		   struct subscriber **ret);
void subscriber_free(struct subscriber *subscriber, struct identity **identities);

/* Changes have been lost, as many as that; 0: nobody knows. */
void subscriber_lose(struct subscriber *subscriber, uint64_t changes);
/* Tells what there is to tell, as far as there is room, and for a bounded while. Everything that
 * has been heard is among the changes. */
void subscriber_work(struct subscriber *subscriber);
/* Whether there is more to be done at once. */
bool subscriber_has_work(const struct subscriber *subscriber);
