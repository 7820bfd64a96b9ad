/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people get to read of names that strangers chose. */

/* cmocka.h wants the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>

#include "text.h"
#include "usher.h"

static const struct {
	const char *name, *text;
} names[] = {
	{ "", "" },
	{ "plain/name with spaces", "plain/name with spaces" },
	{ "ümläut 漢字 \xf0\x9f\x8e\x89", "ümläut 漢字 \xf0\x9f\x8e\x89" },
	{ "back\\slash", "back\\x5cslash" },
	{ "a\nb\x1b[2J\x7f", "a\\x0ab\\x1b[2J\\x7f" },
	{ "\xff\xc3", "\\xff\\xc3" },
	{ "C1 \xc2\x9b"
	  "31m",
	  "C1 \\xc2\\x9b31m" },
	{ "\xe2\x80\xae"
	  "gnp.exe",
	  "\\xe2\\x80\\xaegnp.exe" }, /* U+202E: right to left from here */
	{ "\xe2\x81\xa6x\xe2\x81\xa9", "\\xe2\\x81\\xa6x\\xe2\\x81\\xa9" }, /* isolates */
	{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },                              /* ends a line */
	{ "a\xe2\x80\x8b"
	  "b",
	  "a\\xe2\\x80\\x8b"
	  "b" }, /* of no width */
	{ "\xef\xbb\xbfx", "\\xef\\xbb\\xbfx" },
	{ "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81" }, /* a tag */
	{ "\xc2\xa0\xe2\x80\x90\xe2\x80\xaf", "\xc2\xa0\xe2\x80\x90\xe2\x80\xaf" },
};

static void names_lose_what_fools_who_reads_them_and_nothing_else(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *text = text_from_name(names[i].name), *back;

		assert_string_equal(text, names[i].text);
		assert_int_equal(usher_unescape(text, &back), 0);
		assert_string_equal(back, names[i].name);
		free(back);
		free(text);
	}
}

static void what_is_escaped_in_a_sentence_stays_as_it_is(void **state) {
	static const char sentence[] = "'a\\x0ab' of \\x5c and \\: is\n\xe2\x80\xae no\xfe";
	char *text = text_from_sentence(sentence);

	(void)state;
	assert_string_equal(text, "'a\\x0ab' of \\x5c and \\: is\\x0a\\xe2\\x80\\xae no\\xfe");
	free(text);
}

static void json_stays_the_same_without_what_fools_who_reads_it(void **state) {
	static const struct {
		const char *json, *text;
	} cases[] = {
		{ "{\"a\":\"\\u202e\\\"\"}", "{\"a\":\"\\u202e\\\"\"}" },
		{ "\"\xe2\x80\xaeolleh\"", "\"\\u202eolleh\"" },
		{ "\"\xc2\x80\xc2\x9b\"", "\"\\u0080\\u009b\"" },
		{ "\"\xf3\xa0\x81\x81\"", "\"\\udb40\\udc41\"" },
		{ "\"\xe2", "\"\xe2" }, /* cut short */
		{ "\"\xf0\x9f", "\"\xf0\x9f" },
		{ "\"\xc3\xa4\xc2\xa0\xe2\x82\xac\xf0\x9f\x98\x80\"",
		  "\"\xc3\xa4\xc2\xa0\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *text = text_from_json(cases[i].json);

		assert_string_equal(text, cases[i].text);
		free(text);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_lose_what_fools_who_reads_them_and_nothing_else),
		cmocka_unit_test(what_is_escaped_in_a_sentence_stays_as_it_is),
		cmocka_unit_test(json_stays_the_same_without_what_fools_who_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
