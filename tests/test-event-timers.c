/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Timers and counters. */

#include <sys/wait.h>
#include <time.h>

#include "event.h"

static struct usher_source *timer_on(clockid_t clock) {
	struct usher_source *source;

	assert_int_equal(usher_timerfd_new(clock, &source), 0);
	return source;
}

static void five_clocks_have_timers_and_six_have_none(void **state) {
	static const struct {
		clockid_t clock;
		const char *name;
	} clocks[] = {
		{ CLOCK_REALTIME, "realtime" },
		{ CLOCK_MONOTONIC, "monotonic" },
		{ CLOCK_BOOTTIME, "boottime" },
		{ CLOCK_REALTIME_ALARM, "realtime-alarm" },
		{ CLOCK_BOOTTIME_ALARM, "boottime-alarm" },
		{ CLOCK_PROCESS_CPUTIME_ID, NULL },
		{ CLOCK_THREAD_CPUTIME_ID, NULL },
		{ CLOCK_MONOTONIC_RAW, NULL },
		{ CLOCK_REALTIME_COARSE, NULL },
		{ CLOCK_MONOTONIC_COARSE, NULL },
		{ CLOCK_TAI, NULL },
	};

	for (size_t i = 0; i < N_OF(clocks); i++) {
		int fd = usher_timerfd_create(clocks[i].clock, 0);
		clockid_t clock;

		if (clocks[i].name) {
			assert_true(fd >= 0 || fd == -EPERM || fd == -EOPNOTSUPP);
			assert_string_equal(usher_clock_to_string(clocks[i].clock), clocks[i].name);
			assert_int_equal(usher_clock_from_string(clocks[i].name, &clock), 0);
			assert_int_equal(clock, clocks[i].clock);
		} else {
			assert_int_equal(fd, -EINVAL);
			assert_said("clock");
			assert_null(usher_clock_to_string(clocks[i].clock));
		}
		if (fd >= 0)
			close(fd);
	}
	assert_int_equal(usher_clock_from_string("lunar", &(clockid_t){ 0 }), -EINVAL);
	assert_said("'lunar'");
}

static int alarm_as_nobody(void *data) {
	if (geteuid() == 0 && setuid(65534) < 0)
		return 1;
	return usher_timerfd_create(CLOCK_BOOTTIME_ALARM, 0) == -EPERM ? 0 : 2;
}

