/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has the service read too much is not read for a while, and nobody else notices. */

#include "effort.h"
#include "support.h"

enum { ALICE = 51001, BOB = 51002, MILLISECOND = 1000000 };

static const uint64_t second = 1000000;

static void who_has_not_been_read_owes_nothing(void **state) {
	struct effort effort = { 0 };

	assert_false(effort_is_spent(&effort, ALICE, second));
}

static void many_small_calls_are_never_too_much(void **state) {
	struct effort effort = { 0 };
	uint64_t now = second;

	for (int i = 0; i < 100000; i++, now += 100) {
		effort_note(&effort, ALICE, 80000, now);
		assert_false(effort_is_spent(&effort, ALICE, now));
	}
}

static void a_large_one_is_read_and_the_next_is_not(void **state) {
	struct effort effort = { 0 };

	effort_note(&effort, ALICE, 80 * MILLISECOND, second);
	assert_true(effort_is_spent(&effort, ALICE, second));
	assert_false(effort_is_spent(&effort, BOB, second));
}

static void it_is_over_in_time(void **state) {
	struct effort effort = { 0 };

	effort_note(&effort, ALICE, 80 * MILLISECOND, second);
	assert_true(effort_is_spent(&effort, ALICE, second + second / 2));
	assert_false(effort_is_spent(&effort, ALICE, 2 * second));
}

static void root_is_always_read(void **state) {
	struct effort effort = { 0 };

	effort_note(&effort, 0, 1000 * (uint64_t)MILLISECOND, second);
	assert_false(effort_is_spent(&effort, 0, second));
}

static void of_more_users_than_are_remembered_those_who_owe_most_are(void **state) {
	struct effort effort = { 0 };

	effort_note(&effort, ALICE, 500 * MILLISECOND, second);
	for (uid_t uid = 60000; uid < 60000 + 4 * EFFORT_USERS_MAX; uid++)
		effort_note(&effort, uid, MILLISECOND, second);
	assert_true(effort_is_spent(&effort, ALICE, second));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_not_been_read_owes_nothing),
		cmocka_unit_test(many_small_calls_are_never_too_much),
		cmocka_unit_test(a_large_one_is_read_and_the_next_is_not),
		cmocka_unit_test(it_is_over_in_time),
		cmocka_unit_test(root_is_always_read),
		cmocka_unit_test(of_more_users_than_are_remembered_those_who_owe_most_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
