/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "inquiry.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "call.h"
#include "instant.h"
#include "message.h"
#include "query-words.h"
#include "reception.h"
#include "row.h"

/* The reader has a clock of its own, and says what it was at when time was over. */
static const uint64_t grace_usec = UINT64_C(500000);

/* More words than that the reader, which has to look at them anyway, is not made to look at before
 * they have been found to be good. */
enum { SHORT = 1024 };

static const uint64_t total_max = HANDOUTS_TOTAL_MAX;

/* Whatever others have. */
static const uint64_t share_least = UINT64_C(1) << 20;

static bool is_open(const struct call *call) {
	return call->operation->request == &usher__open_rows_request__descriptor;
}

bool inquiry_is_one(const struct call *call) {
	return is_open(call) || call->operation->request == &usher__query_request__descriptor;
}

bool inquiry_is_direct(const struct call *call) {
	return call->caller &&
	       message_number(call->request, "in_as_fd", UINT64_MAX) == UINT64_MAX &&
	       !message_string(call->request, "in_as_name") &&
	       !message_string(call->request, "in_as_object") &&
	       !query_words_are_privileged(call->request);
}

int inquiry_check(const struct call *call, struct refusal *refusal) {
	if (call->bytes > SHORT || !inquiry_is_direct(call))
		return query_words_check(call->request, refusal);
	return query_words_check_manner(call->request, refusal);
}

/* ---- asking ---- */

static void take_query(const Usher__QueryRequest *m, Usher__NetlinkAsk *ask) {
	ask->selection->n_fields = m->n_fields;
	ask->selection->fields = m->fields;
	ask->selection->filter = m->filter;
	ask->has_limit = m->has_limit;
	ask->limit = m->limit;
	ask->consistency = m->consistency;
}

static void take_open(const Usher__OpenRowsRequest *m, Usher__NetlinkAsk *ask) {
	ask->selection->n_fields = m->n_fields;
	ask->selection->fields = m->fields;
	ask->selection->filter = m->filter;
	ask->has_limit = m->has_limit;
	ask->limit = m->limit;
	ask->consistency = m->consistency;
	ask->format = m->format ?: (char *)"records";
	ask->transport = m->transport ?: (char *)"memfd";
}

static bool fills_memory(const struct call *call) {
	const char *transport = message_string(call->request, "transport");

	return is_open(call) && (!transport || strcmp(transport, "memfd") == 0);
}

/* Of what all users may have, nobody may have more than is left for the others: who comes last
 * still finds some. */
static uint64_t left_of_all(const struct call *call, uint64_t held) {
	uint64_t taken = handouts_total(&call->desk->handouts) + held;

	return taken < total_max ? total_max - taken : 0;
}

/* What a user may still have; half of it for each call of its own that is filling some now, so that
 * all of them together do not fill much more than twice that. Who else will, nobody can say. */
static uint64_t share(const struct call *call, uint64_t left) {
	uint64_t least = left < share_least ? left : share_least;

	for (const struct call *other = call->desk->first; other; other = other->next)
		if (other != call && other->inquiring && other->caller->uid == call->caller->uid &&
		    fills_memory(other))
			left /= 2;
	return left > least ? left : least;
}

static int bound(const struct call *call, Usher__NetlinkAsk *ask, struct refusal *refusal) {
	const struct limits *limits = &call->desk->configuration.limits;
	uint64_t most = limits->value[LIMIT_ROW_BYTES],
		 held = handouts_held(&call->desk->handouts, call->caller->uid),
		 left = left_of_all(call, held);
	int r = 0;

	if (call_is_trusted(call))
		return 0;
	ask->has_streams = true;
	ask->streams = (uint32_t)limits->value[LIMIT_STREAMS];
	if (most == 0 || !fills_memory(call))
		return 0;
	r = limit_check(limits, LIMIT_ROW_BYTES, held + 1, refusal);
	if (r == 0 && left == 0)
		r = refusal_note(refusal, REFUSED_LIMIT,
				 "%" PRIu64 " bytes of rows are held by uid %u, and of the %" PRIu64
				 " of all users together (three quarters of MemoryMax= of "
				 "usher-netlink@.service) no more are left for others",
				 held, call->caller->uid, total_max);
	ask->has_bytes = ask->has_row_bytes = true;
	ask->row_bytes = most;
	ask->bytes = r == 0 ? share(call, most - held < left ? most - held : left) : 1;
	return r;
}

/* Everything is borrowed for as long as it takes to send it. */
static int ask_reader(struct call *call, Usher__NetlinkAsk *ask, const struct fds *fds,
		      struct refusal *refusal) {
	char *types[] = { (char *)message_string(call->request, "type") };
	uint64_t usec = call_deadline_usec(call);
	int r = bound(call, ask, refusal);

	ask->selection->types = types;
	ask->selection->n_types = 1;
	if (is_open(call))
		take_open((const Usher__OpenRowsRequest *)call->request, ask);
	else
		take_query((const Usher__QueryRequest *)call->request, ask);
	ask->has_uid = ask->has_deadline_usec = true;
	ask->uid = call->caller->uid;
	ask->deadline_usec = usec;
	return r == 0 ? netlink_reader_ask(&call->desk->reader, ask, fds) : r;
}

