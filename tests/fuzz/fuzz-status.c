/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/PID/status of a caller, which chooses its name: whoever it is taken for must be the one
 * that the bus saw, and its groups must be written there.
 */

#include <string.h>

#include "fuzz.h"
#include "place.h"

enum { UID = 1000 };

/* Among the numbers of a line. */
static bool is_written(const char *text, const char *line, gid_t group) {
	const char *at = strstr(text, line);
	char *end;

	if (!at)
		return false;
	for (at += strlen(line); at += strspn(at, " \t"), *at >= '0' && *at <= '9'; at = end)
		if (strtoul(at, &end, 10) == group)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = strndup((const char *)data, size);
	struct place place = PLACE_NONE;
	struct refusal refusal = { 0 };
	int r;

	must(text);
	r = place_read_status(&place, text, UID, &refusal);
	must((r > 0) == (*refusal.text != '\0'));
	must(place.n_groups <= PLACE_GROUPS_MAX);
	if (r == 0) {
		must(place.uid == UID);
		for (size_t i = 0; i < place.n_groups && i < 16; i++)
			must(is_written(text, "\nGroups:\t", place.groups[i]));
	}
	free(text);
	return 0;
}
