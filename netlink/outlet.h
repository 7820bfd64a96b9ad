/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How rows leave for one who monitors: as packets of a socket, as fast as these are read; or as
 * reports to the broker, of which it makes signals, and which are few. Neither is waited for: what
 * finds no room is not put in yet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block.h"

struct outlet_packet;

struct outlet {
	int stream;     /* -1: by reports */
	int connection; /* to the broker */
	uint64_t number;
	struct block *block;
	struct outlet_packet *first, *last; /* that could not be sent yet */
	bool stuck;                         /* the reader has to read first */
	bool broken;                        /* there is none any more */
	bool muted;                         /* what is put in is not for anybody */
	uint64_t reported_rows;             /* of the block, when the last report went */
	bool marked;                        /* there is something else than rows in the next one */
	uint64_t owed_usec;                 /* reports up to this time have gone already */
};

/* Takes the stream, if there is one. 0 or a negative errno. */
int outlet_open(struct outlet *outlet, int stream, int connection, uint64_t number);
void outlet_close(struct outlet *outlet);

/* Whether something may be put into outlet->block. */
bool outlet_has_room(const struct outlet *outlet);
int outlet_put_gap(struct outlet *outlet, uint64_t lost);
int outlet_put_synced(struct outlet *outlet);
/* From then on it is (not) for anybody; types are described anew. */
int outlet_set_muted(struct outlet *outlet, bool muted);
/* Sends what there is room for. When it has to be called again, in microseconds of the monotonic
 * clock: UINT64_MAX when there is nothing left, or when the stream has room again. */
uint64_t outlet_flush(struct outlet *outlet, uint64_t now);
