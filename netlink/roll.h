/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who was told of in a dump, in its order, and who when it was asked for again. Sockets have a
 * number that is never another's, and the kernel goes on behind as many of a bucket of its table as
 * it had told of when a datagram was full: where one of those has gone meanwhile, the next is
 * passed over, and where one has come, the last is told twice. Nothing says so; but who was passed
 * over stands between two datagrams when all are called again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct roll_entry {
	uint64_t number;
	unsigned datagram;
};

/* Zeroed to begin with. */
struct roll {
	struct roll_entry *entries;
	size_t n;
};

/* 0 or -ENOMEM. */
int roll_add(struct roll *roll, uint64_t number, unsigned datagram);
/* Whether somebody may have been passed over, or has been told twice. 0 or -ENOMEM. */
int roll_compare(const struct roll *told, const struct roll *again, bool *ret_doubtful);
void roll_done(struct roll *roll);
