/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fd.h"

enum { MOUNTINFO_MAX = 64 * 1024 * 1024 };

/* Exactly three digits, of a byte. */
static bool is_octal(const char *p) {
	return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' &&
	       p[2] <= '7';
}

void mountinfo_unescape(char *text) {
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (*from == '\\' && is_octal(from + 1)) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else
			*to = *from++;
	}
	*to = '\0';
}

int mountinfo_read(int proc, const char *process, char **ret) {
	char path[64];
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	size_t size = 0, used = 0;

	(void)snprintf(path, sizeof path, "%s/mountinfo", process);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (used + 1 >= size) {
			char *grown = size < MOUNTINFO_MAX ? realloc(text, size = size * 2 + 65536)
							   : NULL;

			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		n = read(fd, text + used, size - used - 1);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
	*ret = text;
	text = NULL;
	return 0;
}

/* id parent major:minor root target options [tags] - type source options. */
static bool parse(char *line, struct mountinfo *ret) {
	char *field[6], *rest = line;
	unsigned major = 0, minor = 0;

	*ret = (struct mountinfo){ 0 };
	for (int i = 0; i < 6; i++)
		if (!(field[i] = strsep(&rest, " ")))
			return false;
	for (char *tag; (tag = strsep(&rest, " ")) && strcmp(tag, "-") != 0;) {
		ret->shared |= strncmp(tag, "shared:", 7) == 0;
		ret->slave |= strncmp(tag, "master:", 7) == 0;
		ret->unbindable |= strcmp(tag, "unbindable") == 0;
	}
	ret->type = strsep(&rest, " ");
	ret->source = strsep(&rest, " ");
	ret->superblock_options = strsep(&rest, " ");
	if (!ret->type || !ret->source || !ret->superblock_options)
		return false;
	(void)sscanf(field[2], "%u:%u", &major, &minor);
	ret->device = makedev(major, minor);
	ret->id = strtoull(field[0], NULL, 10);
	ret->parent = strtoull(field[1], NULL, 10);
	ret->root = field[3];
	ret->target = field[4];
	ret->options = field[5];
	mountinfo_unescape(ret->root);
	mountinfo_unescape(ret->target);
	mountinfo_unescape(ret->source);
	return true;
}

bool mountinfo_next(char **rest, struct mountinfo *ret) {
	for (char *line; (line = strsep(rest, "\n"));)
		if (*line && parse(line, ret))
			return true;
	return false;
}
