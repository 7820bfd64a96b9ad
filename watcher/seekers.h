/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes that open directories by their handles, for one that may not wait. Of a directory that
 * it has forgotten the kernel looks for the name in the one that this is in; there it waits for
 * whoever has that locked, which may be anybody who can read it, for as long as he likes. Then only
 * one of these waits, and another takes its place.
 */
#pragma once

#include "handle.h"

enum { SEEKERS_MAX = 8 };

struct seekers {
	int nursery; /* of a process that makes them, which is small as this one was then */
	size_t n_late;

	struct seeker {
		int fd;    /* -1: none */
		bool late; /* has not answered yet about this one */
		struct handle handle;
		uint8_t space[HANDLE_MAX];
	} seeker[SEEKERS_MAX];
};

/* All that are to come look on that file system. 0 or a negative errno. */
int seekers_begin(struct seekers *seekers, int superblock);
void seekers_done(struct seekers *seekers);

/* A descriptor (O_PATH) or a negative errno: -ESTALE for what is not there any more, -EAGAIN for
 * what will be answered later, -EBUSY when all of them wait. */
int seekers_open(struct seekers *seekers, const struct handle *handle);
/* What has been answered late: its handle and its descriptor, or a negative errno instead of that.
 * False if there is nothing more. */
bool seekers_late(struct seekers *seekers, uint8_t space[HANDLE_MAX], struct handle *ret,
		  int *ret_fd);
