/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words become the flags that mount_setattr(2) understands, and what is no word is refused. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "mount-options.h"
#include "support.h"

#define WORDS(...) ((const char *[]){ __VA_ARGS__, NULL })

static int parse(struct mount_options *options, const char *const *words,
		 enum mount_options_kind kind, struct refusal *refusal) {
	size_t n = 0;

	while (words[n])
		n++;
	*refusal = (struct refusal){ 0 };
	return mount_options_parse(options, (char *const *)(uintptr_t)words, n, kind, refusal);
}

static struct mount_options parsed(const char *const *words, enum mount_options_kind kind) {
	struct mount_options options;
	struct refusal refusal;

	if (parse(&options, words, kind, &refusal) != 0)
		fail_msg("refused: %s", refusal.text);
	return options;
}

static void assert_not_parsed(const char *const *words, enum mount_options_kind kind,
			      enum refusal_code code, const char *culprit) {
	struct mount_options options;
	struct refusal refusal;

	assert_refusal(parse(&options, words, kind, &refusal), code, &refusal, culprit);
}

static const struct {
	const char *word;
	uint64_t set, clear;
} flags[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME },
	{ "relatime", 0, MOUNT_ATTR__ATIME },
	{ "atime", 0, MOUNT_ATTR__ATIME },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
};

static void every_flag_is_a_word_of_its_own(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(flags); i++)
		for (enum mount_options_kind kind = MOUNT_OPTIONS_NEW;
		     kind <= MOUNT_OPTIONS_EXISTING; kind++) {
			struct mount_options options = parsed(WORDS(flags[i].word), kind);

			assert_true(options.set == flags[i].set && options.clear == flags[i].clear);
			assert_int_equal(options.n_parameters, 0);
			assert_int_equal(options.propagation, 0);
		}
}

/* One word after the other, as somebody who reads them would: the last one counts. */
static void the_last_of_contradicting_words_wins_whatever_was_before(void **state) {
	static const uint64_t starts[] = { 0, UINT64_C(0x2000ff),
					   MOUNT_ATTR_STRICTATIME | MOUNT_ATTR_RDONLY,
					   MOUNT_ATTR_NOATIME | MOUNT_ATTR_NOSUID };
	const size_t n = N_OF(flags);

	(void)state;
	for (size_t i = 0; i < n * n * n; i++) {
		size_t word[] = { i % n, i / n % n, i / n / n };
		struct mount_options options =
			parsed(WORDS(flags[word[0]].word, flags[word[1]].word, flags[word[2]].word),
			       MOUNT_OPTIONS_EXISTING);

		for (size_t s = 0; s < N_OF(starts); s++) {
			uint64_t expected = starts[s];

			for (size_t w = 0; w < 3; w++)
				expected = (expected & ~flags[word[w]].clear) | flags[word[w]].set;
			if (((starts[s] & ~options.clear) | options.set) != expected)
				fail_msg("%s %s %s", flags[word[0]].word, flags[word[1]].word,
					 flags[word[2]].word);
		}
		/* the kernel wants the whole field cleared where any of it is set, and no other
		 * overlap */
		if (options.set & MOUNT_ATTR__ATIME)
			assert_true((options.clear & MOUNT_ATTR__ATIME) == MOUNT_ATTR__ATIME);
		assert_false(options.set & options.clear & ~(uint64_t)MOUNT_ATTR__ATIME);
	}
}

static void propagation_has_a_word_for_one_mount_and_one_for_the_tree(void **state) {
	static const struct {
		const char *word;
		uint64_t propagation;
	} words[] = { { "private", MS_PRIVATE },
		      { "shared", MS_SHARED },
		      { "slave", MS_SLAVE },
		      { "unbindable", MS_UNBINDABLE } };

	(void)state;
	for (size_t i = 0; i < N_OF(words); i++) {
		struct mount_options options = parsed(WORDS(words[i].word), MOUNT_OPTIONS_TREE);
		char recursive[16];

		assert_true(options.propagation == words[i].propagation);
		assert_false(options.propagation_recursive);
		(void)snprintf(recursive, sizeof recursive, "r%s", words[i].word);
		options = parsed(WORDS(recursive), MOUNT_OPTIONS_EXISTING);
		assert_true(options.propagation == words[i].propagation);
		assert_true(options.propagation_recursive);
		assert_not_parsed(WORDS(words[i].word), MOUNT_OPTIONS_NEW, REFUSED_INVALID,
				  words[i].word);
		(void)snprintf(recursive, sizeof recursive, "rr%s", words[i].word);
		assert_not_parsed(WORDS(recursive), MOUNT_OPTIONS_TREE, REFUSED_INVALID, recursive);
	}
}

