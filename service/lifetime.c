/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lifetime.h"

#include <string.h>

int lifetime_check(const char *word, struct refusal *refusal) {
	if (!word || strcmp(word, "manual") == 0 || lifetime_is_connection(word))
		return 0;
	return refusal_note(refusal, REFUSED_INVALID,
			    "lifetime: '%.64s' is neither \"connection\" nor \"manual\"", word);
}

bool lifetime_is_connection(const char *word) {
	return word && strcmp(word, "connection") == 0;
}
