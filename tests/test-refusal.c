/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The closed set of errors: every errno ends in one of them, and libusher reads each as one errno.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "support.h"
#include "usher.h"

/* The contract: each name is one errno for whoever uses libusher. */
static const struct {
	enum refusal_code code;
	const char *name;
	int number;
} contract[] = {
	{ REFUSED_INVALID, "org.usher1.Error.InvalidArgument", EINVAL },
	{ REFUSED_PERMISSION, "org.usher1.Error.NotPermitted", EPERM },
	{ REFUSED_NOT_FOUND, "org.usher1.Error.NotFound", ENOENT },
	{ REFUSED_NOT_OWNER, "org.usher1.Error.NotOwner", EACCES },
	{ REFUSED_BUSY, "org.usher1.Error.Busy", EBUSY },
	{ REFUSED_LIMIT, "org.usher1.Error.LimitExceeded", EDQUOT },
	{ REFUSED_UNSUPPORTED, "org.usher1.Error.NotSupported", EOPNOTSUPP },
	{ REFUSED_RETRY, "org.usher1.Error.Retry", EAGAIN },
	{ REFUSED_TIMED_OUT, "org.usher1.Error.TimedOut", ETIMEDOUT },
	{ REFUSED_FAILED, "org.usher1.Error.Failed", EIO },
	{ REFUSED_NO_MEMORY, "org.freedesktop.DBus.Error.NoMemory", ENOMEM },
	{ REFUSED_INTERACTION, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
	  ENOKEY },
};

/* What callers must be able to tell apart of what the kernel says. */
static const struct {
	int error;
	enum refusal_code code;
} meanings[] = {
	{ EINVAL, REFUSED_INVALID },      { ENOTDIR, REFUSED_INVALID },
	{ ELOOP, REFUSED_INVALID },       { ENAMETOOLONG, REFUSED_INVALID },
	{ EBADF, REFUSED_INVALID },       { EPERM, REFUSED_PERMISSION },
	{ EACCES, REFUSED_PERMISSION },   { EROFS, REFUSED_PERMISSION },
	{ ENOENT, REFUSED_NOT_FOUND },    { ESRCH, REFUSED_NOT_FOUND },
	{ ENXIO, REFUSED_NOT_FOUND },     { EBUSY, REFUSED_BUSY },
	{ EEXIST, REFUSED_BUSY },         { ENOSPC, REFUSED_LIMIT },
	{ EMFILE, REFUSED_LIMIT },        { EDQUOT, REFUSED_LIMIT },
	{ ENOSYS, REFUSED_UNSUPPORTED },  { EOPNOTSUPP, REFUSED_UNSUPPORTED },
	{ ENODEV, REFUSED_UNSUPPORTED },  { EAGAIN, REFUSED_RETRY },
	{ ETIMEDOUT, REFUSED_TIMED_OUT }, { ENOMEM, REFUSED_NO_MEMORY },
	{ EIO, REFUSED_FAILED },          { EFAULT, REFUSED_FAILED },
	{ ENOTSUP, REFUSED_UNSUPPORTED }, { EWOULDBLOCK, REFUSED_RETRY },
};

static void the_set_is_the_contracts(void **state) {
	(void)state;
	assert_int_equal(N_OF(contract), _REFUSED_MAX - 1);
	for (size_t i = 0; i < N_OF(contract); i++) {
		assert_int_equal(contract[i].code, i + 1);
		assert_string_equal(refusal_name((int)contract[i].code), contract[i].name);
		assert_int_equal(refusal_of((int)contract[i].code), contract[i].code);
	}
}

static void libusher_reads_every_name_as_its_errno(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(contract); i++) {
		assert_int_equal(error_to_errno(refusal_name((int)contract[i].code), -1),
				 -contract[i].number);
		if (strncmp(contract[i].name, "org.usher1.Error.", 17) == 0)
			assert_string_equal(usher_errno_name(contract[i].number),
					    contract[i].name + 17);
	}
	assert_int_equal(error_to_errno("org.usher1.Error.Unheard", -1), -EIO);
	assert_int_equal(error_to_errno("org.freedesktop.DBus.Error.AccessDenied", -1), -EPERM);
	assert_int_equal(error_to_errno("System.Error.EBADMSG", -EBADMSG), -EBADMSG);
}