static void other_words_are_the_file_systems(void **state) {
	struct mount_options options =
		parsed(WORDS("size=10m", "ro", "noro", "bare", "a=b=c", "RO", "nosuid "),
		       MOUNT_OPTIONS_NEW);

	(void)state;
	assert_int_equal(options.n_parameters, 6);
	assert_string_equal(options.parameters[0], "size=10m");
	assert_string_equal(options.parameters[1], "noro");
	assert_string_equal(options.parameters[5], "nosuid ");
	assert_true(options.set == MOUNT_ATTR_RDONLY);
}

/* Then "a,suid" is one parameter, and not a flag that nobody saw. */
static void a_comma_parts_nothing(void **state) {
	struct mount_options options = parsed(WORDS("ro,suid", "context=a,b"), MOUNT_OPTIONS_NEW);

	(void)state;
	assert_int_equal(options.n_parameters, 2);
	assert_string_equal(options.parameters[0], "ro,suid");
	assert_true(options.set == 0 && options.clear == 0);
}

static void a_tree_has_no_file_system_to_configure(void **state) {
	(void)state;
	assert_not_parsed(WORDS("ro", "size=1m"), MOUNT_OPTIONS_TREE, REFUSED_INVALID, "size=1m");
	assert_not_parsed(WORDS("bind"), MOUNT_OPTIONS_TREE, REFUSED_INVALID, "bind");
}

static void an_empty_word_is_refused(void **state) {
	(void)state;
	assert_not_parsed(WORDS("ro", ""), MOUNT_OPTIONS_NEW, REFUSED_INVALID, "empty");
	assert_not_parsed(WORDS("=x"), MOUNT_OPTIONS_NEW, REFUSED_INVALID, "empty");
	assert_not_parsed(WORDS("="), MOUNT_OPTIONS_EXISTING, REFUSED_INVALID, "empty");
}

static void there_is_a_limit_of_parameters_and_none_of_flags(void **state) {
	const char *words[MOUNT_OPTIONS_MAX + 100];
	struct mount_options options;
	struct refusal refusal;
	size_t n = 0;

	(void)state;
	while (n < MOUNT_OPTIONS_MAX)
		words[n++] = "x=y";
	for (size_t i = 0; i < 50; i++)
		words[n++] = i % 2 ? "ro" : "rw";
	words[n] = NULL;
	assert_int_equal(parse(&options, words, MOUNT_OPTIONS_NEW, &refusal), 0);
	assert_int_equal(options.n_parameters, MOUNT_OPTIONS_MAX);
	assert_true(options.set == MOUNT_ATTR_RDONLY);
	words[n++] = "x=y";
	words[n] = NULL;
	assert_not_parsed(words, MOUNT_OPTIONS_NEW, REFUSED_LIMIT, "256");
}

static void a_value_is_found_by_its_whole_key_and_the_last_counts(void **state) {
	struct mount_options options =
		parsed(WORDS("size=1m", "sizes=2m", "siz=3m", "size=4m", "bare", "empty=", "x=y=z"),
		       MOUNT_OPTIONS_NEW);

	(void)state;
	assert_string_equal(mount_options_value(&options, "size"), "4m");
	assert_string_equal(mount_options_value(&options, "siz"), "3m");
	assert_string_equal(mount_options_value(&options, "bare"), "");
	assert_string_equal(mount_options_value(&options, "empty"), "");
	assert_string_equal(mount_options_value(&options, "x"), "y=z");
	assert_null(mount_options_value(&options, "s"));
	assert_null(mount_options_value(&options, "bar"));
	options = parsed(WORDS("size=1m", "size"), MOUNT_OPTIONS_NEW);
	assert_string_equal(mount_options_value(&options, "size"), "");
}

