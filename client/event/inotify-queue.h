/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events that are kept for one watch, up to a limit. */
#pragma once

#include <stdbool.h>

#include "event/usher-event.h"

struct inotify_queue {
	size_t n, limit; /* of events, */
	char *kept;      /* as the kernel has them, in [begin, end); for free(3) */
	size_t begin, end, room;
	bool lost; /* something, behind what is kept */
};

void inotify_queue_append(struct inotify_queue *queue, const struct usher_inotify_event *event);
/* Takes the first event; that some were lost comes behind all of them. Its name stays in its place
 * until more is kept. */
bool inotify_queue_take(struct inotify_queue *queue, struct usher_inotify_event *ret);
