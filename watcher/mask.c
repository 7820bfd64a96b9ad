/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mask.h"

#include <sys/inotify.h>

#include "interfaces/watch-stream.h"
#include "translation.h"

/* By these the tree is kept, and what may be seen. */
static const uint32_t upkeep =
	IN_CREATE | IN_DELETE | IN_MOVE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

static const struct translation names[] = {
	{ IN_CREATE, USHER_WATCH_CREATE },
	{ IN_DELETE, USHER_WATCH_DELETE },
	{ IN_MODIFY, USHER_WATCH_MODIFY },
	{ IN_ATTRIB, USHER_WATCH_ATTRIB },
	{ IN_MOVE, USHER_WATCH_MOVE },
	{ IN_OPEN, USHER_WATCH_OPEN },
	{ IN_ACCESS, USHER_WATCH_ACCESS },
	{ IN_CLOSE_WRITE, USHER_WATCH_CLOSE_WRITE },
	{ IN_CLOSE_NOWRITE, USHER_WATCH_CLOSE_NOWRITE },
	{ IN_DELETE_SELF, USHER_WATCH_DELETE_SELF },
	{ IN_MOVE_SELF, USHER_WATCH_MOVE_SELF },
	{ IN_UNMOUNT, USHER_WATCH_UNMOUNT },
};

enum { NAMES = sizeof names / sizeof *names };

uint32_t mask_of(uint32_t events) {
	uint32_t mask = (uint32_t)translation_theirs(names, NAMES, events);

	return (upkeep | IN_EXCL_UNLINK | mask) & ~(uint32_t)IN_UNMOUNT; /* which comes unasked */
}

uint32_t mask_events(uint32_t mask) {
	return translation_ours(names, NAMES, mask);
}
