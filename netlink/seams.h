/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where one datagram of a dump of IPv4 routes ended and the next one began. The kernel goes on at
 * the address that it was at, and there behind as many routes as it had told of it: only if one to
 * that very address has gone meanwhile may another have been passed over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;
struct seam;

/* Of addresses in the order of the dump; zeroed to begin with. */
struct seams {
	struct seam *seams;
	uint32_t *gone; /* addresses of routes that have gone, sorted, each once */
	size_t n, n_gone, gone_max;
	uint32_t last; /* of the last row so far, */
	unsigned at;   /* and the number of its datagram */
	bool begun;
};

/* Of what happens from now on, in another dump. */
void seams_begin(struct seams *seams);
/* Each row, and its datagram's number. 0 or -ENOMEM. */
int seams_row(struct seams *seams, unsigned datagram, const struct nlmsghdr *message);
/* The end of the dump, which came behind the last row's datagram or in it. 0 or -ENOMEM. */
int seams_end(struct seams *seams, bool alone);
/* Each route of which it is told that it has gone, of any table. 0 or -ENOMEM. */
int seams_gone(struct seams *seams, const struct nlmsghdr *message);
/* Whether one that has gone was at one. */
bool seams_may_hide(const struct seams *seams);
void seams_done(struct seams *seams);
