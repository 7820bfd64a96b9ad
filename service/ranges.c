/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ranges.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "message.h"
#include "program.h"

enum { RANGES_MAX = 64 * 1024 };

static bool has_field(const ProtobufCMessage *request, const char *name) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(request->descriptor, name);

	return field && message_has(request, field);
}

int ranges_read(const char *libexec, const ProtobufCMessage *request, uid_t uid, char **ret) {
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int socket = -1;
	char argument[16];
	size_t used = 0;

	if (!has_field(request, "idmap") && !has_field(request, "idmap_as_fd"))
		return 0;
	text = calloc(1, RANGES_MAX);
	if (!text)
		return -ENOMEM;
	(void)snprintf(argument, sizeof argument, "%u", uid);
	socket = program_start(libexec, "usher-ranges", argument);
	if (socket < 0)
		return socket;
	while (used < RANGES_MAX - 1) {
		ssize_t n = read(socket, text + used, RANGES_MAX - 1 - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	*ret = text;
	text = NULL;
	return 0;
}

/* Where the run of covered ids that starts at `start` ends; `start` itself if it is not covered. */
static uint64_t covered_until(const char *ranges, char kind, uint32_t self, uint64_t start) {
	uint64_t end = start == self ? start + 1 : start;

	for (const char *line = ranges; line && *line; line = strchr(line, '\n')) {
		unsigned long long from, count;
		int used = 0;
		char its;

		line += *line == '\n';
		if (sscanf(line, "%c %llu %llu%n", &its, &from, &count, &used) == 3 &&
		    (size_t)used <= strcspn(line, "\n") && its == kind && from <= start &&
		    start < from + count && from + count > end)
			end = from + count;
	}
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
