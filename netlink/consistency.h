/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether what the kernel told is all there is. It says so itself of some tables, when they have
 * changed between two datagrams of a dump. Of the others (routes, rules, neighbours) it says
 * nothing, and goes on where it believes that it was; so somebody has to listen meanwhile whether
 * they change. And IPv6 routes are counted where only they are asked for: one that fits into no
 * datagram ends such a dump as if there were no more.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "route-count.h"
#include "schema.h"
#include "selection.h"

struct consistency {
	const struct netlink_type *type;
	const struct selection *selection;
	int events; /* a socket that hears of changes; -1: none */
	/* Of the filters the kernel goes by those that divide the table: only what is there can
	 * disturb. 0: anywhere. */
	uint8_t family;
	uint32_t table;
	const struct netlink_field *table_field;
	bool of_routes;
	struct route_count routes;
};

/* Before the dump, in its namespace; changes are heard of only if somebody wants to know. 0 or a
 * negative errno. */
int consistency_begin(struct consistency *consistency, const struct netlink_type *type,
		      const struct selection *selection, bool listen);
/* Whether a message of it comes behind all that was asked for. */
bool consistency_is_past(const struct consistency *consistency, const struct nlmsghdr *message);
/* For each other message of it that is of the type. */
void consistency_count(struct consistency *consistency, const struct nlmsghdr *message);
/* Whether a change that was told of, of so many bytes, is one of what the dump is of. */
bool consistency_concerns(const struct consistency *consistency, const struct nlmsghdr *message,
			  size_t size);
/* Whether routes may be counted: what the kernel leaves out by other filters is not. And the count
 * to begin with. */
bool consistency_may_count(const struct consistency *consistency);
struct route_count consistency_routes(const struct consistency *consistency);
/* Whether they would have to be counted and cannot. */
bool consistency_is_uncounted(const struct consistency *consistency);
/* After the dump, which took so many datagrams: what makes it doubtful, or NULL. */
const char *consistency_judge(struct consistency *consistency, unsigned datagrams);
/* Fine also without a begin, of one that is zeroed, and twice. */
void consistency_end(struct consistency *consistency);
