/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What waits for those who monitor: in which order, how much of it, and for whom; what the kernel's
 * filter lets through; and what one that has gone may have hidden in a dump. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/narrow.h"
#include "netlink/news.h"
#include "netlink/roll.h"
#include "netlink/seams.h"
#include "netlink/told.h"
#include "support.h"

/* ---- news ---- */

static const struct netlink_type routes = { .name = "route",
					    .new = RTM_NEWROUTE,
					    .del = RTM_DELROUTE },
				 links = { .name = "link", .new = RTM_NEWLINK, .del = RTM_DELLINK };

static void happens(struct news *news, enum usher_netlink_action action, uint32_t object,
		    uint32_t state) {
	assert_int_equal(news_put(news, &routes, action, (const uint8_t *)&object, sizeof object,
				  (const uint8_t *)&state, sizeof state),
			 0);
}

/* What comes next for a reader, which has seen it then. */
static void expect(struct news_reader *reader, uint32_t object, uint32_t state) {
	assert_non_null(reader->at);
	assert_memory_equal(reader->at->bytes, &object, sizeof object);
	assert_memory_equal(news_message(reader->at), &state, sizeof state);
	news_advance(reader);
}

static void of_an_object_only_the_last_is_told_and_in_its_order(void **state) {
	struct news news;
	struct news_reader reader;

	assert_int_equal(news_init(&news), 0);
	news_join(&news, &reader);
	happens(&news, USHER_NETLINK_NEW, 1, 10);
	happens(&news, USHER_NETLINK_NEW, 2, 20);
	happens(&news, USHER_NETLINK_CHANGE, 1, 11);
	expect(&reader, 2, 20);
	expect(&reader, 1, 11);
	assert_null(reader.at);
	news_trim(&news);
	assert_int_equal(news.n, 0);
	assert_int_equal(news.bytes, 0);
	news_done(&news);
}

static void objects_of_two_types_are_two(void **state) {
	struct news news;
	struct news_reader reader;
	const uint32_t key = 1;

	assert_int_equal(news_init(&news), 0);
	news_join(&news, &reader);
	happens(&news, USHER_NETLINK_NEW, 1, 10);
	assert_int_equal(news_put(&news, &links, USHER_NETLINK_NEW, (const uint8_t *)&key,
				  sizeof key, (const uint8_t *)&key, sizeof key),
			 0);
	assert_int_equal(news.n, 2);
	news_done(&news);
}

static void what_is_new_to_one_is_not_to_another(void **state) {
	struct news news;
	struct news_reader late, early;

	assert_int_equal(news_init(&news), 0);
	news_join(&news, &late);
	news_join(&news, &early);
	happens(&news, USHER_NETLINK_NEW, 1, 10);
	expect(&early, 1, 10);
	happens(&news, USHER_NETLINK_CHANGE, 1, 11);
	assert_true(news_is_new(&late));
	assert_false(news_is_new(&early));
	news_done(&news);
}

static void nothing_is_kept_that_nobody_waits_for(void **state) {
	struct news news;
	struct news_reader late, early;

	assert_int_equal(news_init(&news), 0);
	news_join(&news, &late);
	happens(&news, USHER_NETLINK_NEW, 1, 10);
	news_join(&news, &early);
	assert_null(early.at);
	news_trim(&news);
	assert_int_equal(news.n, 1);
	news_leave(&news, &late);
	news_trim(&news);
	assert_int_equal(news.n, 0);
	happens(&news, USHER_NETLINK_NEW, 2, 20);
	news_skip(&news, &early);
	news_trim(&news);
	assert_int_equal(news.n, 0);
	news_done(&news);
}

static void what_waits_is_never_more_than_there_are_objects(void **state) {
	struct news news;
	struct news_reader reader;

	assert_int_equal(news_init(&news), 0);
	news_join(&news, &reader);
	for (uint32_t i = 0; i < 100000; i++)
		happens(&news, USHER_NETLINK_CHANGE, i % 3000, i);
	assert_int_equal(news.n, 3000);
	for (uint32_t i = 97000; i < 100000; i++)
		expect(&reader, i % 3000, i);
	news_done(&news);
}

