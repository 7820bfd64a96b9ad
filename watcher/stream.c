/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "instant.h"

enum {
	PACKET_FIRST = 2048,
	PACKET_FULL = 8192 /* those of 32 watches are in the cache together */
};

struct packet {
	struct packet *next;
	size_t size, space, records;
	uint8_t bytes[];
};

static struct packet *packet_new(size_t space) {
	struct packet *packet = malloc(sizeof *packet + space);

	if (packet)
		*packet = (struct packet){ .space = space };
	return packet;
}

static size_t record_size(const struct happening *happening) {
	size_t size = sizeof(struct usher_watch_record) + happening->path_length +
		      happening->old_path_length + 2;

	return (size + 7) & ~(size_t)7;
}

static void *enlarge(struct stream *stream, struct packet **at, size_t needed) {
	size_t space = (*at)->space;
	struct packet *larger;

	while (space < needed)
		space *= 2;
	larger = realloc(*at, sizeof *larger + space);
	if (!larger)
		return NULL;
	larger->space = space;
	*at = larger;
	stream->last = larger;
	return larger;
}

/* Who fills one fills more: the next has all the room at once, and is kept when it has been sent.
 */
static struct packet *next_packet(struct stream *stream, size_t size) {
	struct packet *packet = stream->spare;

	stream->spare = NULL;
	if (!packet && stream->last)
		packet = packet_new(size > PACKET_FULL ? size : PACKET_FULL);
	if (!packet)
		packet = packet_new(size > PACKET_FIRST ? size : PACKET_FIRST);
	return packet;
}

static void discard(struct stream *stream, struct packet *packet) {
	if (stream->spare || packet->space != PACKET_FULL) {
		free(packet);
		return;
	}
	*packet = (struct packet){ .space = packet->space };
	stream->spare = packet;
}

static bool send_all(struct stream *stream);

/* Room for so many bytes at the end of the last packet, or in a new one. What is full is sent,
 * while it is in the cache and before there has to be another. */
static void *reserve(struct stream *stream, size_t size) {
	struct packet *last = stream->last, **at = &stream->first;
	uint8_t *bytes;

	if (last && last->size + size > PACKET_FULL && !stream->stuck && !stream->broken)
		(void)send_all(stream);
	last = stream->last;
	if (last && last->size + size > PACKET_FULL)
		last = NULL;
	if (!last) {
		last = next_packet(stream, size);
		if (!last)
			return NULL;
		if (stream->last)
			stream->last->next = last;
		else
			stream->first = last;
		stream->last = last;
	}
	if (last->size + size > last->space) {
		while (*at && *at != last)
			at = &(*at)->next;
		last = *at ? enlarge(stream, at, last->size + size) : NULL;
		if (!last)
			return NULL;
	}
	bytes = last->bytes + last->size;
	last->size += size;
	last->records++;
	stream->waiting++;
	return bytes;
}

/* The record that was made last: most are for several readers. */
static union {
	struct usher_watch_record record;
	uint8_t bytes[sizeof(struct usher_watch_record) + 4L * PATH_MAX + 16];
} made;

static const char *made_of, *made_of_old;

static bool is_made(const struct happening *happening, uint32_t events, uint16_t kind) {
	return made.record.clock == happening->clock && made_of == happening->path &&
	       made_of_old == happening->old_path && made.record.kind == kind &&
	       made.record.path_length == happening->path_length && made.record.events == events &&
	       made.record.pid == (uint32_t)happening->pid;
}

static void make(const struct happening *happening, uint32_t events, size_t size, uint16_t kind,
		 uint16_t flags) {
	char *end;

	made.record = (struct usher_watch_record){
		.size = (uint32_t)size,
		.kind = kind,
		.flags = flags,
		.clock = happening->clock,
		.usec = happening->usec,
		.events = events,
		.pid = (uint32_t)happening->pid,
		.path_length = (uint32_t)happening->path_length,
		.old_path_length = (uint32_t)happening->old_path_length,
	};
	memset(made.bytes + size - 8, 0, 8);
	end = mempcpy(made.bytes + sizeof made.record, happening->path, happening->path_length);
	*end++ = '\0';
	if (happening->old_path)
		end = mempcpy(end, happening->old_path, happening->old_path_length);
	*end = '\0';
	made_of = happening->path;
	made_of_old = happening->old_path;
}

