/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What goes its rounds over what cannot be marked as a whole: FUSE, network file systems, some
 * overlays, anything for who is no more than an ordinary user. The process is the one who watches,
 * so that the kernel judges, and what inotify takes counts for that user. One descriptor for all
 * watches of it.
 */
#pragma once

#include <limits.h>

#include "directory.h"
#include "watch.h"
#include "watcher.h"

struct inotify_event;

struct patrol {
	struct source source; /* first */
	struct directories directories;
	uint64_t round;
	uint64_t position; /* of the event that is being told */
	uint64_t usec;
	uint64_t roots_looked_at;
};

/* The first half of a move whose other half has not come yet. */
struct departure {
	uint32_t cookie; /* 0: none */
	bool directory;
	enum directory_verdict verdict;
	struct directory *from;
	char path[PATH_MAX], name[NAME_MAX + 1];
	size_t path_length;
};

struct look {
	struct directory *root;
	size_t n; /* directories */
	uint64_t begun;
	bool again; /* it must be walked once more */
	bool doubt; /* something was that decides who may see what */
	bool is_directory;
	bool mounted; /* it was seen in the table of mounts */
	struct departure departure;
};

static inline bool look_is_deep(const struct watch *watch) {
	return watch->scope == WATCH_RECURSIVE || watch->scope == WATCH_FILESYSTEM;
}

/* ---- mention.c ---- */
/* Tells the directory's watch of something in it, or of itself where there is no name. */
void mention_event(struct watcher *watcher, const struct directory *directory, uint32_t events,
		   bool is_directory, const char *name);
/* That it has to be listed anew. */
void mention_rescan(struct watcher *watcher, const struct directory *directory);
/* The one or the other, or nothing. */
void mention_judged(struct watcher *watcher, const struct directory *directory,
		    enum directory_verdict verdict, uint32_t events, bool is_directory,
		    const char *name);

/* ---- growth.c ---- */
/* A directory has come; what is in a new one has come, too. False if there is none that may be
 * seen, or the watch has come to its end by that. */
bool growth_of(struct watcher *watcher, struct directory *parent, const char *name, bool is_new);
/* The whole tree once more: what happened meanwhile is lost. */
void growth_again(struct watcher *watcher, struct watch *watch);
void growth_cut(struct watcher *watcher, struct directory *directory, const char *name);
/* Something has been that may have changed who sees the directory. */
void growth_doubt(struct watcher *watcher, struct directory *directory);
/* A refusal that says why there can be no more of them. */
int growth_failed(int r, struct refusal *refusal);

/* ---- departure.c ---- */
void departure_begin(struct watcher *watcher, struct directory *directory,
		     enum directory_verdict verdict, const struct inotify_event *event);
/* The other half, or something that comes from where it was not seen. */
void departure_arrive(struct watcher *watcher, struct directory *directory,
		      enum directory_verdict verdict, const struct inotify_event *event);
/* It went to where it is not seen. */
void departure_conclude(struct watcher *watcher, struct watch *watch);
/* Whether another half is waited for. */
bool departure_is_open(const struct watcher *watcher);

/* ---- hearing.c ---- */
/* What one event says to all watches. */
void hearing_event(struct watcher *watcher, const struct inotify_event *event);
