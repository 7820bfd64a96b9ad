/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "join.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "instant.h"

/* What is heard is fetched before there is no room for it. */
enum { ROWS_MAX = 256 << 20, ROWS_BETWEEN = 64, SETTLE_MAX = 64 };

/* Who hears more slowly than others change it would hear for ever. */
static const uint64_t hearing_max_usec = 500000;

static const char changed[] = "it changed while it was read";

bool join_can(const struct netlink_type *type) {
	return type->protocol == NETLINK_ROUTE && type->groups && type->keys && type->each == 0 &&
	       !type->by_link && !type->lookup_only && !type->flags_interruption;
}

/* ---- what changes ---- */

static bool is_of_routes(const struct join *join) {
	return join->consistency->of_routes;
}

static void forget(void *data, const struct nlmsghdr *message) {
}

/* What was heard for another join. */
static int hush(struct join *join) {
	const uint64_t none[2] = { 0 };
	int r = listener_choose(join->listener, none);

	if (r < 0)
		return r;
	do
		r = listener_hear(join->listener, forget, NULL);
	while (r == 1 || r == -ENOBUFS || r == -EMSGSIZE);
	return r;
}

static int choose_groups(struct join *join) {
	uint64_t groups[2] = { 0 };

	for (const uint32_t *group = join->consistency->type->groups; *group; group++)
		groups[*group / 64] |= UINT64_C(1) << *group % 64;
	if (is_of_routes(join))
		groups[0] |= UINT64_C(1) << RTNLGRP_LINK | UINT64_C(1) << RTNLGRP_IPV4_IFADDR |
			     UINT64_C(1) << RTNLGRP_NEXTHOP;
	return listener_choose(join->listener, groups);
}

/* IPv4 routes through these go without a word. */
static bool takes_others_along(const struct nlmsghdr *message) {
	const struct ifinfomsg *link = NLMSG_DATA(message);

	switch (message->nlmsg_type) {
	case RTM_DELLINK:
	case RTM_DELADDR:
	case RTM_DELNEXTHOP: return true;
	case RTM_NEWLINK:
		return message->nlmsg_len < NLMSG_LENGTH(sizeof *link) ||
		       !(link->ifi_flags & IFF_UP);
	default: return false;
	}
}

static uint8_t family_of(const struct nlmsghdr *message) {
	return *(const uint8_t *)NLMSG_DATA(message);
}

static void note_change(struct join *join, const struct nlmsghdr *message, bool there) {
	const uint8_t *key;
	size_t key_size;
	int r = identity_key(join->identity, message, &key, &key_size);

	if (r == 0 && key_size == 0)
		r = -EBADMSG;
	if (r == 0)
		r = news_put(&join->changes, join->identity->type,
			     there ? USHER_NETLINK_NEW : USHER_NETLINK_DEL, key, key_size,
			     (const uint8_t *)message, message->nlmsg_len);
	if (r == -EBADMSG)
		join->lost = true;
	else if (r < 0)
		join->failed = r;
	if (there || (is_of_routes(join) && family_of(message) == AF_INET))
		return;
	join->removed = true;
	/* of others nobody knows how many there are */
	if (is_of_routes(join) && family_of(message) != AF_INET6)
		join->vanished = true;
}

/* Of other tables, too: those that the kernel keeps in one are passed over for each other. */
static void note_gone(struct join *join, const struct nlmsghdr *message) {
	int r = message->nlmsg_type == RTM_DELROUTE ? seams_gone(&join->seams, message) : 0;

	if (r < 0)
		join->failed = r;
}

static void note(void *data, const struct nlmsghdr *message) {
	struct join *join = data;
	bool there;

	if (is_of_routes(join)) {
		join->vanished = join->vanished || takes_others_along(message);
		note_gone(join, message);
	}
	if (!consistency_concerns(join->consistency, message, message->nlmsg_len) ||
	    !identity_concerns(join->identity, message, &there))
		return;
	/* what it has replaced is another object, which is not told to have gone */
	if (there && message->nlmsg_flags & NLM_F_REPLACE)
		join->vanished = true;
	note_change(join, message, there);
}

static int hear(struct join *join) {
	uint64_t began = instant_usec(), until;
	int r = 0;

	if (join->lost)
		return join->failed;
	until = began + hearing_max_usec - join->hearing_usec;
	do
		r = listener_hear(join->listener, note, join);
	while (r == 1 && instant_usec() < until);
	join->hearing_usec += instant_usec() - began;
	if (r == 1 || r == -ENOBUFS || r == -EMSGSIZE || join->hearing_usec > hearing_max_usec) {
		join->lost = true;
		r = 0;
	}
	return r < 0 ? r : join->failed;
}

/* ---- the dump ---- */

