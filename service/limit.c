/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "limit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	bool bytes;
} limits_known[_LIMIT_MAX] = {
	[LIMIT_CALLS] = { "Calls", false },
	[LIMIT_MOUNTS] = { "Mounts", false },
	[LIMIT_NAMESPACES] = { "Namespaces", false },
	[LIMIT_PROCESSES] = { "Processes", false },
	[LIMIT_WATCHES] = { "Watches", false },
	[LIMIT_LOOP_DEVICES] = { "LoopDevices", false },
	[LIMIT_TRAPS] = { "Traps", false },
	[LIMIT_TIMERS] = { "Timers", false },
	[LIMIT_OBJECTS] = { "Objects", false },
	[LIMIT_DESCRIPTORS] = { "Descriptors", false },
	[LIMIT_QUEUED_BYTES] = { "QueuedBytes", true },
	[LIMIT_STREAMS] = { "Streams", false },
	[LIMIT_ROW_BYTES] = { "RowBytes", true },
	[LIMIT_MONITORS] = { "Monitors", false },
	[LIMIT_QUESTIONS] = { "Questions", false },
};

const struct limits limits_usual = { {
	[LIMIT_CALLS] = 64,
	[LIMIT_MOUNTS] = 1000,
	[LIMIT_NAMESPACES] = 128,
	[LIMIT_PROCESSES] = 256,
	[LIMIT_WATCHES] = 128,
	[LIMIT_LOOP_DEVICES] = 32,
	[LIMIT_TRAPS] = 16,
	[LIMIT_TIMERS] = 128,
	[LIMIT_OBJECTS] = 2000,
	[LIMIT_DESCRIPTORS] = 512,
	[LIMIT_QUEUED_BYTES] = UINT64_C(32) << 20,
	[LIMIT_STREAMS] = 16,
	[LIMIT_ROW_BYTES] = UINT64_C(256) << 20,
	[LIMIT_MONITORS] = 64,
	[LIMIT_QUESTIONS] = 16,
} };

const char *limit_name(enum limit limit) {
	return limits_known[limit].name;
}

const char *limit_type(enum limit limit) {
	return limits_known[limit].bytes ? "t" : "u";
}

enum limit limit_find(const char *name) {
	enum limit limit = 0;

	while (limit < _LIMIT_MAX && strcmp(limits_known[limit].name, name) != 0)
		limit++;
	return limit;
}

static unsigned shift_of(const char *unit) {
	static const char letters[] = "KMG";
	const char *at = *unit && !unit[1] ? strchr(letters, *unit) : NULL;

	return at ? 10 * (unsigned)(at - letters + 1) : 0;
}

bool limit_parse(enum limit limit, const char *text, uint64_t *ret) {
	uint64_t most = limits_known[limit].bytes ? UINT64_MAX : UINT32_MAX, number;
	unsigned shift;
	char *end;

	if (*text < '0' || *text > '9')
		return false; /* strtoull() takes signs and blanks */
	errno = 0;
	number = strtoull(text, &end, 10);
	shift = limits_known[limit].bytes ? shift_of(end) : 0;
	if (errno || (*end && shift == 0) || number > most >> shift)
		return false;
	*ret = number << shift;
	return true;
}

int limit_check(const struct limits *limits, enum limit limit, uint64_t n,
		struct refusal *refusal) {
	uint64_t most = limits->value[limit];

	if (most == 0 || n <= most)
		return 0;
	return refusal_note(refusal, REFUSED_LIMIT, "the limit %s=%" PRIu64 " of a user is reached",
			    limit_name(limit), most);
}
