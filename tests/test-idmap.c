/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maps of ids: what is a map, and whose the ids in it are. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idmap.h"
#include "ranges.h"
#include "support.h"

static void assert_map(const char *text, size_t n, const struct idmap_line *lines) {
	struct refusal refusal = { 0 };
	struct idmap map;

	if (idmap_parse(&map, "idmap", text, &refusal) != 0)
		fail_msg("'%s': %s", text, refusal.text);
	assert_int_equal(idmap_check(text, &refusal), 0);
	assert_int_equal(map.n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(map.lines[i].inside, lines[i].inside);
		assert_int_equal(map.lines[i].outside, lines[i].outside);
		assert_int_equal(map.lines[i].count, lines[i].count);
	}
}

static void assert_no_map(const char *text, enum refusal_code code, const char *word) {
	struct refusal refusal = { 0 };
	struct idmap map;

	assert_refusal(idmap_parse(&map, "idmap", text, &refusal), code, &refusal, word);
	assert_refusal(idmap_check(text, &refusal), code, &refusal, word);
}

static void a_map_is_ranges_with_commas_between_them(void **state) {
	(void)state;
	assert_map("0 1000 1", 1, (struct idmap_line[]){ { 0, 1000, 1 } });
	assert_map("0 1000 1,1 100000 65535", 2,
		   (struct idmap_line[]){ { 0, 1000, 1 }, { 1, 100000, 65535 } });
	assert_map("5 6 7,0 0 5,100 100 1", 3,
		   (struct idmap_line[]){ { 5, 6, 7 }, { 0, 0, 5 }, { 100, 100, 1 } });
}

static void sec_48_the_last_id_can_be_mapped_and_the_one_behind_it_cannot(void **state) {
	(void)state;
	assert_map("0 0 4294967295", 1, (struct idmap_line[]){ { 0, 0, UINT32_MAX } });
	assert_map("4294967294 4294967294 1", 1,
		   (struct idmap_line[]){ { UINT32_MAX - 1, UINT32_MAX - 1, 1 } });
	assert_no_map("4294967295 0 1", REFUSED_INVALID, "passes the end of ids");
	assert_no_map("0 4294967295 1", REFUSED_INVALID, "passes the end of ids");
	assert_no_map("1 0 4294967295", REFUSED_INVALID, "passes the end of ids");
	assert_no_map("4294967290 0 6", REFUSED_INVALID, "passes the end of ids");
	assert_no_map("4294967296 0 1", REFUSED_INVALID, "INSIDE");
	assert_no_map("0 0 4294967296", REFUSED_INVALID, "INSIDE");
	assert_no_map("0 18446744073709551616 1", REFUSED_INVALID, "INSIDE");
}

static void what_is_no_map_is_refused(void **state) {
	static const char *const texts[] = {
		"",          " ",           "0",
		"0 1",       "a b c",       "0 1 x",
		"0 1 2,",    ",0 1 2",      "0 1 2,,3 4 5",
		"0 1 2,3 4", "0 1 2,3 4 x", "auto",
		"0x1 2 3",   "-1 0 1",      "+1 0 1",
		"0 -1 1",    "1.5 2 3",
	};

	(void)state;
	for (size_t i = 0; i < N_OF(texts); i++)
		assert_no_map(texts[i], REFUSED_INVALID, "idmap:");
	assert_no_map("0 1 2;3 4 5", REFUSED_INVALID, "commas");
	assert_no_map("0 1 2 3", REFUSED_INVALID, "commas");
	assert_no_map("0 1 2\n", REFUSED_INVALID, "commas");
	assert_no_map("0 0 0", REFUSED_INVALID, "empty");
}

