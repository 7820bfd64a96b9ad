/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of usher: how options of mounts are split, and what is refused. */

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
#include <unistd.h>

#include "../client/cleanup.h"
#include "../client/cli/arguments.h"
#include "../client/cli/making.h"
#include "../client/cli/moment.h"
#include "../client/cli/quantity.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define ARGV_MAX  16

static const struct parameter parameters[] = {
	{ "type", 't', PARAMETER_TYPE, "TYPE", "" },
	{ "options", 'o', PARAMETER_WORDS, "WORDS", "" },
	{ "option", 'O', PARAMETER_WORD, "WORD", "" },
	{ "read-only", 'r', PARAMETER_READ_ONLY, NULL, "" },
	{ "idmap", 0, PARAMETER_IDMAP, "MAP", "" },
	{ "idmap-pid", 0, PARAMETER_IDMAP_PID, "PID", "" },
	{ NULL, 0, 0, NULL, NULL },
};

static void assert_words(const struct words *words, const char *const expected[]) {
	size_t i;

	for (i = 0; expected[i]; i++) {
		assert_true(i < words->count);
		assert_string_equal(words->items[i], expected[i]);
	}
	assert_int_equal(words->count, i);
	if (words->items)
		assert_null(words->items[i]);
}

static void assert_split(const char *text, const char *const expected[]) {
	_cleanup_(words_done) struct words words = WORDS_INIT;

	assert_int_equal(words_split(&words, text), 0);
	assert_words(&words, expected);
}

static void assert_not_split(const char *text) {
	_cleanup_(words_done) struct words words = WORDS_INIT;

	assert_int_equal(words_split(&words, text), -EINVAL);
}

/* Of a command that runs another. */
static const struct parameter program_parameters[] = {
	MAKING_TYPES,
	MAKING_IDS,
	MAKING_INTERIOR,
	{ "limit", 0, PARAMETER_LIMIT, "LIMIT", "" },
	{ "memory", 0, PARAMETER_MEMORY, "BYTES", "" },
	{ "nice", 0, PARAMETER_NICE, "NUMBER", "" },
	{ "uid", 0, PARAMETER_UID, "ID", "" },
	{ "groups", 0, PARAMETER_GROUPS, "ID,...", "" },
	{ NULL, 0, 0, NULL, NULL },
};

/* Parses with what it says on standard error caught in ret_said. */
static int parse(struct arguments *a, const struct parameter *own, const char *const words[],
		 char ret_said[static 512]) {
	static char copies[ARGV_MAX][256];
	static char *argv[ARGV_MAX + 1];
	_cleanup_(cleanup_file) FILE *caught = tmpfile();
	_cleanup_close_ int saved = dup(STDERR_FILENO);
	int argc = 0, r;

	assert_non_null(caught);
	for (; words[argc]; argc++) {
		assert_true(argc < ARGV_MAX);
		snprintf(copies[argc], sizeof copies[argc], "%s", words[argc]);
		argv[argc] = copies[argc];
	}
	argv[argc] = NULL;
	dup2(fileno(caught), STDERR_FILENO);
	r = arguments_parse(a, own, own == program_parameters, argc, argv);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	rewind(caught);
	ret_said[fread(ret_said, 1, 511, caught)] = '\0';
	return r;
}

static void assert_accepted(struct arguments *a, const char *const words[]) {
	char said[512];

	assert_int_equal(parse(a, parameters, words, said), 0);
	assert_string_equal(said, "");
}

static void assert_refused(const struct parameter *own, const char *const words[],
			   const char *culprit) {
	_cleanup_(arguments_done) struct arguments a = ARGUMENTS_INIT;
	char said[512];

	a.command = "mount";
	assert_int_equal(parse(&a, own, words, said), EXIT_USAGE);
	if (!strstr(said, culprit))
		fail_msg("'%s' is not named in: %s", culprit, said);
}

/* Refused as wrong usage, in words that name the culprit. */
static void assert_usage(const char *const words[], const char *culprit) {
	assert_refused(parameters, words, culprit);
}

