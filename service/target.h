/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where things are mounted below a root that is being furnished. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { TARGET_NEW_MAX = 136 };

struct target_root {
	int fd;                    /* O_PATH, owned */
	dev_t new[TARGET_NEW_MAX]; /* empty file systems that were made for it: there, a missing
				      target is made */
	size_t n_new;
};

/* Notes that a mount is of a file system that nobody else uses. 0 or a negative errno. */
int target_add_new(struct target_root *root, int mount);
/* Opens a mount point for a mount, and makes it, and the directories above it, where that may be.
 * No link leads out of the root. 0 or a negative errno. */
int target_open(const struct target_root *root, const char *path, int mount, int *ret);
/* Whether there is such a directory, or one can be made. */
bool target_is_there(const struct target_root *root, const char *path);
/* The same, and nothing has been mounted on it. */
bool target_is_bare(const struct target_root *root, const char *path);
/* Attaches a detached mount. The descriptor then is its top. */
int target_attach(int mount, int target);
void target_root_done(struct target_root *root);
