/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals as events, and for how long they are blocked. */

#include <sys/wait.h>
#include <time.h>

#include "event.h"

static sigset_t set_of(const int numbers[], size_t count) {
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < count; i++)
		sigaddset(&set, numbers[i]);
	return set;
}

#define SET(...) set_of((const int[]){ __VA_ARGS__ }, N_OF(((const int[]){ __VA_ARGS__ })))

/* A bit mask out of a file of /proc. */
static uint64_t field_of(const char *path, const char *field) {
	char line[128];
	uint64_t value = UINT64_MAX;
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		if (strncmp(line, field, strlen(field)) == 0)
			value = strtoull(line + strlen(field), NULL, 16);
	assert_int_equal(fclose(file), 0);
	return value;
}

static uint64_t bit(int number) {
	return UINT64_C(1) << (number - 1);
}

static uint64_t enabled_in(struct usher_source *source) {
	char path[48];

	(void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", usher_source_get_fd(source));
	return field_of(path, "sigmask:");
}

static struct usher_source *source_of(const sigset_t *signals) {
	struct usher_source *source;

	assert_int_equal(usher_sigmask(SIG_BLOCK, signals, NULL), 0);
	assert_int_equal(usher_signalfd_new(signals, &source), 0);
	return source;
}

static void a_source_has_the_signals_it_was_made_with(void **state) {
	sigset_t set = SET(SIGUSR1);
	struct usher_source *source = source_of(&set);
	struct usher_event event;

	assert_true(enabled_in(source) == bit(SIGUSR1));
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_int_equal(event.signal.number, SIGUSR1);
	assert_int_equal(event.signal.code, SI_USER);
	assert_int_equal(event.signal.pid, getpid());
	assert_int_equal(event.signal.uid, getuid());
	assert_int_equal(event.signal.trap, 0);
	usher_source_free(source);
}

static void signals_are_added_and_taken_away(void **state) {
	sigset_t none = SET(SIGUSR1);
	struct usher_source *source;

	sigemptyset(&none);
	source = source_of(&none);
	assert_true(enabled_in(source) == 0);
	assert_int_equal(usher_signalfd_enable(source, (const int[]){ SIGUSR1, SIGUSR2, SIGRTMIN },
					       3),
			 0);
	assert_true(enabled_in(source) == (bit(SIGUSR1) | bit(SIGUSR2) | bit(SIGRTMIN)));
	assert_int_equal(usher_signalfd_disable(source, (const int[]){ SIGUSR2 }, 1), 0);
	assert_true(enabled_in(source) == (bit(SIGUSR1) | bit(SIGRTMIN)));
	assert_int_equal(usher_signalfd_has(source, SIGUSR1), 1);
	assert_int_equal(usher_signalfd_has(source, SIGUSR2), 0);
	assert_int_equal(usher_signalfd_has(source, 0), -EINVAL);
	assert_int_equal(usher_signalfd_has(source, 65), -EINVAL);
	/* all of them or none */
	assert_int_equal(usher_signalfd_enable(source, (const int[]){ SIGHUP, 65 }, 2), -EINVAL);
	assert_said("65");
	assert_int_equal(usher_signalfd_has(source, SIGHUP), 0);
	assert_int_equal(usher_signalfd_enable_all(source), 0);
	assert_int_equal(usher_signalfd_has(source, SIGHUP), 1);
	assert_true((enabled_in(source) & bit(SIGHUP)) != 0);
	assert_int_equal(usher_signalfd_disable_all(source), 0);
	assert_true(enabled_in(source) == 0);
	usher_source_free(source);
}

static void only_a_signalfd_is_changed(void **state) {
	sigset_t set = SET(SIGUSR1);
	int fd = usher_eventfd(0, 0);

	assert_int_equal(usher_signalfd(fd, &set, 0), -EINVAL);
	assert_said("no signalfd");
	close(fd);
	assert_int_equal(usher_signalfd(fd, &set, 0), -EBADF);
	assert_int_equal(usher_signalfd(-1, &set, 0x123), -EINVAL);
}

static void what_was_sent_along_arrives_in_order(void **state) {
	sigset_t set = SET(SIGRTMIN);
	struct usher_source *source = source_of(&set);
	struct usher_event events[4];

	for (int i = 42; i < 45; i++)
		assert_int_equal(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = i }), 0);
	/* three of them in one read */
	assert_int_equal(usher_source_next_all(source, events, 4), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(events[i].signal.number, SIGRTMIN);
		assert_int_equal(events[i].signal.code, SI_QUEUE);
		assert_int_equal(events[i].signal.value, 42 + i);
		assert_int_equal((int)events[i].signal.pointer, 42 + i);
	}
	usher_source_free(source);
}

