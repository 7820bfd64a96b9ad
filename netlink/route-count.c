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

/* Hexadecimal numbers in a line, of which the fourth is that of routes. */
struct route_expectation route_count_expect(const struct route_count *count) {
	_cleanup_free_ char *text =
		count->table ? NULL : read_statistics("/proc/self/net/rt6_stats");
	struct route_expectation expected = { 0 };
	unsigned routes;

	expected.known = text && sscanf(text, "%*x %*x %*x %x", &routes) == 1;
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
