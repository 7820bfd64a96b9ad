/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * IPv6 routes, counted beside the kernel's own statistics: one that fits into no datagram ends a
 * dump as if there were no more, and others may be passed over when one goes. Of a dump that the
 * kernel has filtered by more than the family it can only be said that there may be such a one.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

struct route_count {
	uint32_t table; /* of which the dump is; 0: of all of them */
	uint32_t n;
};

/* For each message of the dump, of any family. */
void route_count_add(struct route_count *count, const struct nlmsghdr *message);

enum route_count_result {
	ROUTE_COUNT_UNKNOWN, /* the kernel does not say how many there are */
	ROUTE_COUNT_WHOLE,
	ROUTE_COUNT_SHORT, /* there are more than were counted */
};

/* How many there are, as the kernel says. */
struct route_expectation {
	bool known;
	uint32_t n;
};

/* At this moment, in the namespace that the process is in. */
struct route_expectation route_count_expect(const struct route_count *count);
enum route_count_result route_count_compare(const struct route_count *count,
					    const struct route_expectation *expected);
/* Whether there is a route that the kernel does not tell even to who asks for all of them: so one
 * may have ended a dump that was of some. Asks for all only if there can be one. 0 or -errno. */
int route_count_lacks(bool *ret);
