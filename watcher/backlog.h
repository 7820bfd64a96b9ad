/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be told in a while: of the same event of the same path there is one, the latest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "happening.h"

struct pending {
	struct pending *next, *previous; /* in order */
	struct pending *same;            /* of those with the same hash */
	uint32_t hash;
	struct happening happening; /* one event; its paths are here */
	char paths[];
};

enum { BACKLOG_BUCKETS = 256 };

struct backlog {
	size_t n, room;
	uid_t uid; /* whose memory it is */
	struct pending *first, *last;
	struct pending **bucket; /* NULL: it is empty */
};

/* 0, -ENOBUFS or -ENOMEM; of several events those before may be there then. */
int backlog_add(struct backlog *backlog, const struct happening *happening);
/* Forgets the first so many. */
void backlog_drop(struct backlog *backlog, size_t n);