static void alarms_are_not_for_everybody(void **state) {
	int fd = usher_timerfd_create(CLOCK_BOOTTIME_ALARM, 0), status;

	if (fd == -EOPNOTSUPP)
		skip_because("this machine has no clock that wakes it");
	if (fd >= 0)
		close(fd);
	status = in_child(alarm_as_nobody, NULL);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_chain_is_the_structure(void **state) {
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT;

	assert_ptr_equal(usher_timerspec_every(usher_timerspec_after(&spec, 1, 2), 3, 4), &spec);
	assert_int_equal(spec.first.tv_sec, 1);
	assert_int_equal(spec.first.tv_nsec, 2);
	assert_int_equal(spec.interval.tv_sec, 3);
	assert_int_equal(spec.interval.tv_nsec, 4);
	assert_true(spec.first_is_set);
	assert_true(usher_timerspec_is_armed(&spec));
}

static void an_interval_alone_begins_with_itself_and_a_zero_that_was_set_does_not(void **state) {
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT, now;
	struct usher_source *source = timer_on(CLOCK_MONOTONIC);
	struct usher_event event;

	assert_false(usher_timerspec_is_armed(&spec));
	usher_timerspec_every(&spec, 100000, 0);
	assert_true(usher_timerspec_is_armed(&spec));
	assert_int_equal(usher_timerfd_set(source, &spec, 0, NULL), 0);
	assert_int_equal(usher_timerfd_get(source, &now), 0);
	assert_true(now.first.tv_sec >= 99990);
	assert_int_equal(now.interval.tv_sec, 100000);
	/* 0 that was said is not the same as nothing that was said */
	usher_timerspec_after(&spec, 0, 0);
	assert_false(usher_timerspec_is_armed(&spec));
	assert_int_equal(usher_timerfd_set(source, &spec, 0, &now), 0);
	assert_true(usher_timerspec_is_armed(&now));
	assert_int_equal(usher_timerfd_get(source, &now), 0);
	assert_false(usher_timerspec_is_armed(&now));
	usher_timerspec_every(&(struct usher_timerspec)USHER_TIMERSPEC_INIT, 0, 1000);
	assert_int_equal(usher_source_wait(source, SHORT_USEC, &event), -ETIMEDOUT);
	usher_source_free(source);
}

static void what_is_left_is_told_and_what_was_set_comes_back(void **state) {
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT, other = USHER_TIMERSPEC_INIT, now;
	struct usher_source *source = timer_on(CLOCK_MONOTONIC);
	struct usher_event event;

	usher_timerspec_every(usher_timerspec_after(&spec, 1000, 2), 3, 4);
	assert_int_equal(usher_timerfd_set(source, &spec, 0, NULL), 0);
	usleep(20000);
	assert_int_equal(usher_timerfd_get(source, &now), 0);
	assert_true(now.first.tv_sec == 999 && now.first.tv_nsec < 980000010);
	usher_timerspec_after(&other, 5, 0);
	assert_int_equal(usher_timerfd_set(source, &other, 0, &now), 0);
	assert_int_equal(now.interval.tv_sec, 3);
	assert_int_equal(now.interval.tv_nsec, 4);
	assert_int_equal(usher_timerfd_disarm(source), 0);
	assert_int_equal(usher_timerfd_get(source, &now), 0);
	assert_false(usher_timerspec_is_armed(&now));
	assert_int_equal(usher_source_wait(source, SHORT_USEC, &event), -ETIMEDOUT);
	usher_source_free(source);
}

static void a_time_of_the_clock_is_kept(void **state) {
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT;
	struct usher_source *source = timer_on(CLOCK_MONOTONIC);
	struct usher_event event;
	struct timespec begin, end;
	long nsec;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	nsec = begin.tv_nsec + 50000000;
	usher_timerspec_after(&spec, begin.tv_sec + nsec / 1000000000, nsec % 1000000000);
	assert_int_equal(usher_timerfd_set(source, &spec, USHER_TIMER_ABSOLUTE, NULL), 0);
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(event.timer.expirations, 1);
	assert_false(event.timer.cancelled);
	nsec = (end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec;
	assert_true(nsec >= 50000000);
	assert_true(nsec < 4000000000);
	/* one that is over comes at once */
	assert_int_equal(usher_timerfd_set(source, &spec, USHER_TIMER_ABSOLUTE, NULL), 0);
	assert_int_equal(usher_source_wait(source, 0, &event), 0);
	usher_source_free(source);
}

static void flags_that_make_no_sense_are_refused(void **state) {
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT;
	struct usher_source *source = timer_on(CLOCK_REALTIME);

	usher_timerspec_every(&spec, 1, 0);
	assert_int_equal(usher_timerfd_set(source, &spec, USHER_TIMER_ABSOLUTE, NULL), -EINVAL);
	assert_said("first");
	assert_int_equal(usher_timerfd_set(source, &spec, USHER_TIMER_CANCEL_ON_SET, NULL),
			 -EINVAL);
	assert_int_equal(usher_timerfd_set(source, &spec, 64, NULL), -EINVAL);
	usher_timerspec_after(&spec, 0, 1000000000);
	assert_int_equal(usher_timerfd_set(source, &spec, 0, NULL), -EINVAL);
	assert_said("first: nanoseconds");
	usher_timerspec_every(usher_timerspec_after(&spec, 1, 0), 0, -1);
	assert_int_equal(usher_timerfd_set(source, &spec, 0, NULL), -EINVAL);
	assert_said("interval: nanoseconds");
	usher_source_free(source);
}

static void a_read_counts_what_has_expired_since_the_last(void **state) {
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT;
	struct usher_source *source = timer_on(CLOCK_MONOTONIC);
	struct usher_event event;
	struct timespec begin, end;
	uint64_t nsec;

	/* Every nanosecond: what is read is the time that has gone by. */
	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(usher_timerfd_set(source, usher_timerspec_every(&spec, 0, 1), 0, NULL), 0);
	usleep(30000);
	assert_int_equal(usher_source_next(source, &event), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	nsec = (uint64_t)((end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec);
	assert_in_range(event.timer.expirations, 30000000, nsec);
	usher_source_free(source);
}

/* Sets the clock to what it says, which is a change all the same. */
static bool clock_is_set(void) {
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return clock_settime(CLOCK_REALTIME, &now) == 0;
}

static void a_clock_that_is_set_is_told(void **state) {
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT;
	struct usher_source *source = timer_on(CLOCK_REALTIME);
	struct usher_event event;

	usher_timerspec_after(&spec, time(NULL) + 100000, 0);
	assert_int_equal(usher_timerfd_set(source, &spec,
					   USHER_TIMER_ABSOLUTE | USHER_TIMER_CANCEL_ON_SET, NULL),
			 0);
	if (!clock_is_set()) {
		usher_source_free(source);
		skip_because("the clock is not for this user to set");
	}
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	assert_true(event.timer.cancelled);
	assert_int_equal(event.timer.expirations, 0);
	/* and the timer runs on */
	assert_int_equal(usher_timerfd_get(source, &spec), 0);
	assert_true(usher_timerspec_is_armed(&spec));
	usher_source_free(source);
}

/* ---- counters ---- */

static void a_counter_is_read_whole_and_a_semaphore_one_by_one(void **state) {
	struct usher_source *source;
	struct usher_event event;

	assert_int_equal(usher_eventfd_new(30, false, &source), 0);
	assert_int_equal(usher_eventfd_last(source), 0);
	assert_int_equal(usher_eventfd_increment(source, 6), 0);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_int_equal(event.count, 36);
	assert_int_equal(usher_source_next(source, &event), -EAGAIN);
	assert_int_equal(usher_eventfd_last(source), 36);
	assert_int_equal(usher_eventfd_increment(source, 1), 0);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_int_equal(event.count, 1);
	assert_int_equal(usher_eventfd_increment(source, UINT64_MAX), -EINVAL);
	assert_int_equal(usher_eventfd_increment(source, UINT64_MAX - 1), 0);
	assert_int_equal(usher_eventfd_increment(source, 1), -EAGAIN);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_true(event.count == UINT64_MAX - 1);
	usher_source_free(source);
	assert_int_equal(usher_eventfd_new(2, true, &source), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(usher_source_next(source, &event), 0);
		assert_int_equal(event.count, 1);
	}
	assert_int_equal(usher_source_next(source, &event), -EAGAIN);
	usher_source_free(source);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_clocks_have_timers_and_six_have_none),
		cmocka_unit_test(alarms_are_not_for_everybody),
		cmocka_unit_test(a_chain_is_the_structure),
		cmocka_unit_test(
			an_interval_alone_begins_with_itself_and_a_zero_that_was_set_does_not),
		cmocka_unit_test(what_is_left_is_told_and_what_was_set_comes_back),
		cmocka_unit_test(a_time_of_the_clock_is_kept),
		cmocka_unit_test(flags_that_make_no_sense_are_refused),
		cmocka_unit_test(a_read_counts_what_has_expired_since_the_last),
		cmocka_unit_test(a_clock_that_is_set_is_told),
		cmocka_unit_test(a_counter_is_read_whole_and_a_semaphore_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
