/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records on their way to a reader, in packets. What is told is written once, for all readers, and
 * each keeps which parts of it are for it, until they are sent. What a reader's socket does not
 * take is copied, up to a bounded number of records; of what does not fit, the directories are
 * remembered, and told when there is room again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "happening.h"
#include "hints.h"

struct packet;
struct stream;

enum { STREAM_SPANS = 4 };

/* Streams whose readers are told the same, mostly: what goes to all of them is noted once. Each
 * keeps it by itself as soon as anything else happens to one of them. */
struct chorus {
	struct stream **member;
	size_t n;
	uint32_t from, to, records; /* of what has been told */
	size_t room;                /* of who has the least, records */
	bool ready, silent; /* each can be told; not to be tried before what is told is sent */
	struct chorus *next, **at; /* of those that have any records */
};

/* What each record needs comes first: of many readers, all of it is to be in the cache at once. */
struct stream {
	int fd;     /* borrowed; does not wait */
	bool stuck; /* until the reader has read something */
	bool broken;
	size_t waiting, room; /* records; of both that follow */
	struct packet *first, *last;
	uint32_t n_spans, in_spans; /* records */
	struct chorus *chorus;      /* NULL: none */
	bool alone;                 /* something waits that is not in here */

	struct {
		uint32_t from, to;
	} span[STREAM_SPANS]; /* of what has been told, behind the packets, that was not sent yet */
	struct hints lost, rescan;
	struct stream *next, **at; /* of those that have any spans */
	uint64_t delivered, n_lost;
	uid_t uid; /* whose memory it is that waits */
};

/* With so many of its events. The paths of two that have the same clock are the same if they are in
 * the same place. */
void stream_put(struct stream *stream, const struct happening *happening, uint32_t events);
/* Sends what can be sent. */
void stream_flush(struct stream *stream);
bool stream_is_empty(const struct stream *stream);
void stream_done(struct stream *stream);

/* 0 or -ENOMEM. */
int chorus_join(struct chorus *chorus, struct stream *stream);
void chorus_leave(struct stream *stream);
/* As stream_put() of each member; false if that is to be called, and nothing has happened. */
bool chorus_put(struct chorus *chorus, const struct happening *happening, uint32_t events);
/* The same of a directory in which something has changed that cannot be told by name. */
bool chorus_put_rescan(struct chorus *chorus, const char *directory, size_t length, uint64_t clock);
/* This one is told by itself until what it has been told is sent, and while it is alone. */
void chorus_except(struct stream *stream);
