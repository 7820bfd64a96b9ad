/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Globs of what a watch does not want to hear of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether one matches the path or its name, or those of a directory that it is below. The path is
 * relative to the watch's root and need not be terminated. */
bool exclude_matches(char *const *globs, size_t n, const char *path, size_t length);