static void words_part_at_commas(void **state) {
	(void)state;
	assert_split("ro", LIST("ro"));
	assert_split("ro,nosuid,size=10m", LIST("ro", "nosuid", "size=10m"));
	assert_split("a b,c", LIST("a b", "c"));
}

static void empty_words_are_left_out(void **state) {
	(void)state;
	assert_split("", LIST(NULL));
	assert_split(",", LIST(NULL));
	assert_split(",,ro,,rw,", LIST("ro", "rw"));
}

static void an_escaped_comma_does_not_part(void **state) {
	(void)state;
	assert_split("a\\,b,c", LIST("a,b", "c"));
	assert_split("\\,", LIST(","));
	assert_split("a\\\\,b", LIST("a\\", "b"));
}

static void other_backslashes_stay_for_the_file_system(void **state) {
	(void)state;
	assert_split("lowerdir=/a\\:b:/c", LIST("lowerdir=/a\\:b:/c"));
	assert_split("a\\", LIST("a\\"));
	assert_split("a\\nb", LIST("a\\nb"));
}

static void a_quoted_value_keeps_its_commas(void **state) {
	(void)state;
	assert_split("context=\"s:o:t:s0,c1\",ro", LIST("context=s:o:t:s0,c1", "ro"));
	assert_split("a=\"x\\\"y\\\\z\"", LIST("a=x\"y\\z"));
	assert_split("a=\"\",b", LIST("a=", "b"));
	assert_split("\"a,b\",c", LIST("a,b", "c"));
}

static void a_quote_within_a_value_is_a_byte_like_others(void **state) {
	(void)state;
	assert_split("dir=/a\"b,c\"", LIST("dir=/a\"b", "c\""));
}

static void quotes_that_do_not_end_well_are_refused(void **state) {
	(void)state;
	assert_not_split("a=\"b");
	assert_not_split("a=\"b\\");
	assert_not_split("a=\"b\\\"");
	assert_not_split("a=\"b\"c");
	assert_not_split("ro,a=\"b,c");
}

static void options_add_up_in_order(void **state) {
	_cleanup_(arguments_done) struct arguments a = ARGUMENTS_INIT;

	(void)state;
	assert_accepted(&a, LIST("mount", "-o", "a,b", "-r", "-O", "c,d", "/x", "-oe"));
	assert_words(&a.words, LIST("a", "b", "ro", "c,d", "e"));
	assert_int_equal(a.count, 1);
	assert_string_equal(a.operands[0], "/x");
}

static void every_word_after_two_dashes_is_an_operand(void **state) {
	_cleanup_(arguments_done) struct arguments a = ARGUMENTS_INIT;

	(void)state;
	assert_accepted(&a, LIST("mount", "--", "-r", "--json"));
	assert_int_equal(a.count, 2);
	assert_false(a.json);
}

static void global_options_stand_before_the_command_or_after_it(void **state) {
	_cleanup_(arguments_done) struct arguments a = ARGUMENTS_INIT;
	char said[512];

	(void)state;
	assert_int_equal(parse(&a, NULL, LIST("usher", "--json", "--in", "42", "mount", "-t", "x"),
			       said),
			 0);
	assert_int_equal(a.count, 3);
	assert_string_equal(a.operands[0], "mount");
	assert_accepted(&a, LIST("mount", "-tx", "--no-ask", "--deadline=2.5"));
	assert_true(a.json);
	assert_false(a.ask);
	assert_int_equal(a.in_pid, 42);
	assert_int_equal(a.keys.deadline_usec, 2500000);
	assert_string_equal(a.fstype, "x");
}

static void wrong_usage_names_the_argument(void **state) {
	(void)state;
	assert_usage(LIST("mount", "--foo"), "--foo");
	assert_usage(LIST("mount", "-q"), "-q");
	assert_usage(LIST("mount", "-rq"), "-q");
	assert_usage(LIST("mount", "--json=yes"), "--json=yes");
	assert_usage(LIST("mount", "x", "-t"), "-t");
	assert_usage(LIST("mount", "--type"), "--type");
	assert_usage(LIST("mount", "-o", "a=\"b"), "a=\"b");
	assert_usage(LIST("mount", "--lifetime", "long"), "long");
}

