/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "event/inotify-queue.h"

#include <stdlib.h>
#include <string.h>

/* For so many bytes behind what is kept. */
static bool make_room(struct inotify_queue *queue, size_t size) {
	size_t room = queue->room ?: 1024;
	char *kept;

	if (queue->begin > 0)
		memmove(queue->kept, queue->kept + queue->begin, queue->end - queue->begin);
	queue->end -= queue->begin;
	queue->begin = 0;
	while (room - queue->end < size)
		room *= 2;
	if (room == queue->room)
		return true;
	kept = realloc(queue->kept, room);
	if (!kept)
		return false;
	queue->kept = kept;
	queue->room = room;
	return true;
}

void inotify_queue_append(struct inotify_queue *queue, const struct usher_inotify_event *event) {
	size_t length = strlen(event->name) + 1;
	struct inotify_event head = { event->wd, event->mask, event->cookie, (uint32_t)length };
	size_t size = sizeof head + length;

	if (queue->lost || queue->n == queue->limit ||
	    (queue->room - queue->end < size && !make_room(queue, size))) {
		queue->lost = true;
		return;
	}
	memcpy(queue->kept + queue->end, &head, sizeof head);
	memcpy(queue->kept + queue->end + sizeof head, event->name, length);
	queue->end += size;
	queue->n++;
}

bool inotify_queue_take(struct inotify_queue *queue, struct usher_inotify_event *ret) {
	if (queue->n > 0) {
		queue->begin += (size_t)usher_inotify_parse(queue->kept + queue->begin,
							    queue->end - queue->begin, ret);
		queue->n--;
	} else if (queue->lost) {
		queue->lost = false;
		*ret = (struct usher_inotify_event){ -1, IN_Q_OVERFLOW, 0, "" };
	} else
		return false;
	return true;
}
