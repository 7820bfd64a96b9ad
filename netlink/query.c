/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "query.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fd.h"
#include "instant.h"
#include "reading.h"

enum { TRIES = 4, TRIES_MAX = 32, LINKS_STEP = 64 };

/* After so long nothing is asked more often than it has to be. */
static const uint64_t patience_usec = 2000000;

static const char *const consistencies[] = {
	[QUERY_ANY] = "any",
	[QUERY_DETECT] = "detect",
	[QUERY_RETRY] = "retry",
};

bool query_parse_consistency(const char *word, enum query_consistency *ret) {
	for (unsigned i = 0; i < sizeof consistencies / sizeof *consistencies; i++)
		if (strcmp(word, consistencies[i]) == 0) {
			*ret = (enum query_consistency)i;
			return true;
		}
	return false;
}

/* ---- a dump, which may be several ---- */

static void doubt(struct query *query, const char *why) {
	query->complete = false;
	if (!query->why)
		query->why = why;
}

/* What came at once was not resumed anywhere. Of a fresh exchange the first datagram is small, so
 * that the others end elsewhere, and who is passed over then is another one. */
static int call_again(struct reading *reading, struct netlink_pass *pass) {
	struct query *query = reading->query;
	bool doubtful = false;
	int r = 0;

	if (query->exchange.datagrams > 1 && !query->exchange.stopped) {
		r = reading_open(query);
		query->exchange.primed = true;
		reading->calling = true;
		if (r == 0)
			r = reading_ask(reading, pass);
		reading->calling = false;
		if (r == 0)
			r = roll_compare(&reading->told, &reading->again, &doubtful);
	}
	if (doubtful)
		doubt(query, "it changed while it was read");
	roll_done(&reading->told);
	roll_done(&reading->again);
	return r;
}

static int run_passes(struct reading *reading, uint32_t link, unsigned *datagrams) {
	struct query *query = reading->query;

	for (struct netlink_pass pass = { .uid = query->uid, .ifindex = link };; pass.number++) {
		int r = reading_ask(reading, &pass); /* which may pass over some */

		if (r != 0)
			return r == 1 ? 0 : r;
		*datagrams += query->exchange.datagrams;
		if (query->exchange.interrupted)
			doubt(query, "the kernel says that it changed while it was read");
		if (query->exchange.stopped)
			return 0;
		r = reading->rolled ? call_again(reading, &pass) : 0;
		if (r < 0)
			return r;
	}
}

struct links {
	uint32_t *indexes;
	size_t n;
};

static int take_link(void *data, const struct nlmsghdr *message) {
	struct links *links = data;
	const struct ifinfomsg *link = NLMSG_DATA(message);

	if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_HDRLEN + sizeof *link)
		return 0;
	if (links->n % LINKS_STEP == 0) {
		uint32_t *more = reallocarray(links->indexes, links->n + LINKS_STEP, sizeof *more);

		if (!more)
			return -ENOMEM;
		links->indexes = more;
	}
	links->indexes[links->n++] = (uint32_t)link->ifi_index;
	return 0;
}

struct links_request {
	struct nlmsghdr head;
	struct ifinfomsg link;
	struct nlattr mask;
	uint32_t leave_out;
};

static int read_links(struct query *query, struct links *links) {
	struct links_request request = {
		.head = { .nlmsg_len = sizeof request, .nlmsg_type = RTM_GETLINK },
		.mask = { .nla_len = sizeof request.mask + sizeof request.leave_out,
			  .nla_type = IFLA_EXT_MASK },
		.leave_out = RTEXT_FILTER_SKIP_STATS,
	};
	struct exchange exchange;
	int r = exchange_open(&exchange, NETLINK_ROUTE);

	if (r == 0)
		r = exchange_dump(&exchange, &request.head, take_link, links);
	if (r == 0 && exchange.interrupted)
		doubt(query, "the kernel says that it changed while it was read");
	exchange_close(&exchange);
	return r;
}

