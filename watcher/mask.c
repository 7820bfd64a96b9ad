/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mask.h"

#include <stddef.h>
#include <sys/inotify.h>

#include "interfaces/watch-stream.h"

/* By these the tree is kept, and what may be seen. */
static const uint32_t upkeep =
	IN_CREATE | IN_DELETE | IN_MOVE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

static const struct {
	uint32_t inotify, event;
} names[] = {
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

uint32_t mask_of(uint32_t events) {
	uint32_t mask = upkeep | IN_EXCL_UNLINK;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (events & names[i].event)
			mask |= names[i].inotify;
	return mask & ~(uint32_t)IN_UNMOUNT; /* which comes unasked */
}

uint32_t mask_events(uint32_t mask) {
	uint32_t events = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (mask & names[i].inotify)
			events |= names[i].event;
	return events;
}
