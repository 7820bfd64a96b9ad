/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lookups.h"

#include "instant.h"
#include "territory.h"

/* The kernel takes longer to take a namespace apart that nobody has any more. */
static const uint64_t kept_usec = 20000;

void lookups_begin(struct lookups *lookups) {
	*lookups = (struct lookups){ .own.fd = -1, .other.fd = -1 };
}

struct exchange *lookups_of(struct lookups *lookups, const struct stat *namespace) {
	if (territory_is_own(namespace))
		return &lookups->own;
	if (lookups->device != namespace->st_dev || lookups->inode != namespace->st_ino)
		exchange_close(&lookups->other);
	lookups->device = namespace->st_dev;
	lookups->inode = namespace->st_ino;
	lookups->until_usec = instant_usec() + kept_usec;
	return &lookups->other;
}

uint64_t lookups_end_late(struct lookups *lookups, uint64_t now_usec) {
	if (lookups->other.fd < 0)
		return UINT64_MAX;
	if (now_usec < lookups->until_usec)
		return lookups->until_usec;
	exchange_close(&lookups->other);
	return UINT64_MAX;
}