/* The kernel tells them of one link at a time. */
static int run_by_link(struct reading *reading, unsigned *datagrams) {
	struct query *query = reading->query;
	const struct selection_value *index =
		selection_value(query->selection, query->type, "ifindex");
	const struct selection_value *name = selection_value(query->selection, query->type, "dev");
	struct links links = { 0 };
	int r = 0;

	if (index)
		return run_passes(reading, (uint32_t)index->number, datagrams);
	if (name) {
		uint32_t found = names_index(&query->names, (const char *)name->bytes);

		return found ? run_passes(reading, found, datagrams) : -ENODEV;
	}
	r = read_links(query, &links);
	for (size_t i = 0; r == 0 && i < links.n && !query->exchange.stopped; i++)
		r = run_passes(reading, links.indexes[i], datagrams);
	free(links.indexes);
	return r;
}

/* Of routes that the kernel has picked. */
static int doubt_routes(struct reading *reading) {
	struct query *query = reading->query;
	bool lacking = false;
	int r = 0;

	if (query->consistency != QUERY_ANY && consistency_is_uncounted(&reading->consistency))
		r = route_count_lacks(&lacking);
	if (lacking)
		doubt(query, "the kernel has more routes than it told");
	return r;
}

static int dump(struct reading *reading) {
	struct query *query = reading->query;
	unsigned datagrams = 0;
	const char *why;
	int r;

	query->complete = true;
	query->why = NULL;
	reading->decoding.block = query->block;
	reading->rolled = query->consistency != QUERY_ANY && query->type->calls_roll;
	r = consistency_begin(&reading->consistency, query->type, query->selection,
			      query->consistency != QUERY_ANY);
	if (r == 0)
		r = query->type->by_link ? run_by_link(reading, &datagrams)
					 : run_passes(reading, 0, &datagrams);
	if (r == 0 && (!query->exchange.stopped || reading->past)) {
		why = consistency_judge(&reading->consistency, datagrams);
		if (why)
			doubt(query, why);
		r = doubt_routes(reading);
	}
	consistency_end(&reading->consistency);
	return r;
}

/* ---- and again ---- */

static bool is_tired(unsigned tries, uint64_t until) {
	return tries >= TRIES_MAX || (tries >= TRIES && instant_usec() > until);
}

static int begin_anew(struct reading *reading) {
	struct query *query = reading->query;
	int r = query->again(query->data);

	reading->decoding.block = query->block;
	return r;
}

/* One dump more, and what changed meanwhile. */
static int dump_joined(struct reading *reading, bool first) {
	struct query *query = reading->query;
	const char *why = NULL;
	unsigned datagrams = 0;
	int r = 0;

	query->complete = true;
	query->why = NULL;
	if (first || !join_goes_on(&reading->join)) {
		join_end(&reading->join);
		r = join_begin(&reading->join, &reading->consistency, query->listener);
	}
	if (r == 0) {
		join_anew(&reading->join);
		r = run_passes(reading, 0, &datagrams);
	}
	if (r == 0)
		r = join_settle(&reading->join, query->exchange.ended_alone, &why);
	if (r == 0 && why)
		doubt(query, why);
	return r == 0 ? doubt_routes(reading) : r;
}

static int join(struct reading *reading, uint64_t until) {
	struct query *query = reading->query;
	unsigned tries = 1; /* there has been a dump already */
	int r = consistency_begin(&reading->consistency, query->type, query->selection, false);

	reading->joining = true;
	do {
		if (r == 0)
			r = dump_joined(reading, tries == 1);
	} while (r == 0 && !query->complete && !is_tired(++tries, until));
	reading->joining = false;
	if (r == 0)
		r = begin_anew(reading);
	if (r == 0)
		r = join_each(&reading->join, reading_put, reading);
	join_end(&reading->join);
	consistency_end(&reading->consistency);
	return r < 0 ? r : 0;
}

