/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Routes, counted beside the kernel's own statistics: one that fits into no datagram ends a dump as
 * if there were no more. Of dumps that the kernel has filtered by more than the family and the
 * table nothing can be said.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

struct route_count {
	uint8_t family; /* of which the dump is; 0: both */
	uint32_t table; /* 0: all of them */
	uint32_t ipv4, ipv6;
};

/* For each message of the dump. */
void route_count_add(struct route_count *count, const struct nlmsghdr *message);
/* Whether there are more than were counted, in the namespace that the process is in. */
bool route_count_is_short(const struct route_count *count);
