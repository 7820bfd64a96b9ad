/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "choir.h"

#include <errno.h>
#include <stdlib.h>

#include "watch.h"

bool choir_suits(const struct watch *watch, const struct watch *other) {
	return watch->direct && other->direct && !watch->ended && !other->ended && !other->gone &&
	       watch->events == other->events && watch->scope == other->scope;
}

static int add(struct choir *choir, struct watch *watch) {
	struct watch **more = reallocarray(choir->watch, choir->n + 1, sizeof *more);

	if (!more)
		return -ENOMEM;
	choir->watch = more;
	more[choir->n++] = watch;
	watch->choir = choir;
	return 0;
}

static void dissolve(struct choir *choir) {
	for (size_t i = 0; i < choir->n; i++)
		choir->watch[i]->choir = NULL;
	stream_done(&choir->stream);
	free(choir->watch);
	free(choir);
}

static void hand(struct stream *stream, const uint8_t *packet, size_t size, size_t records) {
	const struct choir *choir = (const struct choir *)stream; /* its first member */

	for (size_t i = 0; i < choir->n; i++)
		if (!choir->watch[i]->ended)
			stream_take(&choir->watch[i]->stream, packet, size, records);
}

static struct choir *found(struct watch *first) {
	struct choir *choir = calloc(1, sizeof *choir);

	if (!choir)
		return NULL;
	choir->stream = (struct stream){ .fd = -1, .hand = hand, .room = SIZE_MAX };
	if (add(choir, first) < 0) {
		dissolve(choir);
		return NULL;
	}
	return choir;
}

int choir_join(struct watch *watch, struct watch *other) {
	struct choir *choir = other->choir ?: found(other);
	int r;

	if (!choir)
		return -ENOMEM;
	choir_flush(choir); /* what was before is not for it */
	r = add(choir, watch);
	choir->strays = true;
	if (choir->n < 2)
		dissolve(choir);
	return r;
}

void choir_leave(struct watch *watch) {
	struct choir *choir = watch->choir;

	if (!choir)
		return;
	choir_flush(choir);
	for (size_t i = 0; i < choir->n; i++)
		if (choir->watch[i] == watch) {
			choir->watch[i] = choir->watch[--choir->n];
			break;
		}
	watch->choir = NULL;
	if (choir->n < 2)
		dissolve(choir);
}

static bool is_stray(const struct watch *watch) {
	return watch->backlog.n > 0 || hints_any(&watch->missing);
}

bool choir_tell(struct choir *choir, const struct happening *happening, uint32_t events) {
	if (!choir->strays && !happening->slow && !happening->half) {
		if (events)
			stream_put(&choir->stream, happening, events);
		return true;
	}
	choir_flush(choir);
	choir->strays = true;
	return false;
}

void choir_flush(struct choir *choir) {
	bool strays = false;

	if (!stream_is_empty(&choir->stream))
		stream_flush(&choir->stream);
	for (size_t i = 0; choir->strays && i < choir->n; i++)
		strays = strays || is_stray(choir->watch[i]);
	choir->strays = strays;
}
