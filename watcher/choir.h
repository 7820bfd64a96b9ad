/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches that are told the same: of one directory, of what may be seen by one set of rights, and
 * by streams. What has happened is judged, and put into packets, once for all of them; the kernel
 * copies it for each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "happening.h"
#include "stream.h"

struct watch;
struct watcher;

struct choir {
	struct stream stream; /* without a descriptor: its packets go to those of the watches */
	struct watch **watch;
	size_t n;    /* two at least */
	bool strays; /* some have something of their own that waits */
};

/* Whether two of the same eyes are told the same. */
bool choir_suits(const struct watch *watch, const struct watch *other);
/* 0 or -ENOMEM. */
int choir_join(struct watch *watch, struct watch *other);
/* What it has been told by then it gets. A watch that is left alone is in none. */
void choir_leave(struct watch *watch);

/* Whether that can be told to all at once; else, each is told by itself, after what all were. */
bool choir_tell(struct choir *choir, const struct happening *happening, uint32_t events);
/* Hands what has been told on to each of them. */
void choir_flush(struct choir *choir);
