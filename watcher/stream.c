/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "instant.h"
#include "stock.h"

enum { PACKET_SPACE = 8192, RECORD_MAX = sizeof(struct usher_watch_record) + 4UL * PATH_MAX + 16 };

/* What a reader has to be waited for with. */
struct packet {
	struct packet *next;
	size_t size, space, records;
	uint8_t bytes[];
};

/* What all are told, until everybody has got what is theirs. */
static struct {
	size_t size;
	struct stream *readers;
	struct chorus *choruses;
	/* The record that was made last: most are for several readers. */
	size_t made, made_size;
	const char *made_of, *made_of_old;
	_Alignas(struct usher_watch_record) uint8_t bytes[USHER_WATCH_PACKET_MAX];
} script;

static size_t record_size(const struct happening *happening) {
	size_t size = sizeof(struct usher_watch_record) + happening->path_length +
		      happening->old_path_length + 2;

	return (size + 7) & ~(size_t)7;
}

/* ---- what waits for a reader ---- */

static bool send_packets(struct stream *stream);

/* Room for so many bytes behind what waits. What is full is sent before there has to be more. */
static uint8_t *reserve(struct stream *stream, size_t size, size_t records) {
	struct packet *last = stream->last;
	uint8_t *bytes;

	if (last && last->size + size > last->space && !stream->stuck && !stream->broken)
		(void)send_packets(stream);
	last = stream->last;
	if (!last || last->size + size > last->space) {
		size_t space = size > PACKET_SPACE ? size : PACKET_SPACE;

		last = stock_new(stream->uid, sizeof *last + space);
		if (!last)
			return NULL;
		*last = (struct packet){ .space = space };
		*(stream->last ? &stream->last->next : &stream->first) = last;
		stream->last = last;
	}
	bytes = last->bytes + last->size;
	last->size += size;
	last->records += records;
	return bytes;
}

static void fail(struct stream *stream) {
	stream->stuck = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
	stream->broken = !stream->stuck && errno != EINTR;
}

static void count(struct stream *stream, size_t records) {
	stream->delivered += records;
	stream->waiting -= records;
}

/* False when the reader has to read first. */
static bool send_packets(struct stream *stream) {
	while (stream->first) {
		struct packet *packet = stream->first;

		if (send(stream->fd, packet->bytes, packet->size, MSG_DONTWAIT | MSG_NOSIGNAL) <
		    0) {
			fail(stream);
			return false;
		}
		count(stream, packet->records);
		stream->first = packet->next;
		if (!stream->first)
			stream->last = NULL;
		stock_free(packet);
	}
	return true;
}

/* ---- what everybody is told ---- */

static void close_spans(struct stream *stream) {
	if (stream->n_spans == 0)
		return;
	stream->n_spans = stream->in_spans = 0;
	*stream->at = stream->next;
	if (stream->next)
		stream->next->at = stream->at;
	if (!script.readers && !script.choruses)
		script.size = script.made_size = 0;
}

static void hand_out(struct chorus *chorus);

static size_t gather(const struct stream *stream, struct iovec parts[static STREAM_SPANS]) {
	size_t size = 0;

	for (size_t i = 0; i < stream->n_spans; i++) {
		parts[i].iov_base = script.bytes + stream->span[i].from;
		parts[i].iov_len = stream->span[i].to - stream->span[i].from;
		size += parts[i].iov_len;
	}
	return size;
}

static uint64_t clock_at(uint32_t place) {
	const struct usher_watch_record *record = (const void *)(script.bytes + place);

	return record->clock;
}

/* Those that are too many, or cannot be sent now, are copied; false if they are lost. */
static bool keep_spans(struct stream *stream) {
	struct iovec parts[STREAM_SPANS];
	const size_t n = stream->n_spans;
	size_t size = gather(stream, parts);
	uint8_t *to = stream->broken ? NULL : reserve(stream, size, stream->in_spans);

	for (size_t i = 0; to && i < n; i++)
		to = mempcpy(to, parts[i].iov_base, parts[i].iov_len);
	if (!to) {
		stream->waiting -= stream->in_spans;
		stream->n_lost += stream->in_spans;
		hints_add_all(&stream->lost, clock_at(stream->span[0].from));
	}
	close_spans(stream);
	chorus_except(stream);
	return to != NULL;
}