static void messages_without_a_key_are_all_told(void **state) {
	struct news news;
	struct news_reader reader;

	assert_int_equal(news_init(&news), 0);
	news_join(&news, &reader);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(news_put(&news, &routes, USHER_NETLINK_NEW, NULL, 0,
					  (const uint8_t *)&i, sizeof i),
				 0);
	assert_int_equal(news.n, 100);
	news_done(&news);
}

/* ---- who has been told of what ---- */

static void a_set_has_what_was_added_and_not_removed(void **state) {
	enum { NUMBERS = 5000, ROUNDS = 200000 };

	static bool has[NUMBERS];
	struct told told = { 0 };
	unsigned random = 1;
	size_t n = 0;

	memset(has, 0, sizeof has);
	for (int i = 0; i < ROUNDS; i++) {
		/* many of them have the same place */
		uint64_t number = (random = random * 1103515245U + 12345) >> 8 & 0xfff;
		bool add = random >> 24 & 1;

		number = number % NUMBERS;
		if (add) {
			assert_int_equal(told_add(&told, number << 4), !has[number]);
			n += !has[number];
		} else {
			assert_int_equal(told_remove(&told, number << 4), has[number]);
			n -= has[number];
		}
		has[number] = add;
		assert_int_equal(told.n, n);
	}
	for (uint64_t i = 0; i < NUMBERS; i++)
		assert_int_equal(told_has(&told, i << 4), has[i]);
	told_clear(&told);
}

/* ---- the kernel's filter ---- */

struct message {
	struct nlmsghdr head;
	struct rtmsg route;
};

static bool passes(const struct narrow_wish *wishes, size_t n, uint16_t type, uint8_t family,
		   uint8_t table) {
	const struct message message = { .head = { .nlmsg_len = sizeof message,
						   .nlmsg_type = type },
					 .route = { .rtm_family = family, .rtm_table = table } };
	struct message heard;
	int pair[2];
	bool passed;

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	assert_int_equal(narrow_apply(pair[1], wishes, n), 0);
	assert_int_equal(send(pair[0], &message, sizeof message, MSG_DONTWAIT), sizeof message);
	passed = recv(pair[1], &heard, sizeof heard, MSG_DONTWAIT) == sizeof heard;
	(void)close(pair[0]);
	(void)close(pair[1]);
	return passed;
}

static const struct narrow_test of_table = { .offset = offsetof(struct rtmsg, rtm_table),
					     .width = 1,
					     .n = 2,
					     .values = { 100, 254 } },
				of_family = { .offset = offsetof(struct rtmsg, rtm_family),
					      .width = 1,
					      .n = 1,
					      .values = { AF_INET6 } };

static void the_filter_lets_through_what_somebody_wants(void **state) {
	const struct narrow_wish wishes[] = {
		{ &routes, 2, { of_table, of_family } },
		{ &links, 0, {} },
		{ &routes, 1, { { .offset = 4, .width = 1, .n = 1, .values = { 7 } } } },
	};

	for (uint16_t type = RTM_NEWROUTE; type <= RTM_DELROUTE; type++) {
		assert_true(passes(wishes, 3, type, AF_INET6, 100));
		assert_true(passes(wishes, 3, type, AF_INET6, 254));
		assert_false(passes(wishes, 3, type, AF_INET, 254));
		assert_false(passes(wishes, 3, type, AF_INET6, 253));
		assert_true(passes(wishes, 3, type, AF_INET, 7));
	}
	assert_true(passes(wishes, 3, RTM_NEWLINK, 0, 0));
	assert_false(passes(wishes, 3, RTM_NEWADDR, 0, 0));
}

static void who_wants_everything_is_not_filtered_for(void **state) {
	struct narrow_wish wishes[] = { { &routes, 1, { of_table } }, { &routes, 0, {} } };
	static struct sock_filter program[NARROW_PROGRAM_MAX];

	assert_int_equal(narrow_compile(wishes, 2, program), 0);
	assert_int_not_equal(narrow_compile(wishes, 1, program), 0);
	assert_int_equal(narrow_compile(NULL, 0, program), 0);
}