/* strtoul(3) takes a minus sign for a number of the other end. */
static void a_sign_is_refused_wherever_it_stands(void **state) {
	(void)state;
	assert_no_map("0 -18446744073709551615 1", REFUSED_INVALID, "idmap:");
	assert_no_map("0 1 -18446744073709551615", REFUSED_INVALID, "idmap:");
	assert_no_map(" -18446744073709551615 1 1", REFUSED_INVALID, "idmap:");
	assert_no_map("0 +1 1", REFUSED_INVALID, "idmap:");
}

static void sec_48_ranges_that_overlap_on_either_side_are_refused(void **state) {
	(void)state;
	assert_no_map("0 0 10,9 100 1", REFUSED_INVALID, "overlap");
	assert_no_map("0 0 10,100 9 1", REFUSED_INVALID, "overlap");
	assert_no_map("5 0 1,0 100 10", REFUSED_INVALID, "overlap");
	assert_no_map("0 100 5,10 90 50", REFUSED_INVALID, "overlap");
	assert_no_map("1 1 1,1 2 1", REFUSED_INVALID, "overlap");
	assert_no_map("4294967290 0 5,4294967294 10 1", REFUSED_INVALID, "overlap");
	assert_map("0 0 10,10 10 1", 2, (struct idmap_line[]){ { 0, 0, 10 }, { 10, 10, 1 } });
	assert_map("10 10 5,0 0 10", 2, (struct idmap_line[]){ { 10, 10, 5 }, { 0, 0, 10 } });
	assert_map("0 0 4294967290,4294967290 4294967290 5", 2,
		   (struct idmap_line[]){ { 0, 0, 4294967290 }, { 4294967290, 4294967290, 5 } });
}

static void as_many_ranges_as_the_kernel_takes_and_no_more(void **state) {
	char *text = calloc(IDMAP_LINES_MAX + 1, 32);
	struct refusal refusal = { 0 };
	struct idmap map;
	size_t used = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < IDMAP_LINES_MAX; i++)
		used += (size_t)sprintf(text + used, "%s%d %d 1", i ? "," : "", 2 * i, 3 * i);
	assert_int_equal(idmap_parse(&map, "idmap", text, &refusal), 0);
	assert_int_equal(map.n, IDMAP_LINES_MAX);
	(void)sprintf(text + used, ",100000 100000 1");
	assert_no_map(text, REFUSED_LIMIT, "340");
	free(text);
}

/* Against a bitmap of the same ids. */
static void random_maps_are_refused_where_an_id_is_there_twice(void **state) {
	unsigned seed = 3;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		bool inside[64] = { false }, outside[64] = { false }, twice = false;
		struct refusal refusal = { 0 };
		char text[128] = "";
		struct idmap map;

		for (int line = 0; line < 3; line++) {
			unsigned a = (unsigned)rand_r(&seed) % 40, b = (unsigned)rand_r(&seed) % 40,
				 n = (unsigned)rand_r(&seed) % 12 + 1;

			(void)sprintf(text + strlen(text), "%s%u %u %u", line ? "," : "", a, b, n);
			for (unsigned i = 0; i < n; i++) {
				twice |= inside[a + i] || outside[b + i];
				inside[a + i] = outside[b + i] = true;
			}
		}
		if ((idmap_parse(&map, "idmap", text, &refusal) != 0) != twice)
			fail_msg("'%s': %s", text, refusal.text);
	}
}

/* ---- whose ids they are ---- */

static const char some[] = "u 100000 65536\nu 165536 10\nu 300000 1\ng 500000 10\n";

static void ones_own_id_is_ones_own(void **state) {
	(void)state;
	assert_true(ranges_cover("", 'u', 1000, 1000, 1));
	assert_true(ranges_cover(NULL, 'u', 1000, 1000, 1));
	assert_false(ranges_cover("", 'u', 1000, 1000, 2));
	assert_false(ranges_cover("", 'u', 1000, 999, 1));
	assert_false(ranges_cover("", 'u', 1000, 0, 1));
	assert_true(ranges_cover("", 'u', 0, 0, 1));
}