static int dump_again(struct reading *reading, uint64_t until) {
	unsigned tries = 0;
	int r;

	do {
		r = begin_anew(reading);
		if (r == 0)
			r = dump(reading);
	} while (r == 0 && !reading->query->complete && !is_tired(++tries, until));
	return r;
}

static int dump_until_complete(struct reading *reading) {
	struct query *query = reading->query;
	uint64_t until = instant_usec() + patience_usec;
	int r = dump(reading);

	if (r < 0 || query->complete || query->consistency != QUERY_RETRY || !query->again)
		return r;
	if (query->listener && join_can(query->type)) {
		r = join(reading, until);
		if (r != -ENOSPC)
			return r;
	}
	return dump_again(reading, until);
}

/* ---- the whole of it ---- */

bool query_is_keepable(const struct netlink_type *type) {
	return type->protocol == NETLINK_ROUTE && !type->family;
}

static bool keeps(const struct query *query) {
	return query->kept && query_is_keepable(query->type);
}

static int take_kept(struct query *query) {
	query->exchange = *query->kept;
	*query->kept = (struct exchange){ .fd = -1 };
	names_init(&query->names, query->exchange.fd);
	return 0;
}

static void put_away(struct query *query) {
	if (keeps(query))
		exchange_put_by(&query->exchange, query->kept);
	exchange_close(&query->exchange);
}

static int begin(struct query *query) {
	int r = keeps(query) && query->kept->fd >= 0 ? take_kept(query) : reading_open(query);

	if (r < 0 || !query->type->family)
		return r;
	r = exchange_find_family(&query->exchange, query->type->family, &query->family);
	if (r != -ENOENT)
		return r;
	(void)snprintf(query->message, sizeof query->message,
		       "this kernel has no \"%s\" among its families of generic netlink",
		       query->type->family);
	return -EOPNOTSUPP;
}

/* The kernel knows no way to find one of these. */
static bool means_dump(const struct query *query, const struct netlink_pass *pass, int code) {
	return pass->one && !query->type->lookup_only && query->exchange.verdict.code == code &&
	       (code == -EOPNOTSUPP || code == -EINVAL);
}

static int run_one(struct reading *reading) {
	struct query *query = reading->query;
	struct netlink_pass pass = { .one = true, .uid = query->uid };
	int r = reading_ask(reading, &pass);

	if (r < 0 && means_dump(query, &pass, r))
		return 1;
	query->complete = r == 0;
	return r == 1 ? 0 : r;
}

/* A kernel that cannot tell all there is (one of them fits into no datagram), or that we could not
 * hear out. */
static const char *why_partial(const struct query *query, int code) {
	if (query->exchange.verdict.code == code)
		return code == -EMSGSIZE ? "one of them is too large for the kernel to tell" : NULL;
	switch (code) {
	case -EBADMSG:
	case -EMSGSIZE:
	case -ELOOP:
	case -EOVERFLOW:
	case -ENOBUFS:
	case -ETIMEDOUT: return "the kernel's answer could not be read to its end";
	default: return NULL;
	}
}

/* What was heard until then is an answer, too. */
static int conclude(struct query *query, int r) {
	const char *why = r < 0 ? why_partial(query, r) : NULL;

	if (*query->exchange.verdict.text)
		memcpy(query->message, query->exchange.verdict.text, sizeof query->message);
	if (!why)
		return r;
	query->code = r;
	query->why = why;
	query->complete = false;
	return 0;
}

int query_run(struct query *query, bool one) {
	struct reading reading = { .query = query };
	int r;

	query->type = selection_type(query->selection, 0);
	query->exchange.fd = -1;
	query->complete = false;
	query->why = NULL;
	r = begin(query);
	reading.decoding = (struct decoding){
		.selection = query->selection,
		.block = query->block,
		.names = &query->names,
	};
	if (r == 0)
		r = one ? run_one(&reading) : dump_until_complete(&reading);
	r = conclude(query, r);
	roll_done(&reading.told);
	roll_done(&reading.again);
	put_away(query);
	return r;
}
