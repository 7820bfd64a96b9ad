/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What usher watch prints of what a watch tells: as inotifywait -m does, or an object a line. */
#pragma once

#include <stdbool.h>

#include "arguments.h"

/* What is watched, as the user wrote it, or the top of its file system. */
struct told_root {
	const char *path;
	bool is_directory;
};

/* 0 or -ENOMEM. */
int telling_print(const struct arguments *arguments, const struct told_root *root,
		  const struct usher_change *change);

/* That in a directory something has changed since the clock that was asked about; all of it where
 * the directory is NULL. */
int telling_print_changed(const struct arguments *arguments, const struct told_root *root,
			  const char *directory, uint64_t clock);

/* From where on is told; on standard error, but in JSON. */
int telling_print_begin(const struct arguments *arguments, const struct told_root *root,
			uint64_t clock);
