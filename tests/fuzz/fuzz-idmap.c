/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maps of ids; behind a newline the ranges that are somebody's. */

#include <string.h>

#include "fuzz.h"
#include "idmap.h"
#include "ranges.h"

static bool overlap(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count) {
	return a < (uint64_t)b + b_count && b < (uint64_t)a + a_count;
}

static void look_at(const struct idmap *map, const char *ranges) {
	must(map->n > 0 && map->n <= IDMAP_LINES_MAX);
	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_line *line = &map->lines[i];

		must(line->count > 0);
		must((uint64_t)line->inside + line->count <= UINT32_MAX);
		must((uint64_t)line->outside + line->count <= UINT32_MAX);
		for (size_t j = 0; j < i; j++)
			must(!overlap(line->inside, line->count, map->lines[j].inside,
				      map->lines[j].count) &&
			     !overlap(line->outside, line->count, map->lines[j].outside,
				      map->lines[j].count));
		(void)ranges_cover(ranges, 'u', 1000, line->outside, line->count);
		(void)ranges_cover(ranges, 'g', 0, line->inside, line->count);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = strndup((const char *)data, size), *ranges;
	struct refusal refusal = { 0 };
	struct idmap map;

	must(text);
	ranges = strchr(text, '\n');
	if (ranges)
		*ranges++ = '\0';
	if (idmap_parse(&map, "idmap", text, &refusal) == 0)
		look_at(&map, ranges);
	else
		must(*refusal.text);
	free(text);
	return 0;
}
