/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is believed of the kernel's answers, by a kernel that says whatever a test has it say. */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "netlink/block.h"
#include "netlink/exchange.h"
#include "netlink/query.h"
#include "support.h"

enum { DATAGRAMS = 64, DATAGRAM_MAX = 8192 };

/* What comes next: a datagram of somebody's, or an errno. */
struct datagram {
	uint8_t bytes[DATAGRAM_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	size_t size, claims; /* as large as it says to be; 0: as it is */
	uint32_t sender;
	int error;
};

static struct datagram datagrams[DATAGRAMS];
static size_t n_datagrams, at_datagram;
static bool for_ever; /* the last one again and again */
static unsigned requests;
static uint32_t sequence, port; /* of the last request */
static struct exchange exchange;
static unsigned taken, take_at_most;

ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags,
		      const struct sockaddr *address, socklen_t address_size);
ssize_t __wrap_recvmsg(int fd, struct msghdr *packet, int flags);

/* ---- what the kernel says ---- */

static struct datagram *next_datagram(void) {
	struct datagram *datagram = datagrams + n_datagrams++;

	assert_true(n_datagrams <= DATAGRAMS);
	memset(datagram, 0, sizeof *datagram);
	return datagram;
}

static struct nlmsghdr *append(struct datagram *datagram, uint16_t type, uint16_t flags,
			       const void *payload, size_t size) {
	struct nlmsghdr *message = (void *)(datagram->bytes + datagram->size);

	*message = (struct nlmsghdr){ .nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size),
				      .nlmsg_type = type,
				      .nlmsg_flags = flags };
	if (size > 0)
		memcpy(NLMSG_DATA(message), payload, size);
	datagram->size += NLMSG_ALIGN(NLMSG_HDRLEN + size);
	return message;
}

static struct nlmsghdr *say(uint16_t type, uint16_t flags, const void *payload, size_t size) {
	return append(next_datagram(), type, flags, payload, size);
}

static void say_row(uint16_t flags) {
	(void)say(RTM_NEWROUTE, NLM_F_MULTI | flags, "row", 4);
}

static void say_done(int code) {
	(void)say(NLMSG_DONE, NLM_F_MULTI, &code, sizeof code);
}

static void say_error(int error) {
	next_datagram()->error = error;
}

/* An error with a text, behind the request that it is about or, capped, only its head. */
static void say_refusal(int code, bool capped, const char *text, size_t size) {
	uint8_t bytes[512] = { 0 };
	struct nlmsgerr head = { .error = code, .msg = { .nlmsg_len = NLMSG_HDRLEN + 32 } };
	size_t at = sizeof head + (capped ? 0 : 32);
	struct nlattr attribute = { .nla_len = (uint16_t)(sizeof attribute + size),
				    .nla_type = NLMSGERR_ATTR_MSG };
	const struct nlattr offset = { sizeof offset + 4, NLMSGERR_ATTR_OFFS };
	const uint32_t where = 36;

	memcpy(bytes, &head, sizeof head);
	memcpy(bytes + at, &attribute, sizeof attribute);
	memcpy(bytes + at + sizeof attribute, text, size);
	at += NLA_ALIGN(attribute.nla_len);
	memcpy(bytes + at, &offset, sizeof offset);
	memcpy(bytes + at + sizeof offset, &where, sizeof where);
	(void)say(NLMSG_ERROR, NLM_F_ACK_TLVS | (capped ? NLM_F_CAPPED : 0), bytes,
		  at + sizeof offset + sizeof where);
}

ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags,
		      const struct sockaddr *address, socklen_t address_size) {
	const struct nlmsghdr *request = bytes;

	assert_int_equal(request->nlmsg_len, size);
	sequence = request->nlmsg_seq;
	port = request->nlmsg_pid;
	requests++;
	return (ssize_t)size;
}