static const char late[] = "the reader of netlink does not answer";

static void ask_about(struct call *call, Usher__NetlinkAsk *ask, const struct fds *fds) {
	struct refusal refusal = { 0 };
	int r = ask_reader(call, ask, fds, &refusal);

	if (r == -EAGAIN)
		call_refuse(call, REFUSED_RETRY, "too much is asked for at once");
	else if (r > 0)
		call_refuse(call, r, refusal.text);
	else if (r < 0)
		call_refuse(call, REFUSED_FAILED, "the reader of netlink cannot be reached");
	else {
		call->serial = ask->serial;
		call->inquiring = true;
		call->awaiting = late;
		call->late_usec = instant_usec() + ask->deadline_usec + grace_usec;
		if (netlink_reader_set_clock(&call->desk->reader, call->late_usec) < 0)
			call_refuse(call, -ENOMEM, NULL);
	}
}

void inquiry_begin(struct call *call) {
	Usher__NetlinkSelection selection = USHER__NETLINK_SELECTION__INIT;
	Usher__NetlinkAsk ask = USHER__NETLINK_ASK__INIT;
	struct fds fds = { { call->caller->pidfd }, 1 }; /* borrowed */

	ask.selection = &selection;
	ask.has_caller_fd = true;
	call->direct = true;
	ask_about(call, &ask, &fds);
}

void inquiry_go_on(struct call *call, const ProtobufCMessage *found, const struct fds *fds) {
	Usher__NetlinkSelection selection = USHER__NETLINK_SELECTION__INIT;
	Usher__NetlinkAsk ask = USHER__NETLINK_ASK__INIT;

	ask.selection = &selection;
	selection.has_rights = ask.has_namespace_fd = true;
	selection.rights = (uint32_t)message_number(found, "rights", 0);
	ask.namespace_fd = (uint32_t)message_number(found, "namespace_fd", UINT32_MAX);
	if (fds_get(fds, ask.namespace_fd) < 0)
		call_refuse(call, -EBADMSG, NULL);
	else
		ask_about(call, &ask, fds);
}

/* ---- being answered ---- */

static struct call *find(const struct desk *desk, uint64_t serial) {
	struct call *call = desk->first;

	while (call && (!call->inquiring || call->serial != serial))
		call = call->next;
	return call;
}

static Usher__NetlinkInfo *take_info(Usher__NetlinkAnswer *answer) {
	Usher__NetlinkInfo *info = answer->info;

	answer->info = NULL;
	return info;
}

static int fill_query(Usher__QueryReply *reply, Usher__NetlinkAnswer *answer) {
	reply->info = take_info(answer);
	return row_read_blocks(answer->blocks.data, answer->blocks.len, &reply->rows,
			       &reply->n_rows);
}

static int fill_open(const struct call *call, Usher__OpenRowsReply *reply,
		     Usher__NetlinkAnswer *answer, const struct fds *fds) {
	int rows = answer->has_rows_fd ? fds_get(fds, answer->rows_fd) : -1;

	reply->rows_fd = answer->rows_fd;
	reply->info = take_info(answer);
	if (rows < 0)
		return -EBADMSG;
	if (!fills_memory(call) || call_is_trusted(call))
		return 0;
	return handouts_add(&call->desk->handouts, call->caller->uid, rows);
}

static void answer_call(struct call *call, Usher__NetlinkAnswer *answer, const struct fds *fds) {
	ProtobufCMessage *reply = message_new(call->operation->reply);
	int r = !reply          ? -ENOMEM
		: !answer->info ? -EBADMSG
		: is_open(call) ? fill_open(call, (Usher__OpenRowsReply *)reply, answer, fds)
				: fill_query((Usher__QueryReply *)reply, answer);

	if (r == 0)
		call_answer(call, reply, fds);
	else {
		message_freep(&reply);
		call_refuse(call, r, r == -EBADMSG ? "the reader of netlink talks nonsense" : NULL);
	}
}

void inquiry_heed(struct desk *desk, Usher__NetlinkAnswer *answer, const struct fds *fds) {
	struct call *call = find(desk, answer->serial);

	if (!call)
		return; /* it has been told that it is not waited for, or will be */
	call->inquiring = false;
	if (answer->code != 0)
		call_refuse(call, answer->code, answer->text);
	else
		answer_call(call, answer, fds);
}

void inquiry_forget(struct call *call) {
	if (call->inquiring)
		netlink_reader_forget(&call->desk->reader, call->serial);
	call->inquiring = false;
}

uint64_t inquiry_end_late(struct desk *desk) {
	uint64_t now = instant_usec(), first = UINT64_MAX;
	struct call *next;

	for (struct call *call = desk->first; call; call = next) {
		next = call->next;
		if (!call->inquiring)
			continue;
		if (call->late_usec <= now)
			call_refuse(call, REFUSED_TIMED_OUT, late);
		else if (call->late_usec < first)
			first = call->late_usec;
	}
	return first;
}

void inquiry_lose_reader(struct desk *desk) {
	struct call *next;

	for (struct call *call = desk->first; call; call = next) {
		next = call->next;
		if (!call->inquiring)
			continue;
		call->inquiring = false;
		call_refuse(call, REFUSED_RETRY, "the reader of netlink has just died");
	}
}
