/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a watched file lies on, and how that can be looked at. A whole superblock is marked at once
 * where the kernel can do that and the caller sees it as it is: on a file system that is known to
 * behave, in the service's own user namespace, through a mount that maps no ids; of an overlay,
 * that of its upper layer. Everything else is watched directory by directory by a process that is
 * the caller.
 */
#pragma once

#include <stdint.h>

#include "job.h"
#include "path.h"

struct ground {
	const char *kind;    /* of watcher: filesystem, overlay, inotify, mounts, decisions */
	const char *backend; /* fanotify or inotify */
	char watcher[64];    /* which one of that kind */
	/* The superblock's root, as a detached mount, or the upper layer, or the mount namespace;
	 * -1: the watcher needs none, or the broker has it. Owned. */
	int superblock;
	/* Of an overlay, what its word `upperdir` leads the caller to; -1: nothing. Owned. */
	int layer;
	/* The mount that it is seen through, where that had to be looked for; owned. */
	struct seen *seen;
};

#define GROUND_NONE \
	{ .superblock = -1, .layer = -1 }

/* What ground_open() takes. */
#define GROUND_CAPABILITIES (CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_DAC_READ_SEARCH))
#define GROUND_OPEN                                                                               \
	JOB_JOIN, SYS_statmount, SYS_open_tree, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_ioctl, \
		SYS_name_to_handle_at, SYS_open_by_handle_at

struct ground_wish {
	const char *scope;   /* filled in */
	const char *backend; /* NULL: as it is best */
	uint32_t events;     /* enum usher_watch_event */
	bool decide, all, exclude_self;
};

/* As the caller. Where another file is to be watched in its place, the topmost directory of the
 * mount for the whole file system, path becomes that one. What a
 * confined caller names by a path is the administrator's. 0, a refusal or a negative errno. */
int ground_choose(struct job *job, struct path *path, const struct ground_wish *wish,
		  struct ground *ground);
/* With capabilities; root is the file that is watched, opened. Where the superblock's root cannot
 * be had it is inotify after all. From here on file accesses are root's. */
int ground_open(struct job *job, int root, const struct ground_wish *wish, struct ground *ground);
void ground_done(struct ground *ground);
