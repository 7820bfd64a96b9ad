/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fanotify group that reports names and handles: what it is asked for, and what it says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/fanotify.h>
#include <sys/types.h>

#include "handle.h"

/* Everything is borrowed out of the buffer. */
struct group_event {
	uint64_t mask; /* FAN_* */
	pid_t pid;
	/* A rename has what it was in old_*; in the others there is no such thing. An event that is
	 * known by its object alone has no directory. */
	struct handle directory, old_directory;
	const char *name, *old_name; /* terminated; "." for the directory itself */
	size_t name_length, old_name_length;
	struct handle object;
};

/* A new group. A descriptor or a negative errno. */
int group_new(void);
/* What the whole file system is marked with, before and now. 0 or a negative errno. */
int group_mark(int group, int superblock, uint64_t before, uint64_t mask);
/* The FAN_* that tell of enum usher_watch_event. */
uint64_t group_mask(uint32_t events);
/* The enum usher_watch_event that FAN_* tell of; but FAN_RENAME, which it depends on. */
uint32_t group_events(uint64_t mask);

/* The event at *at, which becomes the place of the next. 1, 0 at the end, or -EBADMSG: the rest is
 * not to be understood. */
int group_parse(const uint8_t *buffer, size_t size, size_t *at, struct group_event *ret);
/* How many there are of them. */
size_t group_count(const uint8_t *buffer, size_t size);
/* How many are in the queue; more, if that cannot be told. */
size_t group_waiting(int group);

/* Of groups that report something else: the event behind one, FAN_EVENT_NEXT() for a buffer whose
 * events are aligned, as the kernel's are. */
static inline const struct fanotify_event_metadata *group_next(
	const struct fanotify_event_metadata *event, ssize_t *left) {
	*left -= event->event_len;
	return (const void *)((const char *)event + event->event_len);
}
