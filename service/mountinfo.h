/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of mountinfo(5). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mountinfo {
	uint64_t id, parent; /* of those that are used again */
	dev_t device;        /* the superblock's, which is not always what stat(2) says */
	char *root;          /* what of the file system the mount shows */
	char *target, *options, *type, *source, *superblock_options;
	bool shared, slave, unbindable;
};

/* Of "self" or a number, whole; proc is a descriptor of a /proc that knows it. The caller frees. 0
 * or a negative errno. */
int mountinfo_read(int proc, const char *process, char **ret);
/* The next line that is a good one, in place, moving *rest behind it; false at the end. The options
 * are as they are written there. */
bool mountinfo_next(char **rest, struct mountinfo *ret);
/* "\040" and its like, which the kernel writes for space, tab, newline and backslash. */
void mountinfo_unescape(char *text);