static void numbers_are_numbers_or_refused(void **state) {
	(void)state;
	assert_usage(LIST("mount", "--in", "0"), "--in");
	assert_usage(LIST("mount", "--in", "-1"), "-1");
	assert_usage(LIST("mount", "--in", "12x"), "12x");
	assert_usage(LIST("mount", "--in", ""), "--in");
	assert_usage(LIST("mount", "--in", "99999999999999999999"), "--in");
	assert_usage(LIST("mount", "--idmap-pid", "self"), "self");
	assert_usage(LIST("mount", "--deadline", "soon"), "soon");
	assert_usage(LIST("mount", "--deadline", "0"), "--deadline");
	assert_usage(LIST("mount", "--deadline", "nan"), "nan");
	assert_usage(LIST("mount", "--deadline", "inf"), "inf");
}

static void contradictions_are_refused(void **state) {
	(void)state;
	assert_usage(LIST("mount", "--in", "1", "--in-object", "/o"), "--in-object");
	assert_usage(LIST("mount", "--idmap", "0 1 2", "--idmap-pid", "1"), "--idmap-pid");
}

static void what_is_refused_cannot_reach_the_terminal(void **state) {
	(void)state;
	assert_usage(LIST("mount", "--lifetime", "\x1b[2J\xff"), "\\x1b[2J\\xff");
}

/* ---- programs ---- */

static void options_after_a_program_are_its_own(void **state) {
	_cleanup_(arguments_done) struct arguments a = ARGUMENTS_INIT, b = ARGUMENTS_INIT;
	char said[512];

	(void)state;
	assert_int_equal(parse(&a, program_parameters, LIST("run", "-p", "ls", "-m", "--all"),
			       said),
			 0);
	assert_int_equal(a.count, 3);
	assert_string_equal(a.operands[1], "-m");
	assert_words(&a.types, LIST("pid"));
	assert_false(a.all);
	assert_int_equal(parse(&b, program_parameters, LIST("run", "-U", "--", "-m", "--"), said),
			 0);
	assert_int_equal(b.count, 2);
	assert_string_equal(b.operands[0], "-m");
	assert_string_equal(b.operands[1], "--");
}

static void events_are_written_as_here_or_as_by_inotifywait(void **state) {
	static const struct parameter own[] = {
		{ "event", 'e', PARAMETER_EVENTS, "EVENT", "" },
		{ "exclude", 0, PARAMETER_EXCLUDE, "GLOB", "" },
		{ NULL, 0, 0, NULL, NULL },
	};
	_cleanup_(arguments_done) struct arguments a = ARGUMENTS_INIT;
	char said[512];

	assert_int_equal(parse(&a, own,
			       LIST("watch", "-e", "create,CLOSE_WRITE", "--exclude", "*.o,v", "-e",
				    "move-self", "--exclude", "B"),
			       said),
			 0);
	assert_words(&a.events, LIST("create", "close-write", "move-self"));
	assert_words(&a.excluded, LIST("*.o,v", "B"));
}

static void assert_types(const char *const words[], const char *const expected[]) {
	_cleanup_(arguments_done) struct arguments a = ARGUMENTS_INIT;
	_cleanup_(words_done) struct words types = WORDS_INIT;
	char said[512];

	assert_int_equal(parse(&a, program_parameters, words, said), 0);
	assert_int_equal(making_check(&a), 0);
	assert_int_equal(making_types(&a, &types), 0);
	assert_words(&types, expected);
}

static void types_come_in_one_order_whichever_they_were_asked_for_in(void **state) {
	(void)state;
	assert_types(LIST("run"), LIST(NULL));
	assert_types(LIST("run", "-a"), LIST("all"));
	assert_types(LIST("run", "--user", "-p", "-i"), LIST("ipc", "pid", "user"));
	assert_types(LIST("run", "-ipU", "--pid"), LIST("ipc", "pid", "user"));
	assert_types(LIST("run", "-CimnpTUu"),
		     LIST("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"));
	assert_types(LIST("run", "-a", "--share", "net,time"),
		     LIST("cgroup", "ipc", "mnt", "pid", "user", "uts"));
}