static void ids_in_ranges_are_ones_own_to_the_last(void **state) {
	(void)state;
	assert_true(ranges_cover(some, 'u', 1000, 100000, 1));
	assert_true(ranges_cover(some, 'u', 1000, 100000, 65536));
	assert_true(ranges_cover(some, 'u', 1000, 165535, 1));
	assert_false(ranges_cover(some, 'u', 1000, 99999, 1));
	assert_false(ranges_cover(some, 'u', 1000, 99999, 100));
	assert_true(ranges_cover(some, 'u', 1000, 100000, 65546)); /* over two that meet */
	assert_false(ranges_cover(some, 'u', 1000, 100000, 65547));
	assert_true(ranges_cover(some, 'u', 1000, 300000, 1));
	assert_false(ranges_cover(some, 'u', 1000, 300000, 2));
}

static void users_and_groups_have_ranges_of_their_own(void **state) {
	(void)state;
	assert_true(ranges_cover(some, 'g', 1000, 500000, 10));
	assert_false(ranges_cover(some, 'u', 1000, 500000, 1));
	assert_false(ranges_cover(some, 'g', 1000, 100000, 1));
}

static void the_own_id_closes_a_gap(void **state) {
	(void)state;
	assert_true(ranges_cover("u 10 5\nu 16 5\n", 'u', 15, 10, 11));
	assert_false(ranges_cover("u 10 5\nu 16 5\n", 'u', 14, 10, 11));
	assert_true(ranges_cover("u 16 5\nu 10 5\n", 'u', 15, 10, 11));
}

static void ids_beyond_the_end_are_nobodys(void **state) {
	(void)state;
	assert_false(ranges_cover("u 0 99999999999\n", 'u', 0, UINT32_MAX, 1));
	assert_false(ranges_cover("u 0 99999999999\n", 'u', 0, 1, UINT32_MAX));
	assert_true(ranges_cover("u 0 4294967295\n", 'u', 0, 0, UINT32_MAX));
	assert_false(ranges_cover("u 0 4294967294\n", 'u', 7, 0, UINT32_MAX));
}

static void lines_that_are_no_ranges_give_nothing(void **state) {
	static const char *const texts[] = { "garbage", "u",         "u 100", "u x 5",   "x 100 5",
					     "\n\n\n",  "u 100 0\n", "100 5", "uu 100 5" };

	(void)state;
	for (size_t i = 0; i < N_OF(texts); i++)
		assert_false(ranges_cover(texts[i], 'u', 1, 100, 1));
	assert_true(ranges_cover("garbage\nu 100 5", 'u', 1, 100, 5));
}

static void sec_48_no_range_can_wrap_around(void **state) {
	(void)state;
	assert_false(ranges_cover("u 18446744073709551615 2\n", 'u', 1, 0, 1));
	assert_false(ranges_cover("u 10 18446744073709551615\n", 'u', 1, 5, 1));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_is_ranges_with_commas_between_them),
		cmocka_unit_test(sec_48_the_last_id_can_be_mapped_and_the_one_behind_it_cannot),
		cmocka_unit_test(what_is_no_map_is_refused),
		cmocka_unit_test(a_sign_is_refused_wherever_it_stands),
		cmocka_unit_test(sec_48_ranges_that_overlap_on_either_side_are_refused),
		cmocka_unit_test(as_many_ranges_as_the_kernel_takes_and_no_more),
		cmocka_unit_test(random_maps_are_refused_where_an_id_is_there_twice),
		cmocka_unit_test(ones_own_id_is_ones_own),
		cmocka_unit_test(ids_in_ranges_are_ones_own_to_the_last),
		cmocka_unit_test(users_and_groups_have_ranges_of_their_own),
		cmocka_unit_test(the_own_id_closes_a_gap),
		cmocka_unit_test(ids_beyond_the_end_are_nobodys),
		cmocka_unit_test(lines_that_are_no_ranges_give_nothing),
		cmocka_unit_test(sec_48_no_range_can_wrap_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
