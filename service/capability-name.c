/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "capability-name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>

/* The library would take a number as well. */
static int find(const char *word) {
	char name[64];
	cap_value_t value;

	if (strncasecmp(word, "cap_", 4) == 0)
		word += 4;
	(void)snprintf(name, sizeof name, "cap_%.56s", word);
	return cap_from_name(name, &value) < 0 ? -1 : value;
}

int capability_name_parse(char *const *words, size_t n, uint64_t *ret, struct refusal *refusal) {
	*ret = 0;
	if (n == 1 && strcmp(words[0], "all") == 0)
		*ret = UINT64_MAX;
	if (n == 1 && (*ret || strcmp(words[0], "none") == 0))
		return 0;
	for (size_t i = 0; i < n; i++) {
		int capability = find(words[i]);

		if (strcmp(words[i], "all") == 0 || strcmp(words[i], "none") == 0)
			return refusal_note(refusal, REFUSED_INVALID,
					    "capabilities: \"%s\" stands alone", words[i]);
		if (capability < 0 || capability > 63)
			return refusal_note(refusal, REFUSED_INVALID,
					    "capabilities: '%.64s' is none, such as CAP_NET_ADMIN",
					    words[i]);
		if (*ret & UINT64_C(1) << capability)
			return refusal_note(refusal, REFUSED_INVALID,
					    "capabilities: '%.64s' is there twice", words[i]);
		*ret |= UINT64_C(1) << capability;
	}
	return 0;
}
