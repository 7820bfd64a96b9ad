/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "route-count.h"

#include <fcntl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "decode.h"
#include "exchange.h"
#include "fd.h"

enum { STATISTICS_SIZE = 256 * 1024 };

/* The kernel counts the ways of an IPv6 route as so many routes, but those of a nexthop's number.
 */
static uint32_t count_ways(const struct nlmsghdr *message) {
	const uint8_t *body = NLMSG_DATA(message), *at;
	const size_t size = message->nlmsg_len - NLMSG_HDRLEN, fixed = sizeof(struct rtmsg);
	size_t left;
	uint32_t n = 0;

	if (netlink_attribute(body, size, fixed, RTA_NH_ID, &at, &left) ||
	    !netlink_attribute(body, size, fixed, RTA_MULTIPATH, &at, &left))
		return 1;
	while (left >= sizeof(struct rtnexthop)) {
		struct rtnexthop way;
		size_t whole;

		memcpy(&way, at, sizeof way);
		whole = RTNH_ALIGN((size_t)way.rtnh_len);
		if (way.rtnh_len < sizeof way || way.rtnh_len > left)
			break;
		n++;
		if (whole >= left)
			break;
		at += whole;
		left -= whole;
	}
	return n;
}

void route_count_add(struct route_count *count, const struct nlmsghdr *message) {
	const struct rtmsg *route = NLMSG_DATA(message);

	if (message->nlmsg_len < NLMSG_HDRLEN + sizeof *route)
		return;
	if (route->rtm_family == AF_INET6)
		count->n += count_ways(message);
}

/* All of a file of the namespace's; the caller frees. NULL if there is none. */
static char *read_statistics(const char *path) {
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(STATISTICS_SIZE);
	size_t used = 0;
	ssize_t n;

	if (!text)
		return NULL;
	while ((n = read(fd, text + used, STATISTICS_SIZE - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	return text;
}

/* Hexadecimal numbers in a line, of which the second is that of prefixes, and the fourth that of
 * routes to them. */
static bool read_routes(unsigned *ret_prefixes, unsigned *ret_routes) {
	_cleanup_free_ char *text = read_statistics("/proc/self/net/rt6_stats");

	return text && sscanf(text, "%*x %x %*x %x", ret_prefixes, ret_routes) == 2;
}

struct route_expectation route_count_expect(const struct route_count *count) {
	struct route_expectation expected = { 0 };
	unsigned prefixes, routes;

	expected.known = !count->table && read_routes(&prefixes, &routes);
	if (expected.known)
		expected.n = routes;
	return expected;
}

enum route_count_result route_count_compare(const struct route_count *count,
					    const struct route_expectation *expected) {
	if (count->n < expected->n)
		return ROUTE_COUNT_SHORT;
	return expected->known ? ROUTE_COUNT_WHOLE : ROUTE_COUNT_UNKNOWN;
}

/* ---- where a dump was of some of them ---- */

/* No way takes more than 2 KiB and some of a datagram of 32. */
enum { WAYS_MIN = 14 };

static int take_route(void *data, const struct nlmsghdr *message) {
	route_count_add(data, message);
	return 0;
}

static int take_group(void *data, const struct nlmsghdr *message) {
	bool *found = data;

	*found = true;
	return 1;
}

struct routes_request {
	struct nlmsghdr head;
	struct rtmsg route;
};

struct groups_request {
	struct nlmsghdr head;
	struct nhmsg nexthop;
	struct nlattr groups;
};

static int ask(struct nlmsghdr *request, exchange_each *each, void *data) {
	struct exchange exchange;
	int r = exchange_open(&exchange, NETLINK_ROUTE);

	if (r == 0)
		r = exchange_dump(&exchange, request, each, data);
	exchange_close(&exchange);
	return r;
}

/* Whether a route may be of many ways: several to one prefix, or by a group of nexthops. */
static bool may_be_large(unsigned prefixes, unsigned routes) {
	struct groups_request request = {
		.head = { .nlmsg_len = sizeof request, .nlmsg_type = RTM_GETNEXTHOP },
		.groups = { .nla_len = sizeof request.groups, .nla_type = NHA_GROUPS },
	};
	bool found = false;

	return routes >= prefixes + WAYS_MIN ||
	       (ask(&request.head, take_group, &found) == 0 && found);
}

int route_count_lacks(bool *ret) {
	struct routes_request request = {
		.head = { .nlmsg_len = sizeof request, .nlmsg_type = RTM_GETROUTE },
		.route = { .rtm_family = AF_INET6 },
	};
	struct route_count count = { 0 };
	unsigned prefixes, before, after;
	int r;

	*ret = false;
	if (!read_routes(&prefixes, &before) || !may_be_large(prefixes, before))
		return 0;
	r = ask(&request.head, take_route, &count);
	if (r == 0 && read_routes(&prefixes, &after))
		*ret = count.n < before && count.n < after;
	return r;
}
