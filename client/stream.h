/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records out of the stream of a watch: interfaces/watch-stream.h. */
#pragma once

#include "usher.h"

struct stream {
	int fd;          /* -1: there is none */
	uint8_t *packet; /* of USHER_WATCH_PACKET_MAX, from the first use on */
	size_t size, at;
};

#define STREAM_INIT \
	{ .fd = -1 }

/*
 * The next record that is known. 1; 0 if there is none now; -ENOTCONN when the stream has ended;
 * -EBADMSG for a packet that is none, of which nothing more is read; or another negative errno. The
 * paths live until the next call.
 */
int stream_next(struct stream *stream, struct usher_change *ret);

/* The same of what is in the packet already; for a packet that came by another way. */
int stream_parse(struct stream *stream, struct usher_change *ret);

void stream_done(struct stream *stream);