int join_begin(struct join *join, const struct consistency *consistency,
	       struct listener *listener) {
	int r;

	*join = (struct join){ .consistency = consistency, .listener = listener };
	r = hush(join);
	if (r == 0)
		r = choose_groups(join);
	if (r == 0)
		r = news_init(&join->rows);
	if (r == 0)
		r = news_init(&join->changes);
	return r < 0 ? r : identity_get(&join->identities, consistency->type, &join->identity);
}

void join_anew(struct join *join) {
	seams_begin(&join->seams);
	join->removed = false;
}

int join_take(struct join *join, unsigned datagram, const struct nlmsghdr *message) {
	const uint8_t *key;
	size_t key_size;
	bool there;
	int r;

	if (!identity_concerns(join->identity, message, &there))
		return 0;
	r = identity_key(join->identity, message, &key, &key_size);
	if (r < 0)
		return r;
	if (key_size == 0)
		return -EBADMSG;
	r = news_put(&join->rows, join->identity->type, USHER_NETLINK_ROW, key, key_size,
		     (const uint8_t *)message, message->nlmsg_len);
	if (r == 0 && join->rows.bytes > ROWS_MAX)
		r = -ENOSPC;
	if (r == 0 && is_of_routes(join))
		r = seams_row(&join->seams, datagram, message);
	if (r == 0 && join->rows.last % ROWS_BETWEEN == 0)
		r = hear(join);
	return r;
}

void join_end(struct join *join) {
	if (!join->consistency)
		return;
	if (join->identity)
		identity_put(&join->identities, join->identity);
	news_done(&join->changes);
	news_done(&join->rows);
	seams_done(&join->seams);
	join->consistency = NULL;
}

/* ---- one set ---- */

/* What was heard last of an object is not older than its row. */
static int apply(struct join *join) {
	int r = 0;

	for (const struct news_item *item = join->changes.oldest; r == 0 && item;
	     item = item->newer) {
		const uint8_t *message = news_message(item);

		r = news_put(&join->rows, item->type, item->action, item->bytes, item->key_size,
			     message, item->size);
	}
	news_done(&join->changes);
	return r == 0 ? news_init(&join->changes) : r;
}

static int count_one(void *data, const struct nlmsghdr *message) {
	route_count_add(data, message);
	return 0;
}

/* At a moment at which nothing changes. */
static int count(struct join *join, enum route_count_result *ret) {
	struct route_count routes = consistency_routes(join->consistency);
	int r = 0;

	for (int i = 0; i < SETTLE_MAX; i++) {
		struct route_expectation expected = route_count_expect(&routes);

		r = hear(join);
		if (r < 0)
			return r;
		if (join->changes.n == 0) {
			(void)join_each(join, count_one, &routes);
			*ret = route_count_compare(&routes, &expected);
			return 0;
		}
		do {
			r = apply(join);
			if (r == 0)
				r = hear(join);
		} while (r == 0 && join->changes.n > 0 && ++i < SETTLE_MAX);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Where some may have been passed over, or one was that no datagram can hold. */
static bool must_count(const struct join *join) {
	return is_of_routes(join) && consistency_may_count(join->consistency) &&
	       (join->removed || join->consistency->family == AF_INET6);
}

/* Rows that are new may have made the kernel arrange a table of neighbours anew. */
static bool may_lack_some(const struct join *join, size_t before) {
	return join->removed ||
	       (join->consistency->type->get == RTM_GETNEIGH && join->rows.n > before);
}

int join_settle(struct join *join, bool alone, const char **ret_why) {
	enum route_count_result routes = ROUTE_COUNT_UNKNOWN;
	size_t before = join->rows.n;
	int r = seams_end(&join->seams, alone);

	if (r == 0)
		r = hear(join);
	if (r == 0)
		r = apply(join);
	if (r == 0 && must_count(join))
		r = count(join, &routes);
	*ret_why = join->lost || join->vanished   ? changed
		   : seams_may_hide(&join->seams) ? changed
		   : routes == ROUTE_COUNT_SHORT  ? "the kernel has more routes than it told"
		   : routes == ROUTE_COUNT_WHOLE  ? NULL
		   : may_lack_some(join, before)  ? changed
						  : NULL;
	return r;
}

bool join_goes_on(const struct join *join) {
	return is_of_routes(join) && !join->lost && !join->vanished;
}

int join_each(const struct join *join, int (*each)(void *data, const struct nlmsghdr *message),
	      void *data) {
	int r = 0;

	for (const struct news_item *item = join->rows.oldest; r == 0 && item; item = item->newer)
		if (item->action != USHER_NETLINK_DEL)
			r = each(data, (const struct nlmsghdr *)(const void *)news_message(item));
	return r;
}