/* Too many for a program: then the kernel tells everything. */
static void a_filter_that_would_be_too_long_is_none(void **state) {
	static struct narrow_wish wishes[1000];
	static struct sock_filter program[NARROW_PROGRAM_MAX];

	for (size_t i = 0; i < 1000; i++)
		wishes[i] = (struct narrow_wish){ &routes, 1, { of_table } };
	assert_int_equal(narrow_compile(wishes, 1000, program), 0);
	assert_true(passes(wishes, 1000, RTM_NEWROUTE, AF_INET, 1));
}

/* ---- seams ---- */

struct route_message {
	struct nlmsghdr head;
	struct rtmsg route;
	struct nlattr attribute;
	uint32_t address;
};

static struct route_message route_to(uint8_t family, uint32_t address) {
	return (struct route_message){
		.head = { .nlmsg_len = sizeof(struct route_message) },
		.route = { .rtm_family = family },
		.attribute = { .nla_len = sizeof(struct nlattr) + sizeof address,
			       .nla_type = RTA_DST },
		.address = htonl(address),
	};
}

static void row(struct seams *seams, unsigned datagram, uint32_t address) {
	struct route_message message = route_to(AF_INET, address);

	assert_int_equal(seams_row(seams, datagram, &message.head), 0);
}

static void goes(struct seams *seams, uint8_t family, uint32_t address) {
	struct route_message message = route_to(family, address);

	assert_int_equal(seams_gone(seams, &message.head), 0);
}

/* Two datagrams, between which there is 20 to 30, and an end. */
static void dump(struct seams *seams, bool alone) {
	seams_begin(seams);
	row(seams, 0, 10);
	row(seams, 0, 20);
	row(seams, 1, 30);
	row(seams, 1, 40);
	assert_int_equal(seams_end(seams, alone), 0);
}

static void only_what_goes_where_a_datagram_ended_may_hide_another(void **state) {
	static const struct {
		uint32_t address;
		bool hides, hides_behind;
	} cases[] = {
		{ 10, false, false }, { 19, false, false }, { 20, true, true },
		{ 25, true, true },   { 30, true, true },   { 31, false, false },
		{ 39, false, false }, { 40, false, true },  { UINT32_MAX, false, true },
	};
	struct seams seams = { 0 };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		dump(&seams, false);
		goes(&seams, AF_INET6, cases[i].address);
		assert_false(seams_may_hide(&seams));
		goes(&seams, AF_INET, cases[i].address);
		assert_int_equal(seams_may_hide(&seams), cases[i].hides);
		dump(&seams, true);
		goes(&seams, AF_INET, cases[i].address);
		assert_int_equal(seams_may_hide(&seams), cases[i].hides_behind);
	}
	seams_done(&seams);
}

static void where_a_table_ends_with_a_datagram_its_rest_and_the_start_of_the_next_count(
	void **state) {
	static const uint32_t hides[] = { 90, 95, 0, 5, 10 }, harmless[] = { 89, 11, 50 };
	struct seams seams = { 0 };

	for (size_t i = 0; i < sizeof hides / sizeof *hides; i++) {
		seams_begin(&seams);
		goes(&seams, AF_INET, hides[i]);
		row(&seams, 0, 90);
		row(&seams, 1, 10);
		assert_int_equal(seams_end(&seams, false), 0);
		for (size_t j = 0; j < sizeof harmless / sizeof *harmless; j++)
			goes(&seams, AF_INET, harmless[j]);
		assert_true(seams_may_hide(&seams));
	}
	seams_begin(&seams);
	row(&seams, 0, 90);
	row(&seams, 1, 10);
	for (size_t j = 0; j < sizeof harmless / sizeof *harmless; j++)
		goes(&seams, AF_INET, harmless[j]);
	assert_false(seams_may_hide(&seams));
	seams_done(&seams);
}