static int append(struct stream *stream, const struct happening *happening, uint32_t events,
		  uint16_t kind, uint16_t flags) {
	size_t size = record_size(happening);
	void *record;

	if (size > sizeof made)
		return -ENAMETOOLONG;
	if (!is_made(happening, events, kind))
		make(happening, events, size, kind, flags);
	record = reserve(stream, size);
	if (!record)
		return -ENOMEM;
	memcpy(record, made.bytes, size);
	return 0;
}

static void lose(struct stream *stream, const struct happening *happening) {
	stream->n_lost++;
	hints_add(&stream->lost, happening->path, happening_directory(happening), happening->clock);
	if (happening->old_path) {
		const struct happening from = { .path = happening->old_path,
						.path_length = happening->old_path_length };

		hints_add(&stream->lost, from.path, happening_directory(&from), happening->clock);
	}
}

void stream_put(struct stream *stream, const struct happening *happening, uint32_t events) {
	if (stream->broken)
		return;
	/* What comes after something that is lost is lost too until that has been said. */
	if (hints_any(&stream->lost) || stream->waiting >= stream->room ||
	    append(stream, happening, events, USHER_WATCH_EVENT,
		   happening->directory ? USHER_WATCH_DIRECTORY : 0) < 0)
		lose(stream, happening);
}

/* Once nothing waits before it. Without memory it is tried again. */
static void say(struct stream *stream, struct hints *hints, uint16_t kind) {
	struct happening happening = { .clock = hints->clock,
				       .usec = instant_date_usec(),
				       .path = "" };

	if (hints->all && append(stream, &happening, 0, USHER_WATCH_LOST, USHER_WATCH_ALL) < 0)
		return;
	while (hints->n > 0) {
		happening.path = hints->directory[hints->n - 1];
		happening.path_length = strlen(happening.path);
		if (append(stream, &happening, 0, kind, USHER_WATCH_DIRECTORY) < 0)
			return;
		free(hints->directory[--hints->n]);
	}
	hints_clear(hints);
}

/* False when the reader has to read first. */
static bool send_all(struct stream *stream) {
	while (stream->first) {
		struct packet *packet = stream->first;

		if (packet->size > 0 && send(stream->fd, packet->bytes, packet->size,
					     MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			stream->stuck = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
			stream->broken = !stream->stuck && errno != EINTR;
			return false;
		}
		stream->delivered += packet->records;
		stream->waiting -= packet->records;
		/* the last one is written to again, unless it has become large and nothing comes */
		if (packet == stream->last) {
			packet->size = packet->records = 0;
			break;
		}
		stream->first = packet->next;
		discard(stream, packet);
	}
	return true;
}

void stream_flush(struct stream *stream) {
	stream->stuck = false;
	if (stream->broken || !send_all(stream))
		return;
	if (!hints_any(&stream->lost) && !hints_any(&stream->rescan))
		return;
	say(stream, &stream->lost, USHER_WATCH_LOST);
	say(stream, &stream->rescan, USHER_WATCH_RESCAN);
	(void)send_all(stream);
}

bool stream_is_empty(const struct stream *stream) {
	return stream->waiting == 0 && !hints_any(&stream->lost) && !hints_any(&stream->rescan);
}

void stream_done(struct stream *stream) {
	while (stream->first) {
		struct packet *packet = stream->first;

		stream->first = packet->next;
		free(packet);
	}
	free(stream->spare);
	hints_clear(&stream->lost);
	hints_clear(&stream->rescan);
}
