/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "consistency.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "decode.h"
#include "fd.h"

enum { EVENTS_SIZE = 32 * 1024 };

static int join(int fd, const uint32_t *groups) {
	for (; *groups; groups++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, groups, sizeof *groups) < 0)
			return -errno;
	return 0;
}

/* The kernel tells nothing to who has no number, which comes with bind(2). */
static int listen_to(const struct netlink_type *type) {
	const struct sockaddr_nl own = { .nl_family = AF_NETLINK };
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, type->protocol);
	int r;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof own) < 0)
		return -errno;
	r = join(fd, type->groups);
	return r < 0 ? r : fd_take(&fd);
}

/* A field by whose filter the kernel divides a table, if the filter has one value. */
static const struct netlink_field *divider(const struct netlink_type *type,
					   const struct selection *selection, const char *name,
					   uint64_t *ret) {
	const struct netlink_field *field = netlink_field_find(&type->schema, name);
	const struct selection_value *value;

	if (!field || field->filtered != NETLINK_FILTERED_BY_KERNEL)
		return NULL;
	value = selection_value(selection, type, name);
	if (!value)
		return NULL;
	*ret = value->number;
	return field;
}

/* What the kernel leaves out by other filters is not counted. */
static bool is_filtered_otherwise(const struct consistency *consistency) {
	const struct netlink_field *field = consistency->type->schema.fields;

	for (; field->name; field++)
		if (selection_by_kernel(consistency->selection, consistency->type, field->name) &&
		    strcmp(field->name, "family") != 0 && strcmp(field->name, "table") != 0)
			return true;
	return false;
}

int consistency_begin(struct consistency *consistency, const struct netlink_type *type,
		      const struct selection *selection, bool listen) {
	uint64_t number = 0;

	*consistency = (struct consistency){ .type = type, .selection = selection, .events = -1 };
	if (divider(type, selection, "family", &number))
		consistency->family = (uint8_t)number;
	consistency->table_field = divider(type, selection, "table", &number);
	if (consistency->table_field)
		consistency->table = (uint32_t)number;
	consistency->of_routes = type->protocol == NETLINK_ROUTE && type->get == RTM_GETROUTE;
	consistency->routes = consistency_routes(consistency);
	if (!listen || type->flags_interruption || !type->groups)
		return 0;
	consistency->events = listen_to(type);
	return consistency->events < 0 ? consistency->events : 0;
}

/* Whether it is about the part of the table that was read. What was cut off is taken to be. */
bool consistency_concerns(const struct consistency *consistency, const struct nlmsghdr *message,
			  size_t size) {
	const uint8_t *header = (const uint8_t *)NLMSG_DATA(message), *payload;
	size_t n, header_size;
	uint32_t table;

	if (message->nlmsg_type != consistency->type->new &&
	    message->nlmsg_type != consistency->type->del)
		return false;
	header_size = size - NLMSG_HDRLEN;
	if (message->nlmsg_len > size || header_size < consistency->type->header)
		return true;
	header_size = message->nlmsg_len - NLMSG_HDRLEN;
	if (consistency->family != 0 && header[0] != consistency->family)
		return false;
	if (consistency->type->is_one && !consistency->type->is_one(header, header_size))
		return false;
	if (!consistency->table_field ||
	    !netlink_attribute(header, header_size, consistency->type->header,
			       consistency->table_field->at, &payload, &n) ||
	    n < sizeof table)
		return true;
	memcpy(&table, payload, sizeof table);
	return table == consistency->table;
}

/* An event is a datagram. If there was no room for one, who knows what it was about. */
static bool was_disturbed(const struct consistency *consistency) {
	uint8_t bytes[EVENTS_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *message = (const void *)bytes;

	for (;;) {
		ssize_t n = recv(consistency->events, bytes, sizeof bytes, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno != EAGAIN;
		if ((size_t)n >= sizeof *message &&
		    consistency_concerns(consistency, message, (size_t)n))
			return true;
	}
}

/* A dump of routes of all families does not end without a word; of which IPv4 is the first. */
static bool must_count(const struct consistency *consistency) {
	return consistency->of_routes && consistency->family == AF_INET6;
}

bool consistency_is_past(const struct consistency *consistency, const struct nlmsghdr *message) {
	const struct rtmsg *route = NLMSG_DATA(message);

	return consistency->of_routes && consistency->family == AF_INET &&
	       message->nlmsg_len >= NLMSG_LENGTH(sizeof *route) && route->rtm_family != AF_INET;
}

bool consistency_may_count(const struct consistency *consistency) {
	return consistency->of_routes && !is_filtered_otherwise(consistency);
}

bool consistency_is_uncounted(const struct consistency *consistency) {
	return must_count(consistency) &&
	       (consistency->table != 0 || is_filtered_otherwise(consistency));
}

struct route_count consistency_routes(const struct consistency *consistency) {
	return (struct route_count){ .table = consistency->table };
}

void consistency_count(struct consistency *consistency, const struct nlmsghdr *message) {
	if (must_count(consistency))
		route_count_add(&consistency->routes, message);
}

const char *consistency_judge(struct consistency *consistency, unsigned datagrams) {
	struct route_expectation expected;
	/* What came at once was not resumed anywhere; but a table of neighbours may have been
	 * enlarged under the one who reads it. */
	bool at_once = datagrams <= 1 && consistency->type->get != RTM_GETNEIGH;

	if (consistency->events >= 0 && was_disturbed(consistency) && !at_once)
		return "it changed while it was read";
	if (!must_count(consistency) || !consistency_may_count(consistency))
		return NULL;
	expected = route_count_expect(&consistency->routes);
	return route_count_compare(&consistency->routes, &expected) == ROUTE_COUNT_SHORT
		       ? "the kernel has more routes than it told"
		       : NULL;
}

void consistency_end(struct consistency *consistency) {
	if (consistency->type)
		fd_closep(&consistency->events);
	consistency->type = NULL;
}