static void send_spans(struct stream *stream) {
	struct iovec parts[STREAM_SPANS];
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = stream->n_spans };

	if (stream->n_spans == 0)
		return;
	(void)gather(stream, parts);
	if (stream->first || sendmsg(stream->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		if (!stream->first)
			fail(stream);
		(void)keep_spans(stream);
		return;
	}
	count(stream, stream->in_spans);
	close_spans(stream);
}

static bool is_made(const struct happening *happening, uint32_t events, uint16_t kind) {
	const struct usher_watch_record *made = (const void *)(script.bytes + script.made);

	return script.made_size > 0 && made->clock == happening->clock &&
	       script.made_of == happening->path && script.made_of_old == happening->old_path &&
	       made->kind == kind && made->path_length == happening->path_length &&
	       made->events == events && made->pid == (uint32_t)happening->pid;
}

static void make(const struct happening *happening, uint32_t events, size_t size, uint16_t kind,
		 uint16_t flags) {
	struct usher_watch_record *made;
	char *end;

	if (script.size + size > sizeof script.bytes) {
		while (script.choruses)
			hand_out(script.choruses);
		while (script.readers)
			send_spans(script.readers);
		script.size = 0; /* also when nobody had any of it */
	}
	made = (void *)(script.bytes + script.size);
	*made = (struct usher_watch_record){
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
	memset((uint8_t *)made + size - 8, 0, 8);
	end = mempcpy(made + 1, happening->path, happening->path_length);
	*end++ = '\0';
	if (happening->old_path)
		end = mempcpy(end, happening->old_path, happening->old_path_length);
	*end = '\0';
	script.made = script.size;
	script.made_size = size;
	script.made_of = happening->path;
	script.made_of_old = happening->old_path;
	script.size += size;
}

/* Some records, behind the others that are told to this one. */
static void extend(struct stream *stream, uint32_t from, uint32_t to, uint32_t records) {
	size_t last = stream->n_spans;

	if (last > 0 && stream->span[last - 1].to == from) {
		stream->span[last - 1].to = to;
	} else {
		if (last == 0) {
			stream->next = script.readers;
			stream->at = &script.readers;
			if (stream->next)
				stream->next->at = &stream->next;
			script.readers = stream;
		}
		stream->span[last].from = from;
		stream->span[last].to = to;
		stream->n_spans++;
	}
	stream->in_spans += records;
	stream->waiting += records;
}

/* What is behind packets that wait is a packet, too. */
static int copy(struct stream *stream, uint32_t from, uint32_t to, uint32_t records) {
	uint8_t *bytes = reserve(stream, to - from, records);

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, script.bytes + from, to - from);
	stream->waiting += records;
	return 0;
}

static int add(struct stream *stream, uint32_t from, uint32_t to, uint32_t records) {
	if (stream->n_spans == STREAM_SPANS && stream->span[STREAM_SPANS - 1].to != from &&
	    !keep_spans(stream))
		return -ENOMEM;
	if (stream->first)
		return copy(stream, from, to, records);
	extend(stream, from, to, records);
	return 0;
}

static int append(struct stream *stream, const struct happening *happening, uint32_t events,
		  uint16_t kind, uint16_t flags) {
	size_t size = record_size(happening);

	if (size > RECORD_MAX)
		return -ENAMETOOLONG;
	if (!is_made(happening, events, kind))
		make(happening, events, size, kind, flags);
	return add(stream, (uint32_t)script.made, (uint32_t)(script.made + size), 1);
}

static size_t room_of(const struct stream *stream) {
	return stream->room > stream->waiting ? stream->room - stream->waiting : 0;
}

