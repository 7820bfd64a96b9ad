/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process: its connection to the broker, what it is for, and its watches. One thread, one loop;
 * nothing in it waits but the loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fd.h"
#include "journal.h"
#include "refusal.h"
#include "toil.h"
#include "usher.pb-c.h"

struct watch;
struct watcher;
struct watcher_changes;

/* Something that the loop listens to. */
struct source {
	int fd; /* -1: nothing */
	void (*ready)(struct watcher *watcher, struct source *source, uint32_t events);
};

/* What a watcher may be for. All return 0, a negative errno or, with its reason, a refusal. */
struct watcher_kind {
	const char *name;
	/* The descriptors are the kind's to take (fd_take()), and -1 where none came. An earlier
	 * watcher's group comes when that one was killed. */
	int (*begin)(struct watcher *watcher, int *superblock, int *group, struct refusal *refusal);
	/* The watch is complete, and among the watcher's when this was successful. */
	int (*add)(struct watcher *watcher, struct watch *watch, struct refusal *refusal);
	/* watch->events are the new ones already; they are set back if it fails. */
	int (*set_events)(struct watcher *watcher, struct watch *watch, struct refusal *refusal);
	/* It is among the watches no more, and freed afterwards. */
	void (*remove)(struct watcher *watcher, struct watch *watch);
	/* The directories, relative to the watch's root, in which something has changed since;
	 * watcher_changed() takes each. False if that cannot be told, or would take its user too
	 * much time. NULL: never. */
	bool (*since)(struct watcher *watcher, struct watch *watch, uint64_t clock,
		      struct watcher_changes *changes);
	/* Of a question that an event asked. NULL: none ask. */
	int (*decide)(struct watcher *watcher, struct watch *watch, uint64_t clock, bool allow,
		      struct refusal *refusal);
	/* After everything that was ready has been heard; and the time of the monotonic clock at
	 * which it has to be called again at the latest, UINT64_MAX for never. NULL: nothing to do.
	 */
	uint64_t (*settle)(struct watcher *watcher, uint64_t now);
	/* Lets go of what it has, also if it could not begin. NULL: nothing. */
	void (*end)(struct watcher *watcher);
};

struct watcher {
	struct source connection;
	int epoll;
	const struct watcher_kind *kind; /* NULL until it is told */
	void *own;                       /* the kind's */
	int refused;                     /* why it could not begin: every watch is told so */
	struct refusal refusal;
	struct journal journal;
	struct toil toil;
	struct watch **watches; /* in no order */
	size_t n_watches;
	bool begun;    /* there has been a watch; without one more there is nothing to do */
	bool succeeds; /* another one had its watches */
	uint64_t last_add_usec;
	uint64_t idle_since; /* all that was to be done had been, and it began to listen */
	bool leaving;
	bool behind; /* the kind has read something that nobody has been told yet */
};

extern const struct watcher_kind filesystem_kind, overlay_kind, inotify_kind, mounts_kind,
	decisions_kind;

/* Has the loop listen; the source must stay where it is. 0 or a negative errno. */
int watcher_listen(struct watcher *watcher, struct source *source, uint32_t events);
int watcher_listen_for(struct watcher *watcher, struct source *source, uint32_t events);
/* Has it listen no more; the descriptor stays open. */
void watcher_ignore(struct watcher *watcher, struct source *source);

/* NULL if there is none. */
struct watch *watcher_find(const struct watcher *watcher, uint64_t number);

/* Says something to the broker that must arrive; without it the process is of no use. */
void watcher_say(struct watcher *watcher, const Usher__WatcherReport *report,
		 const struct fds *fds);
/* The same, unless the broker has too much to hear already: then -EAGAIN. */
int watcher_try_to_say(struct watcher *watcher, const Usher__WatcherReport *report);
/* Gives the broker what the next watcher needs if this one is killed: a kind says so in begin(),
 * before anything is marked, or never; of what begins anew there is no group, -1. */
void watcher_keep(struct watcher *watcher, int group);
/* The watch has ended by itself. It is not removed before the broker says so. */
void watcher_end(struct watcher *watcher, struct watch *watch, const char *text);
/* Adds a directory to an answer. 0, -ENOMEM, or -E2BIG where there are too many for one. */
int watcher_changed(struct watcher_changes *changes, const char *directory);

/* Serves a connection until there is nothing to do any more. */
int watcher_serve(int connection);
