/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Apart from the names, which the library has, too: nothing is refused there. */

#include "watch-event.h"

int watch_event_parse(const char *argument, char *const *names, size_t n, uint32_t *ret,
		      struct refusal *refusal) {
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t event = watch_event_find(names[i]);

		if (event == 0)
			return refusal_note(
				refusal, REFUSED_INVALID,
				"%s: '%.64s' is no event, such as create or close-write", argument,
				names[i]);
		*ret |= event;
	}
	if (*ret == 0)
		return refusal_note(refusal, REFUSED_INVALID, "%s: there is no event", argument);
	return 0;
}
