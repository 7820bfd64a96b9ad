/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "backlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stock.h"

/* In the order in which they follow each other where the kernel tells several at once. */
static const uint32_t order[] = {
	USHER_WATCH_CREATE,       USHER_WATCH_MOVE,          USHER_WATCH_MOVE_SELF,
	USHER_WATCH_MOUNT_ATTACH, USHER_WATCH_OPEN_PERM,     USHER_WATCH_EXEC_PERM,
	USHER_WATCH_ACCESS_PERM,  USHER_WATCH_OPEN,          USHER_WATCH_OPEN_EXEC,
	USHER_WATCH_ACCESS,       USHER_WATCH_MODIFY,        USHER_WATCH_ATTRIB,
	USHER_WATCH_CLOSE_WRITE,  USHER_WATCH_CLOSE_NOWRITE, USHER_WATCH_DELETE,
	USHER_WATCH_DELETE_SELF,  USHER_WATCH_UNMOUNT,       USHER_WATCH_MOUNT_DETACH,
};

static uint32_t hash_of(const struct happening *happening, uint32_t event) {
	uint32_t hash = 2166136261U ^ event;

	for (size_t i = 0; i < happening->path_length; i++)
		hash = (hash ^ (uint8_t)happening->path[i]) * 16777619U;
	return hash;
}

static bool is_same(const struct happening *one, const struct happening *other, uint32_t event) {
	return one->events == event && one->path_length == other->path_length &&
	       one->old_path_length == other->old_path_length &&
	       memcmp(one->path, other->path, one->path_length) == 0 &&
	       (one->old_path_length == 0 ||
		memcmp(one->old_path, other->old_path, one->old_path_length) == 0);
}

static void unchain(struct backlog *backlog, struct pending *pending) {
	*(pending->previous ? &pending->previous->next : &backlog->first) = pending->next;
	*(pending->next ? &pending->next->previous : &backlog->last) = pending->previous;
}

static void chain(struct backlog *backlog, struct pending *pending) {
	pending->next = NULL;
	pending->previous = backlog->last;
	*(backlog->last ? &backlog->last->next : &backlog->first) = pending;
	backlog->last = pending;
}

static struct pending *find(const struct backlog *backlog, const struct happening *happening,
			    uint32_t event, uint32_t hash) {
	for (struct pending *p = backlog->bucket[hash % BACKLOG_BUCKETS]; p; p = p->same)
		if (p->hash == hash && is_same(&p->happening, happening, event))
			return p;
	return NULL;
}

static struct pending *copy(uid_t uid, const struct happening *happening, uint32_t event,
			    uint32_t hash) {
	size_t size = happening->path_length + happening->old_path_length + 2;
	struct pending *pending = stock_new(uid, sizeof *pending + size);
	char *end;

	if (!pending)
		return NULL;
	*pending = (struct pending){ .hash = hash, .happening = *happening };
	pending->happening.events = event;
	pending->happening.path = pending->paths;
	end = mempcpy(pending->paths, happening->path, happening->path_length);
	*end++ = '\0';
	if (happening->old_path) {
		pending->happening.old_path = end;
		end = mempcpy(end, happening->old_path, happening->old_path_length);
	}
	*end = '\0';
	return pending;
}

static int add_one(struct backlog *backlog, const struct happening *happening, uint32_t event) {
	uint32_t hash = hash_of(happening, event);
	struct pending *pending;

	if (!backlog->bucket)
		backlog->bucket = calloc(BACKLOG_BUCKETS, sizeof(struct pending *));
	if (!backlog->bucket)
		return -ENOMEM;
	pending = find(backlog, happening, event, hash);
	if (pending) {
		/* it comes after what has happened to the path between the two */
		unchain(backlog, pending);
		pending->happening.clock = happening->clock;
		pending->happening.usec = happening->usec;
		if (pending->happening.pid != happening->pid)
			pending->happening.pid = 0;
	} else {
		if (backlog->n >= backlog->room)
			return -ENOBUFS;
		pending = copy(backlog->uid, happening, event, hash);
		if (!pending)
			return -ENOMEM;
		pending->same = backlog->bucket[hash % BACKLOG_BUCKETS];
		backlog->bucket[hash % BACKLOG_BUCKETS] = pending;
		backlog->n++;
	}
	chain(backlog, pending);
	return 0;
}

int backlog_add(struct backlog *backlog, const struct happening *happening) {
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (happening->events & order[i]) {
			int r = add_one(backlog, happening, order[i]);

			if (r < 0)
				return r;
		}
	return 0;
}

void backlog_drop(struct backlog *backlog, size_t n) {
	while (n-- > 0 && backlog->first) {
		struct pending *pending = backlog->first, **at;

		at = &backlog->bucket[pending->hash % BACKLOG_BUCKETS];
		while (*at != pending)
			at = &(*at)->same;
		*at = pending->same;
		unchain(backlog, pending);
		backlog->n--;
		stock_free(pending);
	}
	if (backlog->n == 0) {
		free(backlog->bucket);
		backlog->bucket = NULL;
	}
}
