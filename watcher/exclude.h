/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Globs of what a watch does not want to hear of. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Whether one matches the path or its name, or those of a directory that it is below. The path is
 * relative to the watch's root and need not be terminated. Globs and names may be such that this
 * takes seconds: -ETIME if it is not known by that instant, UINT64_MAX for whenever. */
int exclude_matches(char *const *globs, size_t n, const char *path, size_t length, uint64_t until);
