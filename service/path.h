/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths of the caller, turned into descriptors once: as the caller, below the place's root, through
 * no magic link, and through no symbolic link in the last component.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "job.h"
#include "kernel.h"

struct path {
	int fd; /* O_PATH, owned */
	struct stat st;
	char *real; /* as the kernel names it now, for people; owned */
};

#define PATH_NONE \
	{ .fd = -1 }

/* In the broker already: an absolute path that the kernel could take. */
int path_check(const char *argument, const char *path, struct refusal *refusal);
/* By path, or by a descriptor of the caller's (then path is empty, or this is refused). */
int path_resolve(struct job *job, const char *argument, const char *path, int fd, struct path *ret);
/* As path_resolve(), but a symbolic link to a block device is followed: /dev/disk/by-label. */
int path_resolve_source(struct job *job, const char *argument, const char *path, struct path *ret);
/* By path, and through symbolic links: for who has no more rights than the caller. */
int path_resolve_followed(struct job *job, const char *argument, const char *path,
			  struct path *ret);
/* Opens with O_PATH and these flags what a path leads to that begins at a directory and never
 * leaves it. A negative errno, or a descriptor. */
int path_open_below(int root, const char *path, uint64_t flags);
/* The directory that holds it, and its last component, into ret and *ret_name (owned). What the
 * name stands for is neither held open, so that it can be unmounted, nor looked at. */
int path_resolve_parent(struct job *job, const char *argument, const char *path, struct path *ret,
			char **ret_name);
/* What whoever is refused is told of a mount point that is not. */
extern const char path_not_own[];
/* Whether the caller owns it, it is a directory or a regular file, and it lies on a file system
 * where owning something means something (not /proc, where one owns one's processes). */
bool path_is_own(const struct job *job, const struct path *path);
/* The same, and no program of a user's may keep what is in it waiting: a file system that waits for
 * its first byte holds up whoever has to wait for all of them, as sync(2) does. An overlay made of
 * such layers can be one itself. */
bool path_is_own_layer(const struct job *job, const struct path *path);
/* Whosever it is, that no program may keep it waiting, nor one behind an overlay of the caller's.
 */
bool path_is_steady(const struct path *path);
/* Opens it for real, as the caller. A negative errno, or a descriptor. */
int path_open(const struct job *job, const struct path *path, int flags);
/* A directory by its real name, from the root of where we are and through no link at all. */
int path_open_real(const char *real);
/* The real name of a child of a directory. The caller frees; NULL when there is no memory. */
char *path_child_name(const struct path *directory, const char *name);
void path_done(struct path *path);

/* Whether the name is the root of a mount, and the id of the mount that it is on; -ELOOP for a
 * symbolic link. */
int path_mount_id(int directory, const char *name, uint64_t *ret_id, bool *ret_is_root);