static void lose(struct stream *stream, const struct happening *happening) {
	chorus_except(stream);
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
	if (stream->chorus)
		hand_out(stream->chorus);
	/* What comes after something that is lost is lost too until that has been said. */
	if (hints_any(&stream->lost) || stream->waiting >= stream->room ||
	    append(stream, happening, events, USHER_WATCH_EVENT,
		   happening->directory ? USHER_WATCH_DIRECTORY : 0) < 0)
		lose(stream, happening);
	if (stream->chorus && room_of(stream) < stream->chorus->room)
		stream->chorus->room = room_of(stream);
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

void stream_flush(struct stream *stream) {
	if (stream->chorus) {
		hand_out(stream->chorus);
		stream->chorus->ready = stream->chorus->silent = false;
	}
	stream->stuck = false;
	if (stream->broken || !send_packets(stream))
		return;
	if (hints_any(&stream->lost) || hints_any(&stream->rescan)) {
		say(stream, &stream->lost, USHER_WATCH_LOST);
		say(stream, &stream->rescan, USHER_WATCH_RESCAN);
	}
	send_spans(stream);
}

bool stream_is_empty(const struct stream *stream) {
	return stream->waiting == 0 && !(stream->chorus && stream->chorus->records > 0) &&
	       !hints_any(&stream->lost) && !hints_any(&stream->rescan);
}

void stream_done(struct stream *stream) {
	chorus_leave(stream);
	close_spans(stream);
	while (stream->first) {
		struct packet *packet = stream->first;

		stream->first = packet->next;
		stock_free(packet);
	}
	hints_clear(&stream->lost);
	hints_clear(&stream->rescan);
}

/* ---- several at once ---- */

int chorus_join(struct chorus *chorus, struct stream *stream) {
	struct stream **more = reallocarray(chorus->member, chorus->n + 1, sizeof *more);

	if (!more)
		return -ENOMEM;
	chorus->member = more;
	hand_out(chorus);
	chorus->ready = false;
	more[chorus->n++] = stream;
	stream->chorus = chorus;
	return 0;
}

void chorus_leave(struct stream *stream) {
	struct chorus *chorus = stream->chorus;
	size_t i = 0;

	if (!chorus)
		return;
	hand_out(chorus);
	chorus->ready = false;
	while (chorus->member[i] != stream)
		i++;
	chorus->member[i] = chorus->member[--chorus->n];
	stream->chorus = NULL;
	if (chorus->n > 0)
		return;
	free(chorus->member);
	chorus->member = NULL;
}

/* Each gets by itself what all have been told. */
static void hand_out(struct chorus *chorus) {
	const uint32_t records = chorus->records;

	if (records == 0)
		return;
	chorus->records = 0;
	chorus->room -= records;
	for (size_t i = 0; i < chorus->n; i++) {
		struct stream *stream = chorus->member[i];

		if (add(stream, chorus->from, chorus->to, records) == 0)
			continue;
		stream->n_lost += records;
		hints_add_all(&stream->lost, clock_at(chorus->from));
		chorus_except(stream);
	}
	*chorus->at = chorus->next;
	if (chorus->next)
		chorus->next->at = chorus->at;
}

static bool can_be_told(const struct stream *stream) {
	return !stream->alone && !stream->broken && !stream->stuck && !stream->first &&
	       !hints_any(&stream->lost);
}

static bool get_ready(struct chorus *chorus) {
	chorus->room = SIZE_MAX;
	for (size_t i = 0; i < chorus->n && !chorus->silent; i++) {
		const struct stream *stream = chorus->member[i];

		chorus->silent = !can_be_told(stream);
		if (room_of(stream) < chorus->room)
			chorus->room = room_of(stream);
	}
	chorus->ready = !chorus->silent;
	return chorus->ready;
}

static bool put(struct chorus *chorus, const struct happening *happening, uint32_t events,
		uint16_t kind, uint16_t flags) {
	size_t size = record_size(happening);
	uint32_t made;

	if (chorus->silent || size > RECORD_MAX || (!chorus->ready && !get_ready(chorus)) ||
	    chorus->records >= chorus->room)
		return false;
	if (!is_made(happening, events, kind))
		make(happening, events, size, kind, flags);
	/* to make room for it may have failed with one of them */
	made = (uint32_t)script.made;
	if (chorus->records > 0 && chorus->to != made)
		hand_out(chorus);
	if (!chorus->ready)
		return false;
	if (chorus->records == 0) {
		chorus->from = made;
		chorus->next = script.choruses;
		chorus->at = &script.choruses;
		if (chorus->next)
			chorus->next->at = &chorus->next;
		script.choruses = chorus;
	}
	chorus->to = made + (uint32_t)size;
	chorus->records++;
	return true;
}

bool chorus_put(struct chorus *chorus, const struct happening *happening, uint32_t events) {
	return put(chorus, happening, events, USHER_WATCH_EVENT,
		   happening->directory ? USHER_WATCH_DIRECTORY : 0);
}

bool chorus_put_rescan(struct chorus *chorus, const char *directory, size_t length,
		       uint64_t clock) {
	const struct happening happening = { .clock = clock,
					     .usec = instant_date_usec(),
					     .path = directory,
					     .path_length = length };

	return put(chorus, &happening, 0, USHER_WATCH_RESCAN, USHER_WATCH_DIRECTORY);
}

void chorus_except(struct stream *stream) {
	if (!stream->chorus)
		return;
	hand_out(stream->chorus);
	stream->chorus->ready = false;
	stream->chorus->silent = true;
}
