/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records on their way to a reader, in packets. The reader's socket holds some of them and we a
 * bounded number; of what does not fit, the directories are remembered, and told when there is room
 * again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "happening.h"
#include "hints.h"

struct packet;

struct stream {
	int fd; /* borrowed; does not wait */
	struct packet *first, *last, *spare;
	size_t waiting, room; /* records; of bytes it is a multiple */
	struct hints lost, rescan;
	uint64_t delivered, n_lost;
	bool stuck; /* until the reader has read something */
	bool broken;
};

/* With so many of its events. The paths of two that have the same clock are the same if they are in
 * the same place. */
void stream_put(struct stream *stream, const struct happening *happening, uint32_t events);
/* Sends what can be sent. */
void stream_flush(struct stream *stream);
bool stream_is_empty(const struct stream *stream);
void stream_done(struct stream *stream);