/* Messages are of the last request, unless they say that they are of another. */
static void address(struct datagram *datagram) {
	for (size_t at = 0; at + NLMSG_HDRLEN <= datagram->size;) {
		struct nlmsghdr *message = (void *)(datagram->bytes + at);

		if (message->nlmsg_seq == 0)
			message->nlmsg_seq = sequence;
		if (message->nlmsg_pid == 0)
			message->nlmsg_pid = port;
		if (message->nlmsg_len < NLMSG_HDRLEN || message->nlmsg_len > datagram->size)
			return;
		at += NLMSG_ALIGN(message->nlmsg_len);
	}
}

static ssize_t acknowledge(struct msghdr *packet) {
	const struct nlmsgerr good = { 0 };
	struct datagram datagram = { 0 };

	(void)append(&datagram, NLMSG_ERROR, NLM_F_CAPPED, &good, sizeof good);
	address(&datagram);
	memcpy(packet->msg_iov->iov_base, datagram.bytes, datagram.size);
	return (ssize_t)datagram.size;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *packet, int flags) {
	struct sockaddr_nl *sender = packet->msg_name;
	struct datagram *datagram = datagrams + at_datagram;

	*sender = (struct sockaddr_nl){ .nl_family = AF_NETLINK };
	if (requests == 1)
		return acknowledge(packet); /* of the first request, which asks for nothing */
	assert_true(at_datagram < n_datagrams);
	if (!for_ever || at_datagram + 1 < n_datagrams)
		at_datagram++;
	if (datagram->error) {
		errno = datagram->error;
		return -1;
	}
	address(datagram);
	sender->nl_pid = datagram->sender;
	assert_true(datagram->size <= packet->msg_iov->iov_len);
	memcpy(packet->msg_iov->iov_base, datagram->bytes, datagram->size);
	return (ssize_t)(datagram->claims ?: datagram->size);
}

/* ---- how it is taken ---- */

static int begin(void **state) {
	n_datagrams = at_datagram = 0;
	requests = taken = take_at_most = 0;
	for_ever = false;
	return exchange_open(&exchange, NETLINK_ROUTE);
}

static int end(void **state) {
	exchange_close(&exchange);
	return 0;
}

static int take(void *data, const struct nlmsghdr *message) {
	return ++taken == take_at_most;
}

static int dump(void) {
	struct nlmsghdr request = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = RTM_GETROUTE };

	return exchange_dump(&exchange, &request, take, NULL);
}

/* The first request is taken to be the one that asks for nothing. */
static int ask(void) {
	struct nlmsghdr request = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = RTM_GETROUTE };

	requests++;
	return exchange_do(&exchange, &request, take, NULL);
}

static void a_dump_is_asked_for_when_the_kernel_knows_its_reader(void **state) {
	say_row(0);
	say_done(0);
	assert_int_equal(dump(), 0);
	assert_int_equal(requests, 2);
	assert_int_equal(taken, 1);
	assert_int_equal(exchange.datagrams, 1);
	assert_true(exchange.ended_alone);
	/* it knows then */
	say_done(0);
	assert_int_equal(dump(), 0);
	assert_int_equal(requests, 3);
}

static void what_others_than_the_kernel_say_is_passed_over(void **state) {
	say_row(0);
	datagrams[0].sender = 4711;
	say_done(-ENOENT);
	datagrams[1].sender = 4711;
	say_row(0);
	say_done(0);
	assert_int_equal(dump(), 0);
	assert_int_equal(taken, 1);
}

static void what_answers_another_request_is_passed_over(void **state) {
	say(RTM_NEWROUTE, NLM_F_MULTI, "row", 4)->nlmsg_seq = 77;
	say(RTM_NEWROUTE, NLM_F_MULTI, "row", 4)->nlmsg_pid = 77;
	say(NLMSG_DONE, NLM_F_MULTI, (int[]){ -EPERM }, 4)->nlmsg_seq = 77;
	say(RTM_NEWROUTE, NLM_F_MULTI | NLM_F_DUMP_INTR, "row", 4)->nlmsg_seq = 77;
	say_row(0);
	say_done(0);
	assert_int_equal(dump(), 0);
	assert_int_equal(taken, 1);
	assert_false(exchange.interrupted);
}

