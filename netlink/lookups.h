/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sockets of lookups, because to make one takes longer than to ask by it: that of the network
 * namespace where the reader is, and that of the other one where somebody looked something up last,
 * for a moment. For no longer, since it keeps the namespace alive when its owner has deleted it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "exchange.h"

struct lookups {
	struct exchange own, other;
	dev_t device; /* the other namespace */
	ino_t inode;
	uint64_t until_usec;
};

void lookups_begin(struct lookups *lookups);
/* That of a namespace: closed, if it is not there yet, to be opened in there. One of another
 * namespace is closed. */
struct exchange *lookups_of(struct lookups *lookups, const struct stat *namespace);
/* Closes what has been kept long enough. When that has to be looked at next; UINT64_MAX: nothing is
 * kept. */
uint64_t lookups_end_late(struct lookups *lookups, uint64_t now_usec);
