/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Escaping loses nothing, and lets nothing through that a bus, a terminal or a log trips over. */

/* cmocka.h wants the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../client/cleanup.h"
#include "../client/escape.h"

static void assert_escapes(const char *bytes, const char *text) {
	_cleanup_free_ char *escaped = usher_escape(bytes), *back = NULL;

	assert_non_null(escaped);
	assert_string_equal(escaped, text);
	assert_int_equal(usher_unescape(escaped, &back), 0);
	assert_string_equal(back, bytes);
}

static void assert_refused(const char *text) {
	char untouched, *back = &untouched;

	assert_int_equal(usher_unescape(text, &back), -EINVAL);
	assert_ptr_equal(back, &untouched);
}

static void plain_text_stays_as_it_is(void **state) {
	(void)state;
	assert_escapes("", "");
	assert_escapes("/mnt/a b~!\"'%", "/mnt/a b~!\"'%");
	assert_escapes("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	assert_escapes("\xe2\x82\xac \xf0\x9f\x97\x9d", "\xe2\x82\xac \xf0\x9f\x97\x9d");
	assert_escapes("\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd");
}

static void what_would_do_harm_is_escaped(void **state) {
	(void)state;
	assert_escapes("\\", "\\x5c");
	assert_escapes("\\x41", "\\x5cx41");
	assert_escapes("a\nb\tc\x1b[0m\x7f", "a\\x0ab\\x09c\\x1b[0m\\x7f");
	assert_escapes("\x01", "\\x01");
}

static void broken_utf8_is_escaped_byte_by_byte(void **state) {
	(void)state;
	assert_escapes("\xff", "\\xff");
	assert_escapes("\x80", "\\x80");
	assert_escapes("\xc3", "\\xc3");
	assert_escapes("\xc3(", "\\xc3(");
	assert_escapes("\xe2\x82", "\\xe2\\x82");
	assert_escapes("\xc0\xaf", "\\xc0\\xaf");
	assert_escapes("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	assert_escapes("\xed\xa0\x80", "\\xed\\xa0\\x80");
	assert_escapes("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	assert_escapes("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80");
	assert_escapes("\xc3\xc3\xbc", "\\xc3\xc3\xbc");
}

static void characters_that_sd_bus_refuses_are_escaped(void **state) {
	(void)state;
	assert_escapes("\xef\xb7\x90", "\\xef\\xb7\\x90");
	assert_escapes("\xef\xbf\xbe", "\\xef\\xbf\\xbe");
	assert_escapes("\xf4\x8f\xbf\xbf", "\\xf4\\x8f\\xbf\\xbf");
}

static void a_bad_escape_is_refused(void **state) {
	(void)state;
	assert_refused("\\");
	assert_refused("\\x");
	assert_refused("\\x4");
	assert_refused("\\x4g");
	assert_refused("\\xg4");
	assert_refused("\\X41");
	assert_refused("\\n");
	assert_refused("\\\\");
	assert_refused("a\\x0");
	assert_refused("/fine/\\x41/not\\");
}

static void no_escape_can_cut_a_string_short(void **state) {
	(void)state;
	assert_refused("\\x00");
	assert_refused("/etc\\x00/safe");
}

static void an_escape_more_than_needed_is_understood(void **state) {
	_cleanup_free_ char *back = NULL;

	(void)state;
	assert_int_equal(usher_unescape("\\x41\\x6A\\xC3\\xbc", &back), 0);
	assert_string_equal(back, "Aj\xc3\xbc");
}

/* Every sequence of up to three bytes that begins or continues in an interesting way. */
static void every_short_string_survives(void **state) {
	static const unsigned char edges[] = { 0x01, 0x1f, 0x20, '\\', 'x',  0x7e, 0x7f, 0x80, 0x8f,
					       0x90, 0x9f, 0xa0, 0xb7, 0xbe, 0xbf, 0xc0, 0xc1, 0xc2,
					       0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff };
	size_t n = sizeof edges, i;

	(void)state;
	for (i = 0; i < n * n * n * n; i++) {
		char bytes[5] = { (char)edges[i % n], (char)edges[i / n % n],
				  (char)edges[i / n / n % n], (char)edges[i / n / n / n], 0 };
		_cleanup_free_ char *text = usher_escape(bytes), *back = NULL;

		assert_non_null(text);
		assert_int_equal(usher_unescape(text, &back), 0);
		assert_string_equal(back, bytes);
	}
}

static void random_bytes_survive_and_arrive_clean(void **state) {
	unsigned seed = 1;
	int round;

	(void)state;
	for (round = 0; round < 20000; round++) {
		char bytes[65] = "";
		_cleanup_free_ char *text = NULL, *back = NULL;
		size_t i, size = (size_t)rand_r(&seed) % sizeof bytes;
		const char *p;

		for (i = 0; i < size; i++)
			bytes[i] = (char)(rand_r(&seed) % 255 + 1);
		bytes[sizeof bytes - 1] = '\0';
		text = usher_escape(bytes);
		assert_non_null(text);
		for (p = text; *p; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		assert_int_equal(usher_unescape(text, &back), 0);
		assert_string_equal(back, bytes);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays_as_it_is),
		cmocka_unit_test(what_would_do_harm_is_escaped),
		cmocka_unit_test(broken_utf8_is_escaped_byte_by_byte),
		cmocka_unit_test(characters_that_sd_bus_refuses_are_escaped),
		cmocka_unit_test(a_bad_escape_is_refused),
		cmocka_unit_test(no_escape_can_cut_a_string_short),
		cmocka_unit_test(an_escape_more_than_needed_is_understood),
		cmocka_unit_test(every_short_string_survives),
		cmocka_unit_test(random_bytes_survive_and_arrive_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