static void what_a_program_is_to_be_given_is_read_or_refused(void **state) {
	static const char *const good[][3] = {
		{ "run", "--limit=nofile=10:20" },
		{ "run", "--limit=core=unlimited" },
		{ "run", "--memory=4G" },
		{ "run", "--nice=-20" },
		{ "run", "--uid=4294967294" },
		{ "run", "--groups=1,2,3" },
		{ "run", "--mount=type=proc,target=/proc" },
		{ "run", "--mount=source=/a,target=/b,ro" },
		{ "run", "--monotonic=-1.5" },
		{ "run", "--uid-map=0 1000 1,1 1001 1" },
	};
	static const char *const bad[][2] = {
		{ "--limit=nofile", "nofile" },
		{ "--limit=nofile=x", "nofile=x" },
		{ "--memory=4X", "4X" },
		{ "--memory=-1", "-1" },
		{ "--nice=20", "20" },
		{ "--uid=4294967295", "4294967295" },
		{ "--uid=root", "root" },
		{ "--groups=1,x", "'x'" },
		{ "--mount=type=tmpfs", "target=" },
		{ "--mount=target=/a", "type=" },
		{ "--share=nit", "nit" },
		{ "--monotonic=soon", "soon" },
	};
	char said[512];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		_cleanup_(arguments_done) struct arguments a = ARGUMENTS_INIT;

		if (parse(&a, program_parameters, good[i], said) != 0)
			fail_msg("'%s' is refused: %s", good[i][1], said);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused(program_parameters, LIST("run", bad[i][0]), bad[i][1]);
}

static void a_place_is_a_process_an_object_or_a_name(void **state) {
	_cleanup_(arguments_done) struct arguments a = ARGUMENTS_INIT, b = ARGUMENTS_INIT,
						   c = ARGUMENTS_INIT;

	(void)state;
	assert_accepted(&a, LIST("mount", "--in", "17"));
	assert_int_equal(a.in_pid, 17);
	assert_accepted(&b, LIST("mount", "--in", "/org/usher1/namespace/1"));
	assert_string_equal(b.keys.in_object, "/org/usher1/namespace/1");
	assert_accepted(&c, LIST("mount", "--in", "lab-1"));
	assert_string_equal(c.in_name, "lab-1");
	assert_true(arguments_elsewhere(&a) && arguments_elsewhere(&b) && arguments_elsewhere(&c));
	assert_usage(LIST("mount", "--in", "lab", "--in-object", "/o"), "--in-object");
	assert_usage(LIST("mount", "--in", "lab", "--in", "1"), "--in");
}

static void a_quantity_is_a_number_and_nothing_else(void **state) {
	static const char *const bad[] = { "",         " 1",  "+1", "-1",
					   "1x",       "1KK", "K1", "18446744073709551616",
					   "16777216T" };
	uint64_t number;

	(void)state;
	assert_int_equal(quantity_parse("0", false, &number), 0);
	assert_int_equal(number, 0);
	assert_int_equal(quantity_parse("3K", true, &number), 0);
	assert_int_equal(number, 3072);
	assert_int_equal(quantity_parse("16777215T", true, &number), 0);
	assert_int_equal(number, UINT64_C(16777215) << 40);
	assert_int_equal(quantity_parse("3K", false, &number), -EINVAL);
	assert_int_equal(quantity_parse("unlimited", true, &number), -EINVAL);
	assert_int_equal(quantity_parse_limit("unlimited", &number), 0);
	assert_int_equal(number, UINT64_MAX);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (quantity_parse(bad[i], true, &number) != -EINVAL)
			fail_msg("'%s' is a number", bad[i]);
}

/* ---- moments ---- */

static void assert_moment(const char *text, uint64_t seconds) {
	/* 2026-11-21 07:30:15 in UTC */
	uint64_t usec;

	if (moment_parse(text, 1795246215, &usec) < 0)
		fail_msg("'%s' is no moment", text);
	if (usec != seconds * 1000000)
		fail_msg("'%s' is %llu", text, (unsigned long long)usec);
}

