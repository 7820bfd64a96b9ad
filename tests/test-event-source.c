/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources: what holds for events of every kind. */

#include <sys/stat.h>
#include <time.h>

#include "event.h"

static uint64_t now(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* One of each kind that takes no privilege. */
static void make_all(struct usher_source *ret[4]) {
	sigset_t none;

	sigemptyset(&none);
	assert_int_equal(usher_inotify_new(&ret[0]), 0);
	assert_int_equal(usher_signalfd_new(&none, &ret[1]), 0);
	assert_int_equal(usher_timerfd_new(CLOCK_MONOTONIC, &ret[2]), 0);
	assert_int_equal(usher_eventfd_new(0, false, &ret[3]), 0);
}

static void every_descriptor_is_close_on_exec(void **state) {
	struct usher_source *all[4];
	struct usher_poller *poller;
	sigset_t none;
	int fds[6];

	sigemptyset(&none);
	make_all(all);
	for (size_t i = 0; i < N_OF(all); i++) {
		assert_int_equal(fcntl(usher_source_get_fd(all[i]), F_GETFD), FD_CLOEXEC);
		usher_source_free(all[i]);
	}
	fds[0] = usher_inotify_init(0);
	fds[1] = usher_signalfd(-1, &none, 0);
	fds[2] = usher_timerfd_create(CLOCK_MONOTONIC, 0);
	fds[3] = usher_eventfd(0, 0);
	fds[4] = usher_memfd_create("x", 0);
	assert_int_equal(usher_poller_new(&poller), 0);
	fds[5] = fcntl(usher_poller_get_fd(poller), F_DUPFD_CLOEXEC, 0);
	assert_int_equal(fcntl(usher_poller_get_fd(poller), F_GETFD), FD_CLOEXEC);
	usher_poller_free(poller);
	for (size_t i = 0; i < N_OF(fds); i++) {
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		close(fds[i]);
	}
}

static void waiting_ends_with_an_event_or_with_the_time(void **state) {
	struct usher_source *source;
	struct usher_event event;
	uint64_t begin;

	assert_int_equal(usher_eventfd_new(0, false, &source), 0);
	begin = now();
	assert_int_equal(usher_source_wait(source, SHORT_USEC, &event), -ETIMEDOUT);
	assert_true(now() - begin >= SHORT_USEC);
	assert_int_equal(usher_source_wait(source, 0, &event), -ETIMEDOUT);
	assert_int_equal(usher_eventfd_increment(source, 7), 0);
	begin = now();
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	assert_true(now() - begin < LONG_USEC / 2);
	assert_int_equal(event.count, 7);
	assert_ptr_equal(event.source, source);
	usher_source_free(source);
}

static void noop(int number) {
}

static void a_signal_with_a_handler_does_not_end_a_wait(void **state) {
	struct sigaction action = { .sa_handler = noop };
	struct itimerspec soon = { .it_value.tv_nsec = 2000000, .it_interval.tv_nsec = 2000000 };
	struct sigevent by_signal = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct usher_source *source;
	struct usher_event event;
	timer_t timer;
	uint64_t begin;

	assert_int_equal(usher_sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(usher_eventfd_new(0, false, &source), 0);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &by_signal, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
	begin = now();
	assert_int_equal(usher_source_wait(source, SHORT_USEC, &event), -ETIMEDOUT);
	assert_true(now() - begin >= SHORT_USEC);
	timer_delete(timer);
	usher_source_free(source);
}

static void nothing_there_is_again_and_never_waits(void **state) {
	struct usher_source *all[4];
	struct usher_event event;

	make_all(all);
	for (size_t i = 0; i < N_OF(all); i++) {
		assert_int_equal(usher_source_next(all[i], &event), -EAGAIN);
		assert_int_equal(usher_source_next_all(all[i], &event, 1), -EAGAIN);
		usher_source_free(all[i]);
	}
}

static void a_blocking_descriptor_is_as_good_as_one_that_does_not_block(void **state) {
	struct usher_source *source;
	struct usher_event event;
	int fd = usher_eventfd(0, 0);

	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(usher_source_adopt(USHER_SOURCE_EVENTFD, fd, &source), 0);
	assert_int_equal(usher_source_next(source, &event), -EAGAIN);
	assert_int_equal(usher_source_wait(source, SHORT_USEC, &event), -ETIMEDOUT);
	assert_int_equal(usher_eventfd_increment(source, 2), 0);
	assert_int_equal(usher_source_wait(source, UINT64_MAX, &event), 0);
	assert_int_equal(event.count, 2);
	usher_source_free(source);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void two_events_of_one_read_are_two_calls(void **state) {
	struct usher_source *source = inotify_on(directory, IN_CREATE);
	struct usher_event event;

	touch("two-a");
	touch("two-b");
	assert_int_equal(usher_source_get_timeout(source), UINT64_MAX);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_string_equal(event.inotify.name, "two-a");
	/* The other one is not in the kernel any more, and no poll would tell of it. */
	assert_int_equal(usher_bytes_readable(usher_source_get_fd(source)), 0);
	assert_int_equal(usher_source_get_timeout(source), 0);
	assert_int_equal(usher_source_kept(source), 1);
	assert_int_equal(usher_source_wait(source, 0, &event), 0);
	assert_string_equal(event.inotify.name, "two-b");
	assert_int_equal(usher_source_next(source, &event), -EAGAIN);
	usher_source_free(source);
}

static void all_that_is_there_comes_in_one_call(void **state) {
	static const char *const names[] = { "all-1", "all-2", "all-3", "all-4", "all-5" };
	struct usher_source *source = inotify_on(directory, IN_CREATE);
	struct usher_event events[8];

	for (size_t i = 0; i < N_OF(names); i++)
		touch(names[i]);
	assert_int_equal(usher_source_next_all(source, events, 3), 3);
	assert_string_equal(events[0].inotify.name, "all-1");
	assert_string_equal(events[2].inotify.name, "all-3");
	assert_int_equal(usher_source_next_all(source, events, 8), 2);
	assert_string_equal(events[1].inotify.name, "all-5");
	assert_int_equal(usher_source_next_all(source, events, 0), -EINVAL);
	usher_source_free(source);
}

static void events_come_in_a_loop_for_ever(void **state) {
	struct usher_source *source;
	struct usher_event event;
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT;
	uint64_t sum = 0;

	assert_int_equal(usher_timerfd_new(CLOCK_MONOTONIC, &source), 0);
	assert_int_equal(usher_timerfd_set(source, usher_timerspec_every(&spec, 0, 2000000), 0,
					   NULL),
			 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(usher_source_wait(source, UINT64_MAX, &event), 0);
		sum += event.timer.expirations;
	}
	assert_true(sum >= 5);
	usher_source_free(source);
}

static void what_is_dropped_is_only_what_is_kept_here(void **state) {
	struct usher_source *source = inotify_on(directory, IN_CREATE);
	struct usher_event event;

	touch("drop-1");
	touch("drop-2");
	touch("drop-3");
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_int_equal(usher_source_kept(source), 2);
	assert_int_equal(usher_source_drop(source), 0);
	assert_int_equal(usher_source_kept(source), 0);
	assert_int_equal(usher_source_wait(source, SHORT_USEC, &event), -ETIMEDOUT);
	touch("drop-4");
	assert_int_equal(usher_source_drop(source), 0);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_string_equal(event.inotify.name, "drop-4");
	usher_source_free(source);
}

static void a_closed_source_says_so_and_touches_nobody_elses_descriptor(void **state) {
	struct usher_source *all[4];
	struct usher_event event;
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT;
	char *text;

	make_all(all);
	for (size_t i = 0; i < N_OF(all); i++) {
		int fd = usher_source_get_fd(all[i]), other;

		assert_int_equal(usher_source_close(all[i]), 0);
		other = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, fd);
		assert_int_equal(other, fd);
		assert_int_equal(usher_source_close(all[i]), -EBADF);
		assert_int_equal(errno, EBADF);
		assert_int_equal(usher_source_get_fd(all[i]), -EBADF);
		assert_int_equal(usher_source_next(all[i], &event), -EBADF);
		assert_int_equal(usher_source_wait(all[i], 0, &event), -EBADF);
		assert_int_equal(usher_source_drop(all[i]), -EBADF);
		assert_int_equal(usher_source_get_mode(all[i]), -EBADF);
		assert_int_equal(usher_source_describe(all[i], &text), 0);
		assert_non_null(strstr(text, " closed"));
		free(text);
		if (i == 0)
			assert_int_equal(usher_inotify_watch(all[i], "/", IN_OPEN), -EBADF);
		if (i == 1)
			assert_int_equal(usher_signalfd_enable_all(all[i]), -EBADF);
		if (i == 2)
			assert_int_equal(usher_timerfd_set(all[i], &spec, 0, NULL), -EBADF);
		if (i == 3)
			assert_int_equal(usher_eventfd_increment(all[i], 1), -EBADF);
		assert_null(usher_source_free(all[i]));
		assert_true(fcntl(other, F_GETFD) >= 0);
		close(other);
	}
	assert_int_equal(usher_source_next(NULL, &event), -EBADF);
	assert_int_equal(usher_source_close(NULL), -EBADF);
	assert_null(usher_source_free(NULL));
}

static void descriptor_0_is_as_good_as_any(void **state) {
	struct usher_source *source;
	struct usher_event event;
	int kept = dup(0), r;

	close(0);
	r = usher_eventfd_new(3, false, &source);
	if (r == 0 && usher_source_get_fd(source) == 0)
		r = usher_source_next(source, &event);
	else
		r = -1;
	if (r == 0)
		r = usher_source_close(source);
	usher_source_free(source);
	dup2(kept, 0);
	close(kept);
	assert_int_equal(r, 0);
	assert_int_equal(event.count, 3);
}

static void a_source_says_what_it_is(void **state) {
	static const enum usher_source_kind kinds[] = { USHER_SOURCE_INOTIFY, USHER_SOURCE_SIGNALFD,
							USHER_SOURCE_TIMERFD,
							USHER_SOURCE_EVENTFD };
	struct usher_timerspec spec = USHER_TIMERSPEC_INIT;
	struct usher_source *all[4];
	char *text, expected[64];

	make_all(all);
	assert_int_equal(usher_timerfd_set(all[2],
					   usher_timerspec_every(usher_timerspec_after(&spec,
										       100000, 0),
								 3, 4000),
					   0, NULL),
			 0);
	for (size_t i = 0; i < N_OF(all); i++) {
		assert_int_equal(usher_source_get_kind(all[i]), kinds[i]);
		assert_int_equal(usher_source_get_mode(all[i]), i == 3 ? O_RDWR : O_RDONLY);
		assert_int_equal(usher_source_describe(all[i], &text), 0);
		(void)snprintf(expected, sizeof expected, "%s fd=%d%s",
			       i == 0   ? "inotify"
			       : i == 1 ? "signalfd"
			       : i == 2 ? "timerfd"
					: "eventfd",
			       usher_source_get_fd(all[i]),
			       i == 2 ? " clock=monotonic next=9999" : "");
		assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
		if (i == 2)
			assert_non_null(strstr(text, " interval=3.000004s"));
		free(text);
	}
	for (size_t i = 0; i < N_OF(all); i++)
		usher_source_free(all[i]);
}

static void no_two_sources_are_the_same(void **state) {
	struct usher_source *source;
	uint64_t id;

	assert_int_equal(usher_eventfd_new(0, false, &source), 0);
	id = usher_source_get_id(source);
	usher_source_free(source);
	/* the same descriptor, and most likely the same memory */
	assert_int_equal(usher_eventfd_new(0, false, &source), 0);
	assert_true(usher_source_get_id(source) != id);
	assert_true(usher_source_get_id(source) != 0);
	usher_source_free(source);
}

static void what_goes_out_of_scope_is_closed(void **state) {
	size_t before = descriptors_open();

	for (int i = 0; i < 10; i++) {
		USHER_CLEANUP_SOURCE struct usher_source *source = NULL;

		assert_int_equal(usher_eventfd_new(0, false, &source), 0);
	}
	assert_no_leak(before);
}

static void only_a_descriptor_of_that_kind_is_adopted(void **state) {
	struct usher_source *source;
	int fd = usher_eventfd(5, 0), other = dup(fd);
	struct usher_event event;

	assert_int_equal(usher_source_adopt(USHER_SOURCE_TIMERFD, fd, &source), -EINVAL);
	assert_said("eventfd");
	assert_int_equal(usher_source_adopt((enum usher_source_kind)77, fd, &source), -EINVAL);
	assert_int_equal(usher_source_adopt(USHER_SOURCE_EVENTFD, -1, &source), -EBADF);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	/* One that is not close-on-exec becomes so. */
	assert_int_equal(fcntl(other, F_GETFD), 0);
	assert_int_equal(usher_source_adopt(USHER_SOURCE_EVENTFD, other, &source), 0);
	assert_int_equal(usher_source_get_fd(source), other);
	assert_int_equal(fcntl(other, F_GETFD), FD_CLOEXEC);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_int_equal(event.count, 5);
	assert_int_equal(usher_inotify_ignore(source, 1), -EINVAL);
	usher_source_free(source);
	close(fd);
}

static void every_source_can_be_polled(void **state) {
	struct usher_source *source = inotify_on(directory, IN_CREATE);
	struct pollfd p = { usher_source_get_fd(source), POLLIN, 0 };

	assert_int_equal(poll(&p, 1, 0), 0);
	touch("polled");
	assert_int_equal(poll(&p, 1, 1000), 1);
	assert_int_equal(p.revents, POLLIN);
	assert_true(usher_bytes_readable(p.fd) > 0);
	usher_source_free(source);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_descriptor_is_close_on_exec),
		cmocka_unit_test(waiting_ends_with_an_event_or_with_the_time),
		cmocka_unit_test(a_signal_with_a_handler_does_not_end_a_wait),
		cmocka_unit_test(nothing_there_is_again_and_never_waits),
		cmocka_unit_test(a_blocking_descriptor_is_as_good_as_one_that_does_not_block),
		cmocka_unit_test(two_events_of_one_read_are_two_calls),
		cmocka_unit_test(all_that_is_there_comes_in_one_call),
		cmocka_unit_test(events_come_in_a_loop_for_ever),
		cmocka_unit_test(what_is_dropped_is_only_what_is_kept_here),
		cmocka_unit_test(a_closed_source_says_so_and_touches_nobody_elses_descriptor),
		cmocka_unit_test(descriptor_0_is_as_good_as_any),
		cmocka_unit_test(a_source_says_what_it_is),
		cmocka_unit_test(no_two_sources_are_the_same),
		cmocka_unit_test(what_goes_out_of_scope_is_closed),
		cmocka_unit_test(only_a_descriptor_of_that_kind_is_adopted),
		cmocka_unit_test(every_source_can_be_polled),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