static void a_list_of_keys_covers_whole_keys_only(void **state) {
	static const char *const safe[] = { "size", "mode", NULL }, *const none[] = { NULL };
	struct mount_options options = parsed(WORDS("size=1m", "mode", "ro"), MOUNT_OPTIONS_NEW);

	(void)state;
	assert_true(mount_options_only(&options, safe));
	assert_false(mount_options_only(&options, none));
	options = parsed(WORDS("size=1m", "sizes=1m"), MOUNT_OPTIONS_NEW);
	assert_false(mount_options_only(&options, safe));
	options = parsed(WORDS("siz=1m"), MOUNT_OPTIONS_NEW);
	assert_false(mount_options_only(&options, safe));
	options = parsed(WORDS("ro", "nosuid"), MOUNT_OPTIONS_NEW);
	assert_true(mount_options_only(&options, none));
}

static void set_user_id_programs_and_devices_are_off_without_a_word(void **state) {
	const uint64_t both = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	struct mount_options options = parsed(WORDS("ro"), MOUNT_OPTIONS_NEW);

	(void)state;
	assert_false(mount_options_force(&options));
	assert_true(options.set == (both | MOUNT_ATTR_RDONLY));
	options = parsed(WORDS("suid"), MOUNT_OPTIONS_NEW);
	assert_true(mount_options_force(&options));
	assert_true(options.set == MOUNT_ATTR_NODEV);
	options = parsed(WORDS("dev", "suid", "nosuid"), MOUNT_OPTIONS_NEW);
	assert_true(mount_options_force(&options));
	assert_true(options.set == MOUNT_ATTR_NOSUID);
	options = parsed(WORDS("dev", "suid", "nosuid", "nodev"), MOUNT_OPTIONS_NEW);
	assert_false(mount_options_force(&options));
	assert_true(options.set == both);
}

static void sizes_are_read_as_tmpfs_reads_them(void **state) {
	static const struct {
		const char *word;
		uint64_t bytes;
	} sizes[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "4096", 4096 },
		{ "1k", 1024 },
		{ "1K", 1024 },
		{ "10m", 10 << 20 },
		{ "2G", UINT64_C(2) << 30 },
		{ "1t", UINT64_C(1) << 40 },
		{ "1p", UINT64_C(1) << 50 },
		{ "15E", UINT64_C(15) << 60 },
		{ "18446744073709551615", UINT64_MAX },
		{ "0%", 0 },
		{ "50%", 50 * 10000 },
		{ "100%", 1000000 },
		{ "1000%", 10000000 },
		{ "1001%", UINT64_MAX },
		{ "18446744073709551615%", UINT64_MAX },
	};

	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < N_OF(sizes); i++) {
		if (mount_options_size(sizes[i].word, 1000000, &bytes) != 0 ||
		    bytes != sizes[i].bytes)
			fail_msg("%s", sizes[i].word);
	}
}

static void what_is_no_size_is_refused(void **state) {
	static const char *const words[] = { "",
					     "k",
					     "-1",
					     " 1",
					     "+1",
					     "1kk",
					     "1 k",
					     "1x",
					     "1%%",
					     "1%k",
					     "0x10x",
					     "1.5g",
					     "0x",
					     "%",
					     "16E",
					     "99999999999999999999",
					     "18446744073709551615k",
					     "1kB" };
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < N_OF(words); i++)
		if (mount_options_size(words[i], 1000000, &bytes) == 0)
			fail_msg("'%s' is %llu bytes", words[i], (unsigned long long)bytes);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_flag_is_a_word_of_its_own),
		cmocka_unit_test(the_last_of_contradicting_words_wins_whatever_was_before),
		cmocka_unit_test(propagation_has_a_word_for_one_mount_and_one_for_the_tree),
		cmocka_unit_test(other_words_are_the_file_systems),
		cmocka_unit_test(a_comma_parts_nothing),
		cmocka_unit_test(a_tree_has_no_file_system_to_configure),
		cmocka_unit_test(an_empty_word_is_refused),
		cmocka_unit_test(there_is_a_limit_of_parameters_and_none_of_flags),
		cmocka_unit_test(a_value_is_found_by_its_whole_key_and_the_last_counts),
		cmocka_unit_test(a_list_of_keys_covers_whole_keys_only),
		cmocka_unit_test(set_user_id_programs_and_devices_are_off_without_a_word),
		cmocka_unit_test(sizes_are_read_as_tmpfs_reads_them),
		cmocka_unit_test(what_is_no_size_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
