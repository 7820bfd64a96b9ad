/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ranges.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "program.h"

enum { RANGES_MAX = 64 * 1024 };

int ranges_read(const char *libexec, uid_t uid, const char *name, char **ret) {
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int socket = -1;
	char number[16];
	size_t used = 0;

	text = calloc(1, RANGES_MAX);
	if (!text)
		return -ENOMEM;
	(void)snprintf(number, sizeof number, "%u", uid);
	socket = program_start(libexec, "usher-ranges", name ?: number);
	if (socket < 0)
		return socket;
	while (used < RANGES_MAX - 1) {
		ssize_t n = read(socket, text + used, RANGES_MAX - 1 - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	free(*ret);
	*ret = text;
	text = NULL;
	return 0;
}

bool ranges_next(const char **at, char kind, uint32_t *ret_start, uint32_t *ret_count) {
	while (*at && **at) {
		const char *line = *at, *end = line + strcspn(line, "\n");
		unsigned long long start, count;
		int used = 0;
		char its;

		*at = end + (*end == '\n');
		if (sscanf(line, "%c %llu %llu%n", &its, &start, &count, &used) != 3 ||
		    used > end - line || its != kind || start > UINT32_MAX ||
		    start + count <= start)
			continue;
		*ret_start = (uint32_t)start;
		*ret_count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
		return true;
	}
	return false;
}

/* Where the run of covered ids that starts at `start` ends; `start` itself if it is not covered. */
static uint64_t covered_until(const char *ranges, char kind, uint32_t self, uint64_t start) {
	uint64_t end = start == self ? start + 1 : start;
	uint32_t from, count;

	while (ranges_next(&ranges, kind, &from, &count))
		if (from <= start && start < (uint64_t)from + count && (uint64_t)from + count > end)
			end = (uint64_t)from + count;
	return end;
}

bool ranges_cover(const char *ranges, char kind, uint32_t self, uint32_t start, uint32_t count) {
	uint64_t at = start, end = (uint64_t)start + count;

	if (end > UINT32_MAX)
		return false;
	while (at < end) {
		uint64_t next = covered_until(ranges, kind, self, at);

		if (next == at)
			return false;
		at = next;
	}
	return true;
}
