/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records out of the stream of a watch. The writer is trusted no further than its socket. */

#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How far the next record reaches, if it is one; 0. */
static size_t record_size(const uint8_t *bytes, size_t left) {
	struct usher_watch_record record;
	size_t paths;

	if (left < sizeof record)
		return 0;
	memcpy(&record, bytes, sizeof record);
	if (record.size < sizeof record || record.size % 8 != 0 || record.size > left)
		return 0;
	paths = record.size - sizeof record;
	/* What is behind the paths is from a time after ours. */
	if (record.kind < USHER_WATCH_EVENT || record.kind > USHER_WATCH_RESCAN)
		return record.size;
	if (paths < 2 || record.path_length > paths - 2 ||
	    record.old_path_length > paths - 2 - record.path_length)
		return 0;
	bytes += sizeof record;
	if (strnlen((const char *)bytes, paths) != record.path_length)
		return 0;
	bytes += record.path_length + 1;
	paths -= record.path_length + 1;
	return strnlen((const char *)bytes, paths) == record.old_path_length ? record.size : 0;
}

static void read_record(const uint8_t *bytes, struct usher_change *ret) {
	struct usher_watch_record record;
	const char *paths = (const char *)bytes + sizeof record;

	memcpy(&record, bytes, sizeof record);
	*ret = (struct usher_change){
		.kind = record.kind,
		.flags = record.flags,
		.events = record.events,
		.pid = record.pid,
		.clock = record.clock,
		.usec = record.usec,
		.path = paths,
		.old_path = paths + record.path_length + 1,
	};
}

int stream_parse(struct stream *stream, struct usher_change *ret) {
	while (stream->at < stream->size) {
		const uint8_t *record = stream->packet + stream->at;
		size_t size = record_size(record, stream->size - stream->at);

		if (size == 0) {
			stream->at = stream->size;
			return -EBADMSG;
		}
		stream->at += size;
		read_record(record, ret);
		if (ret->kind >= USHER_WATCH_EVENT && ret->kind <= USHER_WATCH_RESCAN)
			return 1;
	}
	return 0;
}

/* The next packet. 1, 0 if there is none yet, or a negative errno. */
static int receive(struct stream *stream) {
	ssize_t n;

	if (!stream->packet)
		stream->packet = malloc(USHER_WATCH_PACKET_MAX);
	if (!stream->packet)
		return -ENOMEM;
	stream->size = stream->at = 0;
	do
		n = recv(stream->fd, stream->packet, USHER_WATCH_PACKET_MAX,
			 MSG_DONTWAIT | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		return errno == ECONNRESET ? -ENOTCONN : -errno;
	if (n == 0)
		return -ENOTCONN;
	if (n > USHER_WATCH_PACKET_MAX)
		return -EBADMSG;
	stream->size = (size_t)n;
	return 1;
}

int stream_next(struct stream *stream, struct usher_change *ret) {
	int r;

	for (;;) {
		r = stream_parse(stream, ret);
		if (r != 0)
			return r;
		r = receive(stream);
		if (r <= 0)
			return r;
	}
}

void stream_done(struct stream *stream) {
	free(stream->packet);
	if (stream->fd >= 0)
		close(stream->fd);
	*stream = (struct stream)STREAM_INIT;
}
