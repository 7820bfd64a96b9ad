/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a user may have, and what the administrator says about it. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complaints.h"
#include "configuration.h"
#include "support.h"

/* ---- a tree of files ---- */

static char root[] = "/tmp/usher-test-limits-XXXXXX";

static int make_root(void **state) {
	return mkdtemp(strcpy(root, "/tmp/usher-test-limits-XXXXXX")) ? 0 : -1;
}

static int remove_root(void **state) {
	char command[128];

	(void)snprintf(command, sizeof command, "rm -r %s", root);
	return system(command);
}

static void put(const char *path, const char *text) {
	char command[256], whole[256];
	FILE *file;

	(void)snprintf(command, sizeof command, "mkdir -p $(dirname %s/%s)", root, path);
	assert_int_equal(system(command), 0);
	(void)snprintf(whole, sizeof whole, "%s/%s", root, path);
	file = fopen(whole, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static uint64_t limit_after(enum limit limit) {
	struct configuration configuration;

	complaints_forget();
	configuration_read(&configuration, root);
	return configuration.limits.value[limit];
}

static void without_a_file_it_is_as_usual(void **state) {
	struct configuration configuration;

	configuration_read(&configuration, root);
	assert_memory_equal(&configuration.limits, &limits_usual, sizeof limits_usual);
	assert_string_equal(complaints_last(), "");
}

static void where_ids_are_to_be_had_is_said_beside_the_limits(void **state) {
	struct configuration configuration;

	put("etc/usher/usherd.conf", "[Ids]\nPool=600000-699999\nSize=1000\n[Limits]\nMounts=5\n");
	configuration_read(&configuration, root);
	assert_int_equal(configuration.ids.first, 600000);
	assert_int_equal(configuration.ids.last, 699999);
	assert_int_equal(configuration.ids.size, 1000);
	assert_int_equal(configuration.limits.value[LIMIT_MOUNTS], 5);
	put("etc/usher/usherd.conf", "[Ids]\nPool=0-699999\nSize=none\nX=1\n");
	configuration_read(&configuration, root);
	assert_memory_equal(&configuration.ids, &id_pool_bounds_usual, sizeof configuration.ids);
	assert_non_null(
		strstr(complaints_last(), "usherd.conf:2: not a range that can be: '0-699999'"));
}

static void what_the_file_says_holds(void **state) {
	put("etc/usher/usherd.conf", "# a comment\n[Limits]\nMounts = 5\nQueuedBytes=2M\n");
	assert_int_equal(limit_after(LIMIT_MOUNTS), 5);
	assert_int_equal(limit_after(LIMIT_QUEUED_BYTES), 2 << 20);
	assert_int_equal(limit_after(LIMIT_CALLS), 64);
	assert_string_equal(complaints_last(), "");
}

static void the_file_of_the_administrator_stands_for_the_distributions(void **state) {
	put("usr/lib/usher/usherd.conf", "[Limits]\nMounts=5\nCalls=7\n");
	assert_int_equal(limit_after(LIMIT_MOUNTS), 5);
	put("etc/usher/usherd.conf", "[Limits]\nMounts=6\n");
	assert_int_equal(limit_after(LIMIT_MOUNTS), 6);
	assert_int_equal(limit_after(LIMIT_CALLS), 64);
}

static void drop_ins_come_after_it_in_the_order_of_their_names(void **state) {
	put("etc/usher/usherd.conf", "[Limits]\nMounts=1\n");
	put("usr/lib/usher/usherd.conf.d/20-b.conf", "[Limits]\nMounts=20\n");
	put("etc/usher/usherd.conf.d/10-a.conf", "[Limits]\nMounts=10\nCalls=10\n");
	put("run/usher/usherd.conf.d/15-c.conf", "[Limits]\nCalls=15\n");
	put("etc/usher/usherd.conf.d/30-no", "[Limits]\nMounts=30\n");
	put("etc/usher/usherd.conf.d/.40.conf", "[Limits]\nMounts=40\n");
	assert_int_equal(limit_after(LIMIT_MOUNTS), 20);
	assert_int_equal(limit_after(LIMIT_CALLS), 15);
	/* of one name the administrator's stands for all */
	put("etc/usher/usherd.conf.d/20-b.conf", "");
	assert_int_equal(limit_after(LIMIT_MOUNTS), 10);
}

static void what_is_wrong_is_told_with_its_line_and_the_rest_holds(void **state) {
	static const struct {
		const char *text, *told;
	} wrong[] = {
		{ "[Limits]\nCalls=3\nMount=5\n", "usherd.conf:3: unknown key 'Mount'" },
		{ "[Limit]\nMounts=5\n[Limits]\nCalls=3\n",
		  "usherd.conf:2: unknown section 'Limit'" },
		{ "[Limits]\nMounts=-5\nCalls=3\n",
		  "usherd.conf:2: not a number that can be: '-5'" },
		{ "[Limits]\nMounts=\nCalls=3\n", "usherd.conf:2: not a number that can be: ''" },
		{ "[Limits]\nMounts 5\nCalls=3\n", "usherd.conf:2: neither a key nor a section" },
		{ "Mounts=5\n[Limits]\nCalls=3\n", "usherd.conf:1: unknown section ''" },
		{ "[Limits]\nCalls=3\nMounts=4294967296\n",
		  "usherd.conf:3: not a number that can be: '4294967296'" },
	};

	for (size_t i = 0; i < N_OF(wrong); i++) {
		put("etc/usher/usherd.conf", wrong[i].text);
		assert_int_equal(limit_after(LIMIT_MOUNTS), 1000);
		assert_int_equal(limit_after(LIMIT_CALLS), 3);
		if (!strstr(complaints_last(), wrong[i].told))
			fail_msg("%s: said '%s'", wrong[i].told, complaints_last());
	}
}

static void a_line_is_a_line_however_long_and_wherever_it_begins(void **state) {
	char text[700];

	for (int n = 175; n < 205; n++) {
		(void)snprintf(text, sizeof text,
			       "[Limits]\n#%*sMounts=5\n  Calls=3\n\tObjects=4\n;%*s\nX=1\n", n, "",
			       n, "");
		put("etc/usher/usherd.conf", text);
		assert_int_equal(limit_after(LIMIT_MOUNTS), 1000);
		assert_int_equal(limit_after(LIMIT_CALLS), 3);
		assert_int_equal(limit_after(LIMIT_OBJECTS), 4);
		assert_non_null(strstr(complaints_last(), "usherd.conf:6: unknown key 'X'"));
	}
}

static void a_file_that_cannot_be_read_is_told(void **state) {
	put("etc/usher/usherd.conf/directory", "");
	assert_int_equal(limit_after(LIMIT_MOUNTS), 1000);
	assert_non_null(strstr(complaints_last(), "usherd.conf"));
}

static void numbers_are_numbers(void **state) {
	static const struct {
		enum limit limit;
		const char *text;
		bool good;
		uint64_t value;
	} texts[] = {
		{ LIMIT_CALLS, "0", true, 0 },
		{ LIMIT_CALLS, "4294967295", true, UINT32_MAX },
		{ LIMIT_CALLS, "4294967296", false, 0 },
		{ LIMIT_CALLS, "1K", false, 0 },
		{ LIMIT_CALLS, "0x10", false, 0 },
		{ LIMIT_CALLS, " 1", false, 0 },
		{ LIMIT_CALLS, "+1", false, 0 },
		{ LIMIT_CALLS, "1 ", false, 0 },
		{ LIMIT_QUEUED_BYTES, "1K", true, 1024 },
		{ LIMIT_QUEUED_BYTES, "3G", true, UINT64_C(3) << 30 },
		{ LIMIT_QUEUED_BYTES, "1KK", false, 0 },
		{ LIMIT_QUEUED_BYTES, "1k", false, 0 },
		{ LIMIT_QUEUED_BYTES, "18446744073709551615", true, UINT64_MAX },
		{ LIMIT_QUEUED_BYTES, "18446744073709551616", false, 0 },
		{ LIMIT_QUEUED_BYTES, "18446744073709551615K", false, 0 },
	};

	for (size_t i = 0; i < N_OF(texts); i++) {
		uint64_t value = 7;

		if (limit_parse(texts[i].limit, texts[i].text, &value) != texts[i].good)
			fail_msg("%s", texts[i].text);
		assert_int_equal(value, texts[i].good ? texts[i].value : 7);
	}
}

static void the_limit_itself_may_be_had_and_zero_is_none(void **state) {
	struct limits limits = limits_usual;
	struct refusal refusal = { 0 };

	assert_int_equal(limit_check(&limits, LIMIT_MOUNTS, 1000, &refusal), 0);
	assert_int_equal(limit_check(&limits, LIMIT_MOUNTS, 1001, &refusal), REFUSED_LIMIT);
	assert_string_equal(refusal.text, "the limit Mounts=1000 of a user is reached");
	limits.value[LIMIT_MOUNTS] = 0;
	assert_int_equal(limit_check(&limits, LIMIT_MOUNTS, UINT64_MAX, &refusal), 0);
}

/* The interface's file has each of them, with its type, and no other. */
static void every_limit_is_a_property(void **state) {
	char *xml = source_file("interfaces/org.usher1.Limits.xml"), *at = xml;
	char line[128];

	for (enum limit limit = 0; limit < _LIMIT_MAX; limit++) {
		(void)snprintf(line, sizeof line, "<property name=\"%s\" type=\"%s\"",
			       limit_name(limit), limit_type(limit));
		at = strstr(at, line);
		assert_non_null(at);
		at++;
	}
	assert_null(strstr(at, "<property"));
	free(xml);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_a_file_it_is_as_usual, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(where_ids_are_to_be_had_is_said_beside_the_limits,
						make_root, remove_root),
		cmocka_unit_test_setup_teardown(what_the_file_says_holds, make_root, remove_root),
		cmocka_unit_test_setup_teardown(
			the_file_of_the_administrator_stands_for_the_distributions, make_root,
			remove_root),
		cmocka_unit_test_setup_teardown(drop_ins_come_after_it_in_the_order_of_their_names,
						make_root, remove_root),
		cmocka_unit_test_setup_teardown(
			what_is_wrong_is_told_with_its_line_and_the_rest_holds, make_root,
			remove_root),
		cmocka_unit_test_setup_teardown(
			a_line_is_a_line_however_long_and_wherever_it_begins, make_root,
			remove_root),
		cmocka_unit_test_setup_teardown(a_file_that_cannot_be_read_is_told, make_root,
						remove_root),
		cmocka_unit_test(numbers_are_numbers),
		cmocka_unit_test(the_limit_itself_may_be_had_and_zero_is_none),
		cmocka_unit_test(every_limit_is_a_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
