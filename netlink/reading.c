/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reading.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "request.h"

/* A datagram has up to 32 KiB, which take the kernel and us a fifth of a millisecond. */
enum { REQUEST_MAX = 8192, BRIEF_DATAGRAMS = 4 };

/* ---- messages become rows ---- */

int reading_put(void *data, const struct nlmsghdr *message) {
	struct reading *reading = data;
	const struct netlink_type *type = reading->query->type;
	const uint8_t *payload = NLMSG_DATA(message);
	size_t size = message->nlmsg_len - NLMSG_HDRLEN;
	int r;

	if (type->family) {
		const struct genlmsghdr *generic = (const void *)payload;

		if (size < GENL_HDRLEN || generic->cmd != reading->command)
			return 0;
		payload += GENL_HDRLEN;
		size -= GENL_HDRLEN;
	}
	r = decode_message(&reading->decoding, type, USHER_NETLINK_ROW, payload, size);
	if (r < 0)
		return r;
	return reading->query->limit > 0 &&
	       block_rows(reading->query->block) >= reading->query->limit;
}

/* The number that is no other's, of the message's form. */
static const struct netlink_field *find_cookie(const struct reading *reading) {
	const struct netlink_field *field = reading->query->type->schema.fields;

	for (; field->name; field++)
		if (strcmp(field->name, "cookie") == 0 &&
		    (field->parts & 1U << reading->decoding.pass.part))
			return field;
	return NULL;
}

static int call(struct reading *reading, const struct nlmsghdr *message) {
	const struct netlink_field *field = find_cookie(reading);
	uint64_t number;

	if (!field || message->nlmsg_len < NLMSG_HDRLEN + field->at + sizeof number)
		return 0;
	memcpy(&number, (const uint8_t *)NLMSG_DATA(message) + field->at, sizeof number);
	return roll_add(reading->calling ? &reading->again : &reading->told, number,
			reading->query->exchange.datagrams);
}

static int take(void *data, const struct nlmsghdr *message) {
	struct reading *reading = data;
	int r;

	if (message->nlmsg_type != reading->wanted)
		return 0;
	r = reading->rolled ? call(reading, message) : 0;
	if (r < 0 || reading->calling)
		return r;
	reading->past = consistency_is_past(&reading->consistency, message);
	if (reading->past)
		return 1;
	if (reading->joining)
		return join_take(&reading->join, reading->query->exchange.datagrams, message);
	consistency_count(&reading->consistency, message);
	return reading_put(reading, message);
}

/* ---- one request ---- */

/* Whether an errno means that there are no such rows. */
static bool means_none(const struct query *query, const struct netlink_pass *pass, int code) {
	if (query->exchange.verdict.code != code)
		return false;
	if (pass->optional &&
	    (code == -ENOENT || code == -EOPNOTSUPP || code == -ENODEV || code == -EPROTONOSUPPORT))
		return true;
	if (pass->ifindex && (code == -ENODEV || (pass->optional && code == -EINVAL)))
		return true; /* it has gone, or is of a kind that has none */
	return pass->one && !query->type->lookup_only &&
	       (code == -ENODEV || code == -ENOENT || code == -ESRCH || code == -EADDRNOTAVAIL ||
		code == -ERANGE); /* longer than what anything is called */
}

int reading_open(struct query *query) {
	int r;

	exchange_close(&query->exchange);
	r = exchange_open(&query->exchange,
			  query->type->family ? NETLINK_GENERIC : query->type->protocol);
	names_init(&query->names, query->exchange.fd);
	query->exchange.most = query->brief ? BRIEF_DATAGRAMS : 0;
	return r;
}

/* Of tables that may be large, and of which the kernel leaves nothing out that does not fit. */
static bool is_hurried(const struct query *query) {
	return query->hurried && !query->exchange.primed && !query->type->family &&
	       query->type->protocol == NETLINK_ROUTE && query->type->get == RTM_GETROUTE;
}

static int ask_for_all(struct reading *reading, struct nlmsghdr *request) {
	struct query *query = reading->query;
	int r = is_hurried(query) ? exchange_glance(&query->exchange, request, take, reading)
				  : -ENODATA;

	if (r == -ENODATA)
		return exchange_dump(&query->exchange, request, take, reading);
	if (r > 0)
		r = block_flush(query->block);
	return r < 0 || query->exchange.over ? r : exchange_hear(&query->exchange, take, reading);
}

int reading_ask(struct reading *reading, struct netlink_pass *pass) {
	struct query *query = reading->query;
	uint8_t buffer[REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *request = (void *)buffer;
	struct encoding encoding;
	int r = request_build(&encoding, buffer, sizeof buffer, query->selection, query->type,
			      &query->names, pass);

	if (r == -EMSGSIZE) {
		(void)snprintf(query->message, sizeof query->message,
			       "the filter is larger than what the kernel can be asked for");
		return -EINVAL;
	}
	if (r != 0)
		return r;
	if (query->exchange.stopped)
		r = reading_open(query);
	if (r < 0)
		return r;
	if (query->type->family)
		request->nlmsg_type = query->family;
	reading->past = false;
	reading->command = query->type->new ?: query->type->get; /* they answer by the same */
	reading->wanted = query->type->family ? query->family : reading->command;
	reading->decoding.pass = *pass;
	r = pass->one ? exchange_look_up(&query->exchange, request, take, reading)
		      : ask_for_all(reading, request);
	return r < 0 && means_none(query, pass, r) ? 0 : r;
}
