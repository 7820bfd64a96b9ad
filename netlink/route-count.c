/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "route-count.h"

#include <fcntl.h>
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

/* The kernel counts the ways of an IPv6 route as so many routes. */
static uint32_t count_ways(const struct nlmsghdr *message) {
	const uint8_t *at;
	size_t left;
	uint32_t n = 0;

	if (!netlink_attribute(NLMSG_DATA(message), message->nlmsg_len - NLMSG_HDRLEN,
			       sizeof(struct rtmsg), RTA_MULTIPATH, &at, &left))
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
	if (route->rtm_family == AF_INET)
		count->ipv4++;
	else if (route->rtm_family == AF_INET6)
		count->ipv6 += count_ways(message);
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

/* ---- IPv4: a paragraph a table ---- */

static uint32_t prefixes(const char *paragraph) {
	const char *line = strstr(paragraph, "Prefixes:");

	return line ? (uint32_t)strtoul(line + strlen("Prefixes:"), NULL, 10) : 0;
}

static uint32_t prefixes_of(const char *text, const char *heading) {
	const char *paragraph = strstr(text, heading);

	return paragraph ? prefixes(paragraph) : 0;
}

static int take_route(void *data, const struct nlmsghdr *message) {
	route_count_add(data, message);
	return 0;
}

struct table_request {
	struct nlmsghdr head;
	struct rtmsg route;
	struct nlattr attribute;
	uint32_t table;
};

/* None of these has so many ways that it could be overlooked. */
static uint32_t count_local(void) {
	struct table_request request = {
		.head = { .nlmsg_len = sizeof request, .nlmsg_type = RTM_GETROUTE },
		.route = { .rtm_family = AF_INET },
		.attribute = { .nla_len = sizeof request.attribute + sizeof request.table,
			       .nla_type = RTA_TABLE },
		.table = RT_TABLE_LOCAL,
	};
	struct route_count local = { 0 };
	struct exchange exchange;

	if (exchange_open(&exchange, NETLINK_ROUTE) == 0)
		(void)exchange_dump(&exchange, &request.head, take_route, &local);
	exchange_close(&exchange);
	return local.ipv4;
}

/* As long as there are no rules, the kernel has the tables main and local in one, and tells the
 * number of that for either. */
static bool are_one(const char *text) {
	return prefixes_of(text, "\nMain:\n") == prefixes_of(text, "\nLocal:\n");
}

static uint32_t expect_all(const char *text) {
	uint32_t n = prefixes_of(text, "\nMain:\n");

	if (!are_one(text))
		n += prefixes_of(text, "\nLocal:\n");
	for (const char *at = text; (at = strstr(at, "\nId ")); at++)
		n += prefixes(at);
	return n;
}

static uint32_t expect_table(const char *text, uint32_t table) {
	char heading[32];
	uint32_t all = prefixes_of(text, "\nMain:\n"), local;

	if (table == RT_TABLE_LOCAL)
		return are_one(text) ? 0 : prefixes_of(text, "\nLocal:\n");
	if (table == RT_TABLE_MAIN) {
		local = are_one(text) ? count_local() : 0;
		return all > local ? all - local : 0;
	}
	(void)snprintf(heading, sizeof heading, "\nId %u:\n", table);
	return prefixes_of(text, heading);
}

static void expect_ipv4(const struct route_count *count, struct route_expectation *ret) {
	_cleanup_free_ char *text = read_statistics("/proc/self/net/fib_triestat");

	ret->knows_ipv4 = text;
	if (text)
		ret->ipv4 = count->table ? expect_table(text, count->table) : expect_all(text);
}

/* ---- IPv6: hexadecimal numbers in a line, of which the fourth is that of routes ---- */

static void expect_ipv6(const struct route_count *count, struct route_expectation *ret) {
	_cleanup_free_ char *text =
		count->table ? NULL : read_statistics("/proc/self/net/rt6_stats");
	unsigned routes;

	ret->knows_ipv6 = text && sscanf(text, "%*x %*x %*x %x", &routes) == 1;
	if (ret->knows_ipv6)
		ret->ipv6 = routes;
}

/* ---- both ---- */

struct route_expectation route_count_expect(const struct route_count *count) {
	struct route_expectation expected = {
		.knows_ipv4 = count->family == AF_INET6,
		.knows_ipv6 = count->family == AF_INET,
	};

	if (count->family == 0 || count->family == AF_INET)
		expect_ipv4(count, &expected);
	if (count->family == 0 || count->family == AF_INET6)
		expect_ipv6(count, &expected);
	return expected;
}

enum route_count_result route_count_compare(const struct route_count *count,
					    const struct route_expectation *expected) {
	if (count->ipv4 < expected->ipv4 || count->ipv6 < expected->ipv6)
		return ROUTE_COUNT_SHORT;
	return expected->knows_ipv4 && expected->knows_ipv6 ? ROUTE_COUNT_WHOLE
							    : ROUTE_COUNT_UNKNOWN;
}
