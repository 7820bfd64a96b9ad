/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "resource-limit.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

static const struct {
	const char *name;
	int number;
} known[] = {
	{ "as", RLIMIT_AS },
	{ "core", RLIMIT_CORE },
	{ "cpu", RLIMIT_CPU },
	{ "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE },
	{ "locks", RLIMIT_LOCKS },
	{ "memlock", RLIMIT_MEMLOCK },
	{ "msgqueue", RLIMIT_MSGQUEUE },
	{ "nice", RLIMIT_NICE },
	{ "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC },
	{ "rss", RLIMIT_RSS },
	{ "rtprio", RLIMIT_RTPRIO },
	{ "rttime", RLIMIT_RTTIME },
	{ "sigpending", RLIMIT_SIGPENDING },
	{ "stack", RLIMIT_STACK },
};

/* "nofile", "NOFILE" or "RLIMIT_NOFILE". */
int resource_limit_find(const char *name) {
	if (strncasecmp(name, "RLIMIT_", 7) == 0)
		name += 7;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcasecmp(known[i].name, name) == 0)
			return known[i].number;
	return -1;
}

int resource_limit_check(Usher__NamedResourceLimit *const *limits, size_t n,
			 struct refusal *refusal) {
	uint32_t seen = 0;

	for (size_t i = 0; i < n; i++) {
		const Usher__ResourceLimit *value = limits[i]->value;
		int number = resource_limit_find(limits[i]->key);

		if (number < 0)
			return refusal_note(refusal, REFUSED_INVALID,
					    "rlimits: '%.64s' is no limit, such as nofile or core",
					    limits[i]->key);
		if (seen & UINT32_C(1) << number)
			return refusal_note(refusal, REFUSED_INVALID, "rlimits: %s is there twice",
					    limits[i]->key);
		seen |= UINT32_C(1) << number;
		if (value->soft > value->hard)
			return refusal_note(refusal, REFUSED_INVALID,
					    "rlimits: %s: the soft limit is above the hard one",
					    limits[i]->key);
	}
	return 0;
}
