/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One watch: what it wants to be told, and the telling. A kind says what has happened as soon as it
 * knows that the watch may know; what is not wanted or excluded goes no further. Then it goes into
 * the stream, or in batches to the broker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backlog.h"
#include "happening.h"
#include "hints.h"
#include "stream.h"
#include "usher.pb-c.h"
#include "watcher.h"

enum watch_scope {
	WATCH_INODE,      /* the root itself */
	WATCH_CHILDREN,   /* and what is in it */
	WATCH_RECURSIVE,  /* and below that */
	WATCH_FILESYSTEM, /* the same; the root is the topmost directory that is to be seen */
	WATCH_MOUNTS,
};

struct watch {
	struct source reader; /* -1: the broker tells it */
	uint64_t number;
	Usher__Watcher *order; /* the words of it: beholder, excludes; owned */
	uint32_t events;       /* enum usher_watch_event, that are wanted */
	enum watch_scope scope;
	int root;       /* the watched file; owned */
	bool resumed;   /* an earlier watcher had it */
	bool gone;      /* what is watched has: nothing follows what has been told */
	bool ended;     /* nothing is told any more */
	bool direct;    /* into the stream, whatever it is: no excludes, no window */
	bool listening; /* for watch.c alone, as what follows `own`: for room in the stream */
	void *own;      /* the kind's */

	struct backlog backlog;
	struct stream stream;
	struct hints missing;     /* what the broker has to be told */
	uint64_t due;             /* of the backlog */
	uint64_t told;            /* when the broker was told something last */
	uint64_t delivered, lost; /* of the broker's */
	uint64_t counted, counted_at;
};

/* The descriptors are taken out of fds. 0, a negative errno or a refusal. */
int watch_new(struct watcher *watcher, const Usher__WatchAdd *add, struct fds *fds,
	      struct watch **ret, struct refusal *refusal);
int watch_set_events(struct watch *watch, char *const *names, size_t n, struct refusal *refusal);
void watch_free(struct watcher *watcher, struct watch *watch);

void watch_tell(struct watcher *watcher, struct watch *watch, const struct happening *happening);
/* Something in a directory has changed that cannot be told by name. */
void watch_tell_rescan(struct watcher *watcher, struct watch *watch, const char *directory,
		       size_t length, uint64_t clock);
/* Anything may have happened. */
void watch_tell_lost(struct watcher *watcher, struct watch *watch, uint64_t clock);
/* Hands on what can be handed on; when it has to be called again at the latest, UINT64_MAX: when
 * something is told, or the stream can be written. */
uint64_t watch_flush(struct watcher *watcher, struct watch *watch, uint64_t now);
/* Something has been told that was not handed on yet. */
bool watch_is_behind(const struct watch *watch);