static void a_child_says_how_it_ended_and_what_it_took(void **state) {
	sigset_t set = SET(SIGCHLD);
	struct usher_source *source = source_of(&set);
	struct usher_event event;
	pid_t pid = fork();

	if (pid == 0) {
		clock_t end = clock() + CLOCKS_PER_SEC / 10;

		while (clock() < end)
			;
		_exit(7);
	}
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	assert_int_equal(event.signal.number, SIGCHLD);
	assert_int_equal(event.signal.code, CLD_EXITED);
	assert_int_equal(event.signal.status, 7);
	assert_int_equal(event.signal.pid, pid);
	/* which the kernel counts by looking now and then */
	assert_true(event.signal.user_ticks + event.signal.system_ticks > 0);
	waitpid(pid, NULL, 0);
	usher_source_free(source);
}

static void a_timer_says_which_it_is_and_how_often_it_was_too_fast(void **state) {
	struct sigevent by_signal = { .sigev_notify = SIGEV_SIGNAL,
				      .sigev_signo = SIGRTMIN + 1,
				      .sigev_value.sival_int = 9 };
	struct itimerspec fast = { { 0, 100000 }, { 0, 100000 } };
	sigset_t set = SET(SIGRTMIN + 1);
	struct usher_source *source = source_of(&set);
	struct usher_event event;
	timer_t timer;

	assert_int_equal(timer_create(CLOCK_MONOTONIC, &by_signal, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &fast, NULL), 0);
	usleep(20000);
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	assert_int_equal(event.signal.code, SI_TIMER);
	assert_int_equal(event.signal.value, 9);
	assert_true(event.signal.overruns > 10);
	assert_true(event.signal.timer >= 0);
	timer_delete(timer);
	usher_source_free(source);
}

static void a_descriptor_that_is_ready_says_which_it_is(void **state) {
	sigset_t set = SET(SIGRTMIN + 2);
	struct usher_source *source = source_of(&set);
	struct usher_event event;
	int pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(fcntl(pair[0], F_SETSIG, SIGRTMIN + 2), 0);
	assert_int_equal(fcntl(pair[0], F_SETOWN, getpid()), 0);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_ASYNC), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	assert_int_equal(event.signal.code, POLL_IN);
	assert_int_equal(event.signal.fd, pair[0]);
	assert_true((event.signal.band & POLLIN) != 0);
	close(pair[0]);
	close(pair[1]);
	usher_source_free(source);
}

static void a_fault_that_somebody_sent_has_no_trap(void **state) {
	sigset_t set = SET(SIGSEGV);
	struct usher_source *source = source_of(&set);
	struct usher_event event;

	assert_int_equal(kill(getpid(), SIGSEGV), 0);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_int_equal(event.signal.number, SIGSEGV);
	assert_int_equal(event.signal.trap, 0);
	usher_source_free(source);
	assert_int_equal(usher_sigmask(SIG_UNBLOCK, &set, NULL), 0);
}

/* A signalfd reads what is the reader's: the parent's signal is not the child's. */
static int read_inherited(void *data) {
	struct usher_event event;

	if (usher_source_next(data, &event) != -EAGAIN)
		return 1;
	if (kill(getpid(), SIGUSR2) < 0)
		return 2;
	return usher_source_next(data, &event) == 0 && event.signal.pid == getpid() ? 0 : 3;
}

static void who_reads_gets_its_own_signals_and_nobody_elses(void **state) {
	sigset_t set = SET(SIGUSR2);
	struct usher_source *source = source_of(&set);
	struct usher_event event;
	int status;

	assert_int_equal(kill(getpid(), SIGUSR2), 0);
	status = in_child(read_inherited, source);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_int_equal(event.signal.pid, getpid());
	usher_source_free(source);
}

static void signals_have_their_names_and_numbers(void **state) {
	char name[USHER_SIGNAL_NAME_MAX];

	for (int number = 1; number <= SIGRTMAX; number++) {
		if (number > 31 && number < SIGRTMIN)
			continue; /* the C library's */
		usher_signal_to_string(number, name);
		assert_int_equal(usher_signal_from_string(name), number);
	}
	assert_string_equal(usher_signal_to_string(SIGUSR1, name), "SIGUSR1");
	assert_string_equal(usher_signal_to_string(SIGRTMIN + 3, name), "RTMIN+3");
	assert_string_equal(usher_signal_to_string(0, name), "?");
	assert_string_equal(usher_signal_to_string(-5, name), "?");
	assert_string_equal(usher_signal_to_string(65, name), "?");
	assert_int_equal(usher_signal_from_string("SIGNONE"), 0);
}

