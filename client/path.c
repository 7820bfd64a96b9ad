/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths as words. The service follows them, as the caller; here they are only made absolute. */

#include "path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

bool path_is_explicit(const char *path) {
	if (path[0] == '.' && path[1] == '.')
		path++;
	return path[0] == '.' && (path[1] == '/' || path[1] == '\0');
}

/* Without any "./" in front; "." is left as "". */
static const char *strip_dots(const char *path) {
	while (path[0] == '.' && path[1] == '/') {
		path += 2;
		path += strspn(path, "/");
	}
	return strcmp(path, ".") == 0 ? "" : path;
}

int path_absolute(const char *path, char **ret) {
	_cleanup_free_ char *directory = NULL;
	const char *rest = strip_dots(path);
	char *absolute = NULL;

	if (path[0] == '/' || path[0] == '\0') {
		absolute = strdup(path);
		if (!absolute)
			return -ENOMEM;
		*ret = absolute;
		return 0;
	}
	directory = getcwd(NULL, 0);
	if (!directory)
		return -errno;
	if (asprintf(&absolute, "%s%s%s", directory, *rest && directory[1] ? "/" : "", rest) < 0)
		return -ENOMEM;
	*ret = absolute;
	return 0;
}
