/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library as a program has it that links nothing else: neither a bus nor systemd comes along.
 */

/* cmocka.h wants the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/usher-event.h"

static int note_library(struct dl_phdr_info *info, size_t size, void *data) {
	char *names = data;

	strncat(names, info->dlpi_name, 4095 - strlen(names));
	strncat(names, "\n", 4095 - strlen(names));
	return 0;
}

static void nothing_comes_along_but_the_c_library(void **state) {
	static const char *const strangers[] = { "libsystemd", "libdbus", "libseccomp", "libcap",
						 "libprotobuf" };
	char names[4096] = "";

	dl_iterate_phdr(note_library, names);
	assert_non_null(strstr(names, "libusher-event"));
	for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
		if (strstr(names, strangers[i]))
			fail_msg("%s was loaded:\n%s", strangers[i], names);
}

static void a_program_needs_no_flag_that_it_does_not_care_about(void **state) {
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT;
	USHER_CLEANUP_SOURCE struct usher_source *timer = NULL, *counter = NULL, *watch = NULL;
	struct usher_event event;

	assert_int_equal(usher_timerfd_new(CLOCK_MONOTONIC, &timer), 0);
	assert_int_equal(usher_timerfd_set(timer, usher_timerspec_after(&spec, 0, 1000), 0, NULL),
			 0);
	assert_int_equal(usher_source_wait(timer, UINT64_MAX, &event), 0);
	assert_int_equal(event.timer.expirations, 1);
	assert_int_equal(usher_eventfd_new(36, false, &counter), 0);
	assert_int_equal(usher_source_next(counter, &event), 0);
	assert_int_equal(event.count, 36);
	assert_int_equal(usher_inotify_new(&watch), 0);
	assert_int_equal(usher_inotify_watch(watch, "/no/such", IN_ALL_EVENTS), -ENOENT);
	assert_non_null(strstr(usher_event_message(), "ENOENT"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_comes_along_but_the_c_library),
		cmocka_unit_test(a_program_needs_no_flag_that_it_does_not_care_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
