/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* A copy of the path, below the working directory if it was relative; "" stays "". Looks at words
 * only: no link is followed. Returns 0 or -errno. */
int path_absolute(const char *path, char **ret);

/* Whether this can only be a path: relative, and beginning with a dot. */
bool path_is_explicit(const char *path);