static void many_that_go_are_each_known_once(void **state) {
	struct seams seams = { 0 };

	seams_begin(&seams);
	for (uint32_t i = 0; i < 30000; i++)
		goes(&seams, AF_INET, i * 7919 % 10000 * 10);
	assert_int_equal(seams.n_gone, 10000);
	for (uint32_t i = 0; i < 200; i++)
		row(&seams, i, i * 10 + 1 + i % 2);
	assert_true(seams_may_hide(&seams));
	seams_begin(&seams);
	for (uint32_t i = 0; i < 30000; i++)
		goes(&seams, AF_INET, i * 7919 % 10000 * 10);
	for (uint32_t i = 0; i < 8; i++)
		row(&seams, i, 500001 + i);
	assert_false(seams_may_hide(&seams));
	seams_done(&seams);
}

/* ---- the roll ---- */

/* Each letter is somebody, and a bar the end of a datagram. */
static struct roll called(const char *letters) {
	struct roll roll = { 0 };
	unsigned datagram = 0;

	for (; *letters; letters++)
		if (*letters == '|')
			datagram++;
		else
			assert_int_equal(roll_add(&roll, (uint64_t)*letters, datagram), 0);
	return roll;
}

static void who_was_passed_over_stands_where_a_datagram_ended(void **state) {
	static const struct {
		const char *told, *again;
		bool doubtful;
	} cases[] = {
		{ "", "", false },
		{ "abc|def", "abcdef", false },
		{ "abc|def", "abc|xdef", true },
		{ "abc|def", "axbcdeyfz", false }, /* who has come */
		{ "abc|def", "acdef", false },     /* who has gone */
		{ "abc|def", "axef", true },       /* ... from where it ended */
		{ "abc|def", "xdef", true },
		{ "abc|def", "abcx", true },
		{ "abc|def|ghi", "abcdefxghi", true },
		{ "abc|cdef", "abcdef", true },  /* told twice */
		{ "aab|def", "aabxdef", false }, /* numbers are not everybody's own */
		{ "abc|def", "defabc", true },
		{ "abc|def", "", true },
		{ "abc", "xyz", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct roll told = called(cases[i].told), again = called(cases[i].again);
		bool doubtful = !cases[i].doubtful;

		assert_int_equal(roll_compare(&told, &again, &doubtful), 0);
		if (doubtful != cases[i].doubtful)
			fail_msg("%s, %s", cases[i].told, cases[i].again);
		roll_done(&told);
		roll_done(&again);
	}
}

static void a_roll_of_many_is_compared(void **state) {
	struct roll told = { 0 }, again = { 0 };
	bool doubtful;

	for (uint64_t i = 0; i < 100000; i++) {
		assert_int_equal(roll_add(&told, i * 0x10001, (unsigned)(i / 500)), 0);
		assert_int_equal(roll_add(&again, i * 0x10001, 0), 0);
		if (i == 77777) /* in the middle of a datagram */
			assert_int_equal(roll_add(&again, 5, 0), 0);
	}
	assert_int_equal(roll_compare(&told, &again, &doubtful), 0);
	assert_false(doubtful);
	told.entries[77778].datagram = 1000;
	assert_int_equal(roll_compare(&told, &again, &doubtful), 0);
	assert_true(doubtful);
	roll_done(&told);
	roll_done(&again);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_an_object_only_the_last_is_told_and_in_its_order),
		cmocka_unit_test(objects_of_two_types_are_two),
		cmocka_unit_test(what_is_new_to_one_is_not_to_another),
		cmocka_unit_test(nothing_is_kept_that_nobody_waits_for),
		cmocka_unit_test(what_waits_is_never_more_than_there_are_objects),
		cmocka_unit_test(messages_without_a_key_are_all_told),
		cmocka_unit_test(a_set_has_what_was_added_and_not_removed),
		cmocka_unit_test(the_filter_lets_through_what_somebody_wants),
		cmocka_unit_test(who_wants_everything_is_not_filtered_for),
		cmocka_unit_test(a_filter_that_would_be_too_long_is_none),
		cmocka_unit_test(only_what_goes_where_a_datagram_ended_may_hide_another),
		cmocka_unit_test(
			where_a_table_ends_with_a_datagram_its_rest_and_the_start_of_the_next_count),
		cmocka_unit_test(many_that_go_are_each_known_once),
		cmocka_unit_test(who_was_passed_over_stands_where_a_datagram_ended),
		cmocka_unit_test(a_roll_of_many_is_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