static void an_error_at_the_end_of_a_dump_is_one(void **state) {
	uint8_t done[4 + 4 + 8] = { 0 };
	const int code = -EINVAL;
	const struct nlattr attribute = { 4 + 8, NLMSGERR_ATTR_MSG };

	memcpy(done, &code, sizeof code);
	memcpy(done + 4, &attribute, sizeof attribute);
	memcpy(done + 8, "too bad", 8);
	say_row(0);
	(void)say(NLMSG_DONE, NLM_F_MULTI | NLM_F_ACK_TLVS, done, sizeof done);
	assert_int_equal(dump(), -EINVAL);
	assert_int_equal(exchange.verdict.code, -EINVAL);
	assert_string_equal(exchange.verdict.text, "too bad");
	assert_int_equal(taken, 1);
}

static void an_end_without_a_code_is_a_good_one(void **state) {
	(void)say(NLMSG_DONE, NLM_F_MULTI, NULL, 0);
	assert_int_equal(dump(), 0);
}

static void a_refusal_has_its_text_and_place(void **state) {
	for (int capped = 0; capped < 2; capped++) {
		say_refusal(-EOPNOTSUPP, capped, "no such thing", sizeof "no such thing");
		assert_int_equal(ask(), -EOPNOTSUPP);
		assert_string_equal(exchange.verdict.text, "no such thing");
		assert_int_equal(exchange.verdict.offset, 36);
	}
}

static void a_text_without_an_end_is_as_long_as_its_attribute(void **state) {
	say_refusal(-EPERM, true, "no end", 6);
	assert_int_equal(ask(), -EPERM);
	assert_string_equal(exchange.verdict.text, "no end");
}

static void an_attribute_beyond_the_end_is_no_text(void **state) {
	struct {
		struct nlmsgerr head;
		struct nlattr attribute;
	} refusal = { .head = { .error = -EPERM }, .attribute = { 400, NLMSGERR_ATTR_MSG } };

	(void)say(NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED, &refusal, sizeof refusal);
	assert_int_equal(ask(), -EPERM);
	assert_string_equal(exchange.verdict.text, "");
	/* nor is there one behind a request that is longer than all of it */
	refusal.head.msg.nlmsg_len = UINT32_MAX;
	(void)say(NLMSG_ERROR, NLM_F_ACK_TLVS, &refusal, sizeof refusal);
	assert_int_equal(ask(), -EBADMSG);
	assert_string_equal(exchange.verdict.text, "");
}

static void a_change_is_noticed_in_any_message(void **state) {
	const int code = 0;

	say_row(0);
	say_row(NLM_F_DUMP_INTR);
	say_row(0);
	say_done(0);
	assert_int_equal(dump(), 0);
	assert_true(exchange.interrupted);
	(void)say(NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, &code, sizeof code);
	assert_int_equal(dump(), 0);
	assert_true(exchange.interrupted);
	say_done(0);
	assert_int_equal(dump(), 0);
	assert_false(exchange.interrupted);
}

static void a_dump_is_not_ended_by_an_acknowledgement(void **state) {
	const struct nlmsgerr good = { 0 };

	say_row(0);
	(void)say(NLMSG_ERROR, NLM_F_CAPPED, &good, sizeof good);
	assert_int_equal(dump(), -EBADMSG);
	say_done(0);
	assert_int_equal(ask(), -EBADMSG);
}

static void an_error_that_is_none_is_malformed(void **state) {
	const struct nlmsgerr odd = { .error = 1 };

	(void)say(NLMSG_ERROR, NLM_F_CAPPED, &odd, sizeof odd);
	assert_int_equal(ask(), -EBADMSG);
	(void)say(NLMSG_ERROR, NLM_F_CAPPED, &odd, 3);
	assert_int_equal(ask(), -EBADMSG);
	say_done(1);
	assert_int_equal(dump(), -EBADMSG);
}

