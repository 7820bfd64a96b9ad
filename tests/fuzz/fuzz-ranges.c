/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What usher-ranges prints, after four bytes that say which ids are asked about. Whether they are
 * covered must be what reading line by line and id by id says.
 */

#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "ranges.h"

enum { SELF = 7 };

static bool has(const char *text, char kind, uint64_t id) {
	char *copy = strdup(text), *rest = copy;
	bool found = id == SELF;

	must(copy);
	for (char *line; !found && (line = strsep(&rest, "\n"));) {
		unsigned long long from, count;
		char its;

		found = sscanf(line, "%c %llu %llu", &its, &from, &count) == 3 && its == kind &&
			from <= id && id - from < count &&
			from + count > from /* the end is a number, too */;
	}
	free(copy);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	uint32_t start, count;
	bool all = true;
	char *text, kind;

	if (size < 5)
		return 0;
	kind = data[0] & 1 ? 'u' : 'g';
	count = (data[1] & 31) + 1;
	start = (uint32_t)(data[2] << 8 | data[3]);
	if (data[0] & 2)
		start = UINT32_MAX - start;
	text = strndup((const char *)data + 4, size - 4);
	must(text);
	for (uint32_t i = 0; i < count; i++)
		all = all && has(text, kind, (uint64_t)start + i);
	if ((uint64_t)start + count > UINT32_MAX)
		all = false;
	must(ranges_cover(text, kind, SELF, start, count) == all);
	must(!ranges_cover(NULL, kind, SELF, SELF + 1, count));
	free(text);
	return 0;
}
