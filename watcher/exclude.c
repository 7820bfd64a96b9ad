/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exclude.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "instant.h"

static bool matches_one(char *const *globs, size_t n, const char *path, const char *name) {
	for (size_t i = 0; i < n; i++)
		if (fnmatch(globs[i], name, 0) == 0 ||
		    (name != path && fnmatch(globs[i], path, 0) == 0))
			return true;
	return false;
}

int exclude_matches(char *const *globs, size_t n, const char *path, size_t length, uint64_t until) {
	char copy[PATH_MAX];
	size_t name = 0;

	/* Nobody could say such a path to the kernel either. */
	if (length >= sizeof copy)
		return 0;
	memcpy(copy, path, length);
	copy[length] = '\0';
	for (size_t i = 1; i <= length; i++) {
		if (i < length && path[i] != '/')
			continue;
		copy[i] = '\0';
		if (matches_one(globs, n, copy, copy + name))
			return 1;
		if (instant_usec() >= until)
			return -ETIME;
		copy[i] = '/';
		name = i + 1;
	}
	return 0;
}
