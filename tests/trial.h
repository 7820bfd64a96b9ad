/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One operation done for real, by a child as the worker has them, in namespaces and on file systems
 * of the test's own, with a broker that grants whatever is found. Needs root, since a file system
 * in an image does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support.h"

enum where {
	HERE,
	OTHER,   /* in another mount and UTS namespace */
	OWN,     /* in those of a user namespace that is the caller's own */
	NOBODYS, /* here, and the caller is not root */
	APART,   /* as OTHER, and in another pid namespace */
};

/*
 * "@" is a directory of the test's: a file system with the directories "src", "dst" and "new", on
 * which there is one with a directory "old"; "far", on which there is one in OTHER; "volume", on
 * which there may be a subvolume; "merged", on which there may be an overlay; an "image"; a
 * directory "closed", which only a capability opens, with "src", "image" and a mount "dst", again
 * with "old". "%" is the id of the mount on closed/dst. Descriptor 0 is the image, 1 a directory
 * that something is mounted on, 2 the process whose namespaces are meant.
 */

struct trial {
	const char *operation, *fields;
	enum where where;
	int code; /* that it ends with */
};

/* At least one of each operation. */
extern struct trial trials[];
extern size_t trials_n;

/* What became of it. */
struct trial_result {
	bool tried;    /* the trial itself went well */
	bool answered; /* there was an outcome */
	int code;      /* of the outcome */
	int status;    /* that the process ended with, as of waitpid(2) */
	char text[256];
	uint64_t before, after; /* the mount table of the place, as a number */
	unsigned loop_devices;  /* left with the test's image in them, where it was not done */
};

/* For the group of tests, around it. */
int trials_begin(void **state);
int trials_end(void **state);
/* Whether "@/volume" is a subvolume of btrfs, and such are among the trials. */
bool trials_have_btrfs(void);
/* Whether "@/merged" is an overlay of which the kernel says what it writes to. */
bool trials_have_overlays(void);
/* Skips the test where there is no root or no image. */
void trials_required(void);
/* serve is called in a process of its own, with the child's end of the socket, and does not return.
 */
struct trial_result trial_do(const struct trial *trial, void (*serve)(int socket, void *data),
			     void *data);
/* Where no programs are: what job_serve() may be told. */
const char *trial_libexec(void);
