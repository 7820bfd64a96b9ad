/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "snapshot.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "encode.h"
#include "request.h"

/* ---- the links, of what is told of one link only ---- */

static int take_link(void *data, const struct nlmsghdr *message) {
	struct snapshot *snapshot = data;
	const struct ifinfomsg *link = NLMSG_DATA(message);
	uint32_t *more;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof *link))
		return 0;
	more = reallocarray(snapshot->links, snapshot->n_links + 1, sizeof *more);
	if (!more)
		return -ENOMEM;
	snapshot->links = more;
	more[snapshot->n_links++] = (uint32_t)link->ifi_index;
	return 0;
}

static int list_links(struct snapshot *snapshot) {
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
		struct rtattr attribute;
		uint32_t mask;
	} request = {
		.head = { .nlmsg_len = sizeof request,
			  .nlmsg_type = RTM_GETLINK,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.attribute = { .rta_len = RTA_LENGTH(sizeof request.mask),
			       .rta_type = IFLA_EXT_MASK },
		.mask = RTEXT_FILTER_SKIP_STATS,
	};
	struct exchange exchange;
	int r = exchange_open(&exchange, NETLINK_ROUTE);

	if (r == 0)
		r = exchange_dump(&exchange, &request.head, take_link, snapshot);
	snapshot->interrupted = snapshot->interrupted || (r == 0 && exchange.interrupted);
	exchange_close(&exchange);
	return r;
}

/* ---- one dump after the other ---- */

int snapshot_begin(struct snapshot *snapshot) {
	snapshot_end(snapshot);
	snapshot->interrupted = false;
	snapshot->pass = (struct netlink_pass){ 0 };
	return snapshot->type->by_link ? list_links(snapshot) : 0;
}

/* 1: there is one; 0: there are no more; or a negative errno. */
static int choose_pass(struct snapshot *snapshot) {
	if (!snapshot->type->by_link)
		return 1;
	if (snapshot->n_links == 0)
		return 0;
	snapshot->pass.ifindex = snapshot->links[snapshot->n_links - 1];
	return 1;
}

/* 0, a negative errno, or 1: there is no such pass. */
static int begin_dump(struct snapshot *snapshot) {
	static struct encoding encoding;
	static _Alignas(8) uint8_t request[4096];
	int r = request_build(&encoding, request, sizeof request, snapshot->selection,
			      snapshot->type, snapshot->names, &snapshot->pass);

	if (r == 0)
		r = exchange_open(&snapshot->exchange, snapshot->type->protocol);
	if (r != 0)
		return r;
	r = exchange_begin(&snapshot->exchange, (struct nlmsghdr *)request);
	if (r < 0)
		exchange_close(&snapshot->exchange);
	snapshot->dumping = r == 0;
	return r;
}

static void end_dump(struct snapshot *snapshot) {
	snapshot->interrupted = snapshot->interrupted || snapshot->exchange.interrupted;
	exchange_close(&snapshot->exchange);
	snapshot->dumping = false;
}

/* The next one is of the same link, or else of the next link. One that is not there has none: also
 * where the filter names it, and waits for it to come. */
static int next_pass(struct snapshot *snapshot) {
	int r = choose_pass(snapshot);

	if (r <= 0)
		return r;
	r = begin_dump(snapshot);
	if (r == 0)
		return 1;
	if (r < 0 && r != -ENODEV)
		return r;
	if (!snapshot->type->by_link)
		return 0;
	snapshot->n_links--;
	snapshot->pass = (struct netlink_pass){ 0 };
	return 1;
}

/* A link has gone meanwhile, or the kernel has none of these: nothing is missing then. */
static bool is_nothing(const struct snapshot *snapshot, int r) {
	return (r == -ENODEV && snapshot->type->by_link) ||
	       (snapshot->pass.optional && (r == -ENOENT || r == -EINVAL || r == -EOPNOTSUPP));
}

int snapshot_step(struct snapshot *snapshot, exchange_each *each, void *data) {
	int r;

	if (!snapshot->dumping)
		return next_pass(snapshot);
	r = exchange_step(&snapshot->exchange, MSG_DONTWAIT, each, data);
	if (r > 0 || r == -EAGAIN)
		return 1;
	if (r < 0 && !is_nothing(snapshot, r))
		return r;
	end_dump(snapshot);
	if (snapshot->type->by_link || snapshot->type->request) {
		snapshot->pass.number++;
		return 1;
	}
	return 0;
}

void snapshot_end(struct snapshot *snapshot) {
	if (snapshot->dumping)
		end_dump(snapshot);
	free(snapshot->links);
	snapshot->links = NULL;
	snapshot->n_links = 0;
}
