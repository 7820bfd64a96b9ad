/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What looks out over one file system for all of its watches: the group that events are read from,
 * what of them has been read, the directories, and the places where watches begin.
 *
 * Events are read and told in batches. Before any of a batch is told, all that is in the queue by
 * the time at which rights were looked up has been read, too: what is in it may have changed who
 * could see what. A directory whose name, place or rights have changed in a batch, or one above it,
 * is in doubt: of what happened in it no names are told, but that it has to be listed anew.
 */
#pragma once

#include <stdio.h>

#include "group.h"
#include "superblock.h"
#include "watch.h"
#include "watcher.h"

/* The end of a rename that was seen first: from where it went. */
struct parting {
	uint64_t went, came; /* stamps of the renames whose ends were seen last */
	const char *path;
	size_t path_length;
};

/* Eyes of one spot that are told the same if only all of them may see it. */
struct choir {
	struct chorus chorus;
	struct parting parting;             /* that all of them have seen */
	uint64_t beholders[BEHOLDER_WORDS]; /* of all of them */
	bool whole;                         /* all of them may see what is told now */
};

/* A process by which it is known again, though another may get its number. */
struct self {
	pid_t pid; /* 0: none, or it has gone */
	int pidfd;
};

/* A watch, on this file system. */
struct eye {
	struct watch *watch;
	struct choir *choir; /* NULL: like no other */
	size_t beholder;     /* its place */
	bool report_pid;
	struct self self; /* who it is told to, and not of */
	uint32_t spot;
	struct outlook *outlook;
	struct parting parting;
};

/* Where watches begin. */
struct spot {
	uint32_t node;    /* 0: it is not there any more */
	struct eye **eye; /* those of a choir one after the other */
	size_t n;
	uint8_t space[HANDLE_MAX]; /* its handle, by which it is found again */
	struct handle handle;
	bool directory;
};

struct event {
	struct group_event raw;
	uint32_t directory, old_directory; /* nodes; 0: not to be found, or none */
	uint32_t object;                   /* where it is a directory or a spot */
	uint64_t position;                 /* in all that was ever read */
};

/* A directory that has moved more often than is known, with names from what has been read. */
struct stray {
	uint32_t node;
	const char *name, *old_name; /* NULL: not told */
};

enum { LOOKOUT_BLOCK = 1 << 20 };

struct block {
	uint8_t *bytes;
	size_t size;
	uint64_t offset; /* of its beginning, in all that was ever read */
};

struct lookout {
	struct source group; /* the first member */
	struct watcher *watcher;
	struct superblock superblock;
	uint64_t mask; /* FAN_*, that is marked */
	struct spot *spot;
	uint32_t n_spots; /* with the 0th, which is none */
	size_t n_files;   /* spots that are no directories */
	struct outlook *outlooks;
	FILE *mounts; /* our own table of them; NULL: it cannot be read */
	struct source mount_table;
	bool mounts_changed;
	uint64_t mounts_generation;
	struct actors *actors;
	struct arrears *arrears;
	struct tenures *tenures;

	struct block now, ahead;
	uint64_t taken;    /* events that have been read out of the queue, ever */
	uint64_t horizon;  /* and what was in it then; 0: not known */
	bool drained;      /* nothing was left in it when it was read last */
	uint64_t begins;   /* the position of the first of a batch */
	uint64_t position; /* of the event that is being told */
	struct event *event;
	size_t n_events, space_events;
	uint32_t batch; /* counted from 1 */
	bool asked;     /* the kernel, for rights or places, since the queue was read */
	bool uncertain; /* what was asked may be newer than what could be read */
	bool disturbed; /* what had been prepared is out of date again */
	bool overflowed;
	uint64_t stamp; /* of the rename that is being told, counted from 1 */
	uint64_t usec;
	uint32_t *rescan, *leaving;
	size_t n_rescans, n_leaving, space_rescans, space_leaving;
	struct stray *stray;
	size_t n_strays, space_strays;

	uint64_t waits_until; /* nothing is read before; 0: it is */
	uint64_t said_blind;  /* when all were told last that something was lost */
	uint64_t large_until; /* so much may happen again as has; UINT64_MAX: it has not */
	unsigned streak;      /* batches that followed each other closely */
	bool listening;
};

/* ---- batch.c ---- */
/* Reads what there is to read, and has it told. */
void batch_read(struct lookout *lookout);
/* Gives back what much that happened at once has taken, some time after it has ended, which is
 * returned; UINT64_MAX: there is nothing. */
uint64_t batch_rest(struct lookout *lookout, uint64_t now);
/* Reads on, so that what has happened by now is known. */
void batch_look_ahead(struct lookout *lookout);
/* Adds to a list of nodes that is gone through when the batch ends. */
void batch_rescan(struct lookout *lookout, uint32_t node);
void batch_leave(struct lookout *lookout, uint32_t node);
/* Something has happened in a directory: for who asks later. */
void batch_note(struct lookout *lookout, uint32_t node, uint64_t clock);

/* ---- arrears.c ---- */
/*
 * Directories that a user who has no time left (toil.h) would have looked up. That is done later, a
 * little at a time, and they are told as such that are to be listed anew.
 */