static void the_kernels_words_keep_their_meaning(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(meanings); i++)
		if (refusal_of(-meanings[i].error) != meanings[i].code)
			fail_msg("%s became %s", strerrorname_np(meanings[i].error),
				 refusal_name(-meanings[i].error));
}

static void every_errno_there_is_ends_in_the_set(void **state) {
	(void)state;
	for (int error = 1; error < 4096; error++) {
		const char *name = refusal_name(-error);
		bool found = false;

		for (size_t i = 0; i < N_OF(contract); i++)
			found |= strcmp(contract[i].name, name) == 0;
		assert_true(found);
		assert_true(refusal_of(-error) > 0 && refusal_of(-error) < _REFUSED_MAX);
	}
}

/* There and back: what an errno becomes on the bus, libusher makes the same class of error of. */
static void an_errno_that_libusher_gives_back_means_the_same(void **state) {
	(void)state;
	for (int error = 1; error < 200; error++) {
		int back = error_to_errno(refusal_name(-error), -1);

		assert_int_equal(refusal_of(back), refusal_of(-error));
	}
}

static void codes_out_of_the_set_are_failures(void **state) {
	(void)state;
	assert_int_equal(refusal_of(_REFUSED_MAX), REFUSED_FAILED);
	assert_int_equal(refusal_of(INT32_MAX), REFUSED_FAILED);
	assert_int_equal(refusal_of(INT32_MIN + 1), REFUSED_FAILED);
	assert_int_equal(refusal_of(INT32_MIN), REFUSED_FAILED); /* which has no opposite */
	assert_string_equal(refusal_name(10000), "org.usher1.Error.Failed");
}

static void assert_sentence(int code, const char *text, const char *expected) {
	_cleanup_free_ char *sentence = refusal_sentence(code, text);

	assert_non_null(sentence);
	assert_string_equal(sentence, expected);
}

static void a_sentence_names_the_errno_and_only_an_errno(void **state) {
	(void)state;
	assert_sentence(INT32_MIN, NULL, "unknown error");
	assert_sentence(INT32_MIN, "text", "text");
	assert_sentence(-EBUSY, "target: '/x': busy", "target: '/x': busy (EBUSY)");
	assert_sentence(REFUSED_INVALID, "x: bad", "x: bad");
	assert_sentence(-EBUSY, NULL, "Device or resource busy (EBUSY)");
	assert_sentence(-EBUSY, "", "Device or resource busy (EBUSY)");
	assert_sentence(REFUSED_BUSY, "", "refused");
	assert_sentence(-4000, "", "unknown error");
	assert_sentence(-4000, "x", "x");
}

static void a_sentence_can_be_sent_whatever_bytes_are_in_it(void **state) {
	(void)state;
	assert_sentence(REFUSED_INVALID, "'a\n\x1b[2J\xff\\'", "'a\\x0a\\x1b[2J\\xff\\x5c'");
	assert_sentence(REFUSED_INVALID, "100% %s %n", "100% %s %n");
}

static void a_note_returns_its_code_and_is_bounded(void **state) {
	struct refusal refusal = { 0 };
	char long_text[3 * REFUSAL_TEXT_MAX];

	(void)state;
	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	assert_int_equal(refusal_note(&refusal, -EBUSY, "%s %d", "a", 5), -EBUSY);
	assert_string_equal(refusal.text, "a 5");
	assert_int_equal(refusal_note(&refusal, REFUSED_RETRY, "%s", long_text), REFUSED_RETRY);
	assert_int_equal(strlen(refusal.text), REFUSAL_TEXT_MAX - 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_set_is_the_contracts),
		cmocka_unit_test(libusher_reads_every_name_as_its_errno),
		cmocka_unit_test(the_kernels_words_keep_their_meaning),
		cmocka_unit_test(every_errno_there_is_ends_in_the_set),
		cmocka_unit_test(an_errno_that_libusher_gives_back_means_the_same),
		cmocka_unit_test(codes_out_of_the_set_are_failures),
		cmocka_unit_test(a_sentence_names_the_errno_and_only_an_errno),
		cmocka_unit_test(a_sentence_can_be_sent_whatever_bytes_are_in_it),
		cmocka_unit_test(a_note_returns_its_code_and_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