static void a_length_that_cannot_be_is_malformed(void **state) {
	static const uint32_t lengths[] = { 0, 15, 25, 4096, UINT32_MAX };

	for (size_t i = 0; i < N_OF(lengths); i++) {
		struct datagram *datagram = next_datagram();

		append(datagram, RTM_NEWROUTE, NLM_F_MULTI, "row", 4)->nlmsg_len = lengths[i];
		datagram->size = 24;
		assert_int_equal(dump(), -EBADMSG);
	}
	assert_int_equal(taken, 0);
}

static void what_is_cut_or_has_a_tail_is_malformed(void **state) {
	static const size_t sizes[] = { 0, 1, 15, 20 + 1, 20 + 3, 20 + 15, 20 + 19 };

	for (size_t i = 0; i < N_OF(sizes); i++) {
		struct datagram *datagram = next_datagram();

		(void)append(datagram, RTM_NEWROUTE, NLM_F_MULTI, "row", 4);
		(void)append(datagram, RTM_NEWROUTE, NLM_F_MULTI, "row", 4);
		datagram->size = sizes[i];
		assert_int_equal(dump(), -EBADMSG);
	}
}

static void a_datagram_larger_than_the_buffer_is_not_taken_for_whole(void **state) {
	say_row(0);
	datagrams[0].claims = (1 << 20) + 4;
	assert_int_equal(dump(), -EMSGSIZE);
	assert_int_equal(taken, 0);
}

static void a_dump_that_makes_no_progress_ends(void **state) {
	say_row(0);
	for_ever = true;
	assert_int_equal(dump(), -ELOOP);
	assert_in_range(taken, 2, 100);
}

static void an_interruption_is_tried_again_and_silence_is_not(void **state) {
	for (int i = 0; i < 20; i++)
		say_error(EINTR);
	say_row(0);
	say_done(0);
	assert_int_equal(dump(), 0);
	assert_int_equal(taken, 1);
	say_error(EAGAIN);
	assert_int_equal(dump(), -ETIMEDOUT);
	say_error(ENOBUFS);
	assert_int_equal(dump(), -ENOBUFS);
	say_error(ENOMEM);
	assert_int_equal(dump(), -ENOMEM);
}

static void a_step_that_does_not_wait_says_so(void **state) {
	struct nlmsghdr request = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = RTM_GETROUTE };

	assert_int_equal(exchange_begin(&exchange, &request), 0);
	say_error(EAGAIN);
	assert_int_equal(exchange_step(&exchange, MSG_DONTWAIT, take, NULL), -EAGAIN);
	say_row(0);
	assert_int_equal(exchange_step(&exchange, MSG_DONTWAIT, take, NULL), 1);
	say_done(0);
	assert_int_equal(exchange_step(&exchange, MSG_DONTWAIT, take, NULL), 0);
	assert_int_equal(exchange_step(&exchange, MSG_DONTWAIT, take, NULL), 0);
}

static void who_has_enough_is_told_no_more(void **state) {
	struct datagram *datagram = next_datagram();

	for (int i = 0; i < 5; i++)
		(void)append(datagram, RTM_NEWROUTE, NLM_F_MULTI, "row", 4);
	take_at_most = 2;
	assert_int_equal(dump(), 0);
	assert_int_equal(taken, 2);
	assert_true(exchange.stopped);
}

static void what_was_lost_on_the_way_is_an_error(void **state) {
	(void)say(NLMSG_OVERRUN, 0, NULL, 0);
	assert_int_equal(dump(), -EOVERFLOW);
}

/* ---- a query ---- */

struct route {
	struct rtmsg head;
	struct nlattr table;
	uint32_t number;
	struct nlattr priority;
	uint32_t metric;
};

static void say_route(uint32_t table, uint32_t metric) {
	const struct route route = {
		.head = { .rtm_family = AF_INET,
			  .rtm_table = (uint8_t)table,
			  .rtm_type = RTN_UNICAST },
		.table = { 8, RTA_TABLE },
		.number = table,
		.priority = { 8, RTA_PRIORITY },
		.metric = metric,
	};

	(void)say(RTM_NEWROUTE, NLM_F_MULTI, &route, sizeof route);
}