static void moments_are_understood(void **state) {
	(void)state;
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	assert_moment("now", 1795246215);
	assert_moment("@17", 17);
	assert_moment("@0", 0);
	assert_moment("today", 1795219200);
	assert_moment("yesterday", 1795219200 - 86400);
	assert_moment("2026-11-21", 1795219200);
	assert_moment("2026-11-21 07:30", 1795246200);
	assert_moment("2026-11-21 07:30:14", 1795246214);
	assert_moment("2026-11-21T07:30:14", 1795246214);
	assert_moment("2024-02-29", 1709164800);
	assert_moment("07:29", 1795246140);
	assert_moment("00:00:01", 1795219201);
	assert_moment("15s ago", 1795246200);
	assert_moment("2 h ago", 1795246215 - 7200);
	assert_moment("15min ago", 1795246215 - 900);
	assert_moment("1week ago", 1795246215 - 604800);
}

static void what_is_no_moment_is_refused(void **state) {
	static const char *const texts[] = { "",
					     "soon",
					     "@",
					     "@-1",
					     "@1x",
					     "@99999999999999999999",
					     "25:00",
					     "07:30:99",
					     "2026-13-01",
					     "2026-11-21 07:30:14 x",
					     "5",
					     "5 ago",
					     "5 fortnights ago",
					     "-5s ago",
					     "5sago",
					     "99999999999999999999s ago",
					     "9999999999999999999w ago",
					     "100w agox" };
	uint64_t usec;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (moment_parse(texts[i], 1795246215, &usec) != -EINVAL)
			fail_msg("'%s' is a moment", texts[i]);
}

static void durations_are_understood_or_refused(void **state) {
	static const struct {
		const char *text;
		uint64_t usec;
	} good[] = { { "90", 90000000 },   { "0", 0 },
		     { "1.5s", 1500000 },  { "200ms", 200000 },
		     { "7us", 7 },         { "2 min", 120000000 },
		     { "1h", 3600000000 }, { "0.5d", 43200000000 } };

	static const char *const bad[] = { "",      "s",   "-5s", "+1",    "5x",       "5s ",
					   "5 s x", "nan", "inf", "1e300", "99999999w" };
	uint64_t usec;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(moment_parse_duration(good[i].text, &usec), 0);
		assert_int_equal(usec, good[i].usec);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (moment_parse_duration(bad[i], &usec) != -EINVAL)
			fail_msg("'%s' is a duration", bad[i]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_part_at_commas),
		cmocka_unit_test(durations_are_understood_or_refused),
		cmocka_unit_test(empty_words_are_left_out),
		cmocka_unit_test(an_escaped_comma_does_not_part),
		cmocka_unit_test(other_backslashes_stay_for_the_file_system),
		cmocka_unit_test(a_quoted_value_keeps_its_commas),
		cmocka_unit_test(a_quote_within_a_value_is_a_byte_like_others),
		cmocka_unit_test(quotes_that_do_not_end_well_are_refused),
		cmocka_unit_test(options_add_up_in_order),
		cmocka_unit_test(every_word_after_two_dashes_is_an_operand),
		cmocka_unit_test(global_options_stand_before_the_command_or_after_it),
		cmocka_unit_test(wrong_usage_names_the_argument),
		cmocka_unit_test(numbers_are_numbers_or_refused),
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(what_is_refused_cannot_reach_the_terminal),
		cmocka_unit_test(options_after_a_program_are_its_own),
		cmocka_unit_test(events_are_written_as_here_or_as_by_inotifywait),
		cmocka_unit_test(types_come_in_one_order_whichever_they_were_asked_for_in),
		cmocka_unit_test(what_a_program_is_to_be_given_is_read_or_refused),
		cmocka_unit_test(a_place_is_a_process_an_object_or_a_name),
		cmocka_unit_test(a_quantity_is_a_number_and_nothing_else),
		cmocka_unit_test(moments_are_understood),
		cmocka_unit_test(what_is_no_moment_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