static void a_mask_is_changed_and_the_old_one_comes_back(void **state) {
	sigset_t set = SET(SIGUSR1, SIGHUP), old, before;

	assert_int_equal(usher_sigmask(SIG_BLOCK, NULL, &before), 0);
	assert_int_equal(usher_sigmask(SIG_SETMASK, &set, &old), 0);
	assert_int_equal(sigismember(&old, SIGHUP), sigismember(&before, SIGHUP));
	assert_true(field_of("/proc/self/status", "SigBlk:") == (bit(SIGUSR1) | bit(SIGHUP)));
	set = SET(SIGHUP);
	assert_int_equal(usher_sigmask(SIG_UNBLOCK, &set, &old), 0);
	assert_int_equal(sigismember(&old, SIGHUP), 1);
	assert_true(field_of("/proc/self/status", "SigBlk:") == bit(SIGUSR1));
	assert_int_equal(usher_sigmask(77, &set, NULL), -EINVAL);
	assert_int_equal(usher_sigmask(SIG_SETMASK, &before, NULL), 0);
}

static void blocking_twice_is_an_error_and_so_is_unblocking_behind_ones_back(void **state) {
	sigset_t set = SET(SIGALRM, SIGPIPE), one = SET(SIGPIPE), before;
	struct usher_signal_block *block, *second;

	assert_int_equal(usher_sigmask(SIG_UNBLOCK, &set, &before), 0);
	assert_int_equal(usher_signal_block_new(&set, &block), 0);
	assert_true((field_of("/proc/self/status", "SigBlk:") & bit(SIGPIPE)) != 0);
	assert_int_equal(usher_signal_block_new(&one, &second), -EBUSY);
	assert_said("SIGPIPE");
	assert_int_equal(usher_signal_block_end(block), 0);
	assert_true((field_of("/proc/self/status", "SigBlk:") & (bit(SIGPIPE) | bit(SIGALRM))) ==
		    0);
	assert_int_equal(usher_signal_block_new(&set, &block), 0);
	assert_int_equal(usher_sigmask(SIG_UNBLOCK, &one, NULL), 0);
	assert_int_equal(usher_signal_block_end(block), -EINVAL);
	assert_said("SIGPIPE");
	assert_true((field_of("/proc/self/status", "SigBlk:") & bit(SIGALRM)) == 0);
	assert_int_equal(usher_signal_block_end(NULL), 0);
	assert_int_equal(usher_sigmask(SIG_SETMASK, &before, NULL), 0);
}

static void a_signal_is_ignored_and_handled_again(void **state) {
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;

	assert_int_equal(usher_sigaction(SIGWINCH, &ignore, &old), 0);
	assert_true((field_of("/proc/self/status", "SigIgn:") & bit(SIGWINCH)) != 0);
	assert_int_equal(usher_sigaction(SIGWINCH, &old, NULL), 0);
	assert_true((field_of("/proc/self/status", "SigIgn:") & bit(SIGWINCH)) == 0);
	assert_int_equal(usher_sigaction(SIGKILL, &ignore, NULL), -EINVAL);
	assert_int_equal(usher_sigaction(65, &ignore, NULL), -EINVAL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_has_the_signals_it_was_made_with),
		cmocka_unit_test(signals_are_added_and_taken_away),
		cmocka_unit_test(only_a_signalfd_is_changed),
		cmocka_unit_test(what_was_sent_along_arrives_in_order),
		cmocka_unit_test(a_child_says_how_it_ended_and_what_it_took),
		cmocka_unit_test(a_timer_says_which_it_is_and_how_often_it_was_too_fast),
		cmocka_unit_test(a_descriptor_that_is_ready_says_which_it_is),
		cmocka_unit_test(a_fault_that_somebody_sent_has_no_trap),
		cmocka_unit_test(who_reads_gets_its_own_signals_and_nobody_elses),
		cmocka_unit_test(signals_have_their_names_and_numbers),
		cmocka_unit_test(a_mask_is_changed_and_the_old_one_comes_back),
		cmocka_unit_test(blocking_twice_is_an_error_and_so_is_unblocking_behind_ones_back),
		cmocka_unit_test(a_signal_is_ignored_and_handled_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