void arrears_owe(struct lookout *lookout, const struct handle *handle);
/* Before a batch ends. */
void arrears_pay(struct lookout *lookout);
/* When the next of it can be looked up; UINT64_MAX: there is none. */
uint64_t arrears_due(const struct lookout *lookout);
void arrears_forget(struct lookout *lookout);

/* ---- sight.c ---- */
/* How far it is known that what happened in a directory could be seen. */
enum doubt {
	CERTAIN,
	DOUBTFUL, /* by who may see it now; at that time they may not have been */
	UNKNOWN,  /* not even that, or where it was */
};

/* Somebody who may know what has happened to a name in a directory. The path, which may be written
 * to and has a zero behind it, lasts until the next look. True if all of a whole choir have been
 * told with it. */
typedef bool (*sight_visit)(struct lookout *lookout, struct eye *eye, char *path, size_t length,
			    enum doubt doubt, void *data);

/* A line of sight: which of two places paths are put in. */
enum sight_line { SIGHT_NEW, SIGHT_OLD };

/* Visits all who see the directory, where it is now. True if it is below any spot. */
bool sight_each(struct lookout *lookout, enum sight_line line, uint32_t directory, const char *name,
		size_t length, sight_visit visit, void *data);
/* Has the rights of all directories hold on the way from one to the top; false if none of them is a
 * spot: then nobody needs them. */
bool sight_prepare(struct lookout *lookout, uint32_t directory);

/* ---- outlook.c ---- */
/* Eyes that look from the same place in the same mount. 0 or a negative errno. */
int outlook_take(struct lookout *lookout, struct eye *eye);
void outlook_release(struct lookout *lookout, struct eye *eye);

/* Listens for what is mounted and unmounted. 0 or a negative errno. */
int outlook_begin(struct lookout *lookout);
/* Before a batch: what was seen earlier holds no more if something has been mounted. Whose mount
 * has gone is told so, and nothing more. */
void outlook_refresh(struct lookout *lookout);

enum outlook_view {
	OUTLOOK_SHOWN,     /* the path leads to that directory */
	OUTLOOK_ELSEWHERE, /* not any more */
	OUTLOOK_COVERED,   /* something is mounted on the way */
};
/* What there is to be seen now by a path. */
enum outlook_view outlook_look(struct lookout *lookout, struct outlook *outlook, uint32_t directory,
			       const char *path);
/* The path to a directory, or to the nearest above it to which there is one now; NULL if something
 * is mounted on the way. It lasts until the next is asked for. */
const char *outlook_nearest(struct lookout *lookout, struct outlook *outlook, uint32_t directory,
			    const char *path, size_t *length);

/* ---- overlay.c ---- */
/* The handle of what a directory of the overlay is written to. 0, or -ENOENT if there is none. */
int overlay_handle(const struct lookout *lookout, int directory, uint8_t space[HANDLE_MAX],
		   struct handle *ret);
/* Whether that is what a path shows in the overlay, from a directory that is at the top of it. */
bool overlay_shows(const struct lookout *lookout, uint32_t top, const char *path,
		   uint32_t directory, int shown);
/* Whether a directory of the file system is one of the layer, by what is known so far. */
bool overlay_has(const struct lookout *lookout, uint32_t directory);
/* What an event in the layer says of the overlay. False if it is nothing that can be told: then
 * what is to be listed anew has been noted. */
bool overlay_translate(struct lookout *lookout, struct event *event);

/* ---- choir.c ---- */
/* Puts an eye among those of its spot, of which it has none yet: 0 or -ENOMEM. */
int choir_join(struct spot *spot, struct eye *eye);
/* Takes it out again; false if it is not there. */
bool choir_leave(struct spot *spot, struct eye *eye);
/* Its watch wants something else. */
void choir_change(struct spot *spot, struct eye *eye);

/* ---- retrospect.c ---- */
/* As a kind's since(). */
bool retrospect(struct watcher *watcher, struct watch *watch, uint64_t clock,
		struct watcher_changes *changes);

/* ---- actor.c ---- */
/* Whose process that is; (uid_t)-1 if it has gone. Known until the next batch. */
uid_t actor_uid(struct lookout *lookout, pid_t pid);
/* The process that was started then, to be known again; none if it has gone. */
void actor_know(pid_t pid, uint64_t started, struct self *ret);
void actor_forget(struct self *self);
/* Whether a process is that one. */
bool actor_is(struct self *self, pid_t pid);

/* ---- tenure.c ---- */
enum tenure {
	TENURE_HELD,
	TENURE_OVER, /* it had lost it before */
	TENURE_UNKNOWN,
};
/* Whether an object had the name in a directory that an event tells when that happened. The kernel
 * goes on telling the last name of a file that is open after that was deleted, though another may
 * have it, or whoever may look into the directory by now could not when it was there. */
enum tenure tenure_of(struct lookout *lookout, const struct event *event, uint32_t directory);
/* What has been read, before any of it is told. */
void tenure_glance(const struct lookout *lookout, const struct group_event *raw);
/* Nothing is known any more. */
void tenure_forget(struct lookout *lookout);

/* ---- telling.c ---- */
/* Tells everybody of one event, and moves the directories as it says. */
void telling_event(struct lookout *lookout, struct event *event);
/* A directory that is to be listed anew, or the nearest above it that can be. */
void telling_rescan(struct lookout *lookout, uint32_t directory);