static struct block_buffer rows;

/* For the priorities of routes, in JSON. */
static void begin_query(struct query *query, const Usher__Row *filter) {
	char type[] = "route", field[] = "priority";
	struct refusal refusal;

	*query = (struct query){ .consistency = QUERY_ANY };
	assert_int_equal(selection_new((char *[]){ type }, 1, (char *[]){ field }, 1, filter,
				       &refusal, &query->selection),
			 0);
	rows = (struct block_buffer){ 0 };
	query->block = block_new(BLOCK_JSON, 4096, block_to_buffer, &rows);
	assert_int_equal(block_start(query->block), 0);
}

static void end_query(struct query *query) {
	block_free(query->block);
	free(rows.bytes);
	selection_free(query->selection);
}

static void a_filter_that_the_kernel_ignores_is_applied_all_the_same(void **state) {
	Usher__Value hundred = USHER__VALUE__INIT;
	Usher__Member table = USHER__MEMBER__INIT;
	Usher__Row filter = USHER__ROW__INIT;
	struct query query;

	hundred.has_number = true;
	hundred.number = 100;
	table.key = (char[]){ "table" };
	table.value = &hundred;
	filter.members = (Usher__Member *[]){ &table };
	filter.n_members = 1;
	begin_query(&query, &filter);
	for (uint32_t i = 0; i < 10; i++)
		say_route(i % 2 ? 100 : 254, i + 1);
	say_done(0);
	assert_int_equal(query_run(&query, false), 0);
	assert_int_equal(block_flush(query.block), 0);
	assert_int_equal(block_rows(query.block), 5);
	assert_memory_equal(rows.bytes, "{\"priority\":2}\n{\"priority\":4}\n", 30);
	end_query(&query);
}

static void what_was_heard_before_nonsense_is_not_taken_for_all(void **state) {
	struct query query;

	begin_query(&query, NULL);
	say_route(254, 1);
	say_route(254, 2);
	say(RTM_NEWROUTE, 0, NULL, 0)->nlmsg_len = 7;
	assert_int_equal(query_run(&query, false), 0);
	assert_false(query.complete);
	assert_non_null(query.why);
	assert_int_equal(query.code, -EBADMSG);
	assert_int_equal(block_rows(query.block), 2);
	end_query(&query);
}

#define exchange_test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
	const struct CMUnitTest tests[] = {
		exchange_test(a_dump_is_asked_for_when_the_kernel_knows_its_reader),
		exchange_test(what_others_than_the_kernel_say_is_passed_over),
		exchange_test(what_answers_another_request_is_passed_over),
		exchange_test(an_error_at_the_end_of_a_dump_is_one),
		exchange_test(an_end_without_a_code_is_a_good_one),
		exchange_test(a_refusal_has_its_text_and_place),
		exchange_test(a_text_without_an_end_is_as_long_as_its_attribute),
		exchange_test(an_attribute_beyond_the_end_is_no_text),
		exchange_test(a_change_is_noticed_in_any_message),
		exchange_test(a_dump_is_not_ended_by_an_acknowledgement),
		exchange_test(an_error_that_is_none_is_malformed),
		exchange_test(a_length_that_cannot_be_is_malformed),
		exchange_test(what_is_cut_or_has_a_tail_is_malformed),
		exchange_test(a_datagram_larger_than_the_buffer_is_not_taken_for_whole),
		exchange_test(a_dump_that_makes_no_progress_ends),
		exchange_test(an_interruption_is_tried_again_and_silence_is_not),
		exchange_test(a_step_that_does_not_wait_says_so),
		exchange_test(who_has_enough_is_told_no_more),
		exchange_test(what_was_lost_on_the_way_is_an_error),
		exchange_test(a_filter_that_the_kernel_ignores_is_applied_all_the_same),
		exchange_test(what_was_heard_before_nonsense_is_not_taken_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
