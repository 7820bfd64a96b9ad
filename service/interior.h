/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a new mount namespace is furnished with before its first program runs there: mounts, a root,
 * /proc for a new pid namespace, a small /dev. By the process that is going to be that program, in
 * its new namespaces, with no more rights than it has there; only what the kernel gives to nobody
 * but the machine's root (images, devices) is made by the job before, and handed over.
 */
#pragma once

#include "job.h"

enum { INTERIOR_MOUNTS_MAX = 128, INTERIOR_IMAGES_MAX = 8 };

struct filesystem;

struct interior {
	/* from the request; borrowed */
	Usher__MountSpecification *const *mounts;
	size_t n_mounts;
	const char *root; /* as the caller names it; NULL: what is the root stays it */

	bool own_users;         /* in a user namespace that is not the service's, where the kernel
				   judges; else an administrator said yes */
	bool new_pids, new_ipc; /* these namespaces are new, too: /proc, and /dev/mqueue */

	/* of the images among the mounts, in their order */
	struct filesystem *images[INTERIOR_IMAGES_MAX]; /* in the job, from resolve to open */
	size_t n_images;
	struct fds trees; /* detached mounts of them: from interior_open() to interior_build() */
};

/* The words, in the broker too. */
int interior_check(Usher__MountSpecification *const *mounts, size_t n_mounts, const char *root,
		   const char *workdir, struct refusal *refusal);
/* Whether the job must open images: its row then needs what is below, and idmap_open_own() is to be
 * called when it starts its helpers. */
bool interior_has_images(Usher__MountSpecification *const *mounts, size_t n_mounts);
/* In the job, as the caller: tells of the mounts, finds the images and requires the tier that they
 * take; nothing else is looked at. */
int interior_resolve(struct job *job, struct interior *interior);
/* In the job, with its capabilities: makes the images' mounts, into interior->trees. They go to the
 * process that is to be born, in this order. */
int interior_open(struct job *job, struct interior *interior);
/* In the process to be born, with its copy of the job for the /proc of the service and the words
 * about what failed ("mounts: ...", "root: ..."): after it has joined the place and its root and
 * made its namespaces (pid included: it is in it), as the caller or, without own_users, with the
 * caller's fsuid. Takes the trees. Afterwards the root is the new one and the working directory its
 * top. 0, a refusal or a negative errno. */
int interior_build(struct job *job, struct interior *interior);
/* Then: the working directory; NULL is the top ("directory: ..."). */
int interior_enter(struct job *job, const char *workdir);
void interior_done(struct interior *interior);

/* What interior_open() takes. */
#define INTERIOR_CAPABILITIES FILESYSTEM_CAPABILITIES
#define INTERIOR_OPEN         JOB_JOIN, FILESYSTEM_CREATE, FILESYSTEM_MEASURE, TREE_SEAL
