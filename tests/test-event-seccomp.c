/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filters of system calls, as a child feels them. */

#include <sys/syscall.h>
#include <sys/wait.h>

#include "event.h"
#include "event/usher-seccomp.h"

#define CONDITIONS(...) ((const struct usher_condition[]){ __VA_ARGS__ })

/* What a filter makes of the call that a child does. */
struct trial {
	struct usher_filter *filter;
	int (*act)(void);
};

static int try_in_child(void *data) {
	const struct trial *trial = data;
	const struct rlimit no_core = { 0 };

	/* cmocka catches what a filter sends, and would go on. */
	signal(SIGSYS, SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	return usher_filter_load(trial->filter) < 0 ? 99 : trial->act();
}

static int act_getppid(void) {
	return syscall(SYS_getppid) < 0 ? errno : 0;
}

/* Bit n: the write to descriptor n was done. */
static int act_write(void) {
	int done = 0;

	for (int fd = 1; fd <= 3; fd++)
		done |= (write(fd, "", 0) == 0) << fd;
	return done;
}

static int status_of(struct usher_filter *filter, int (*act)(void)) {
	struct trial trial = { filter, act };
	int status = in_child(try_in_child, &trial);

	usher_filter_free(filter);
	return status;
}

static struct usher_filter *filter_of(uint32_t otherwise) {
	struct usher_filter *filter;

	assert_int_equal(usher_filter_new(otherwise, &filter), 0);
	return filter;
}

static void a_call_that_kills_kills(void **state) {
	static const uint32_t actions[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
					    SECCOMP_RET_TRAP };

	for (size_t i = 0; i < N_OF(actions); i++) {
		struct usher_filter *filter = filter_of(SECCOMP_RET_ALLOW);
		int status;

		assert_int_equal(usher_filter_add(filter, actions[i], "getppid", NULL, 0), 0);
		status = status_of(filter, act_getppid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static void a_call_fails_with_the_errno_that_was_asked_for(void **state) {
	static const int numbers[] = { EACCES, EHOSTDOWN, 1 };

	for (size_t i = 0; i < N_OF(numbers); i++) {
		struct usher_filter *filter = filter_of(SECCOMP_RET_ALLOW);
		int status;

		assert_int_equal(usher_filter_add(filter, USHER_SECCOMP_ERRNO(numbers[i]),
						  "getppid", NULL, 0),
				 0);
		status = status_of(filter, act_getppid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), numbers[i]);
	}
	assert_int_equal(USHER_SECCOMP_ERRNO(EACCES), 0x0005000d);
	assert_int_equal(USHER_SECCOMP_TRACE(EACCES), 0x7ff0000d);
}

static void without_a_tracer_a_call_that_is_traced_is_not_there(void **state) {
	struct usher_filter *filter = filter_of(SECCOMP_RET_ALLOW);
	int status;

	assert_int_equal(usher_filter_add(filter, USHER_SECCOMP_TRACE(5), "getppid", NULL, 0), 0);
	status = status_of(filter, act_getppid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ENOSYS);
}

static void an_action_that_logs_lets_pass(void **state) {
	struct usher_filter *filter = filter_of(SECCOMP_RET_ALLOW);

	assert_int_equal(usher_filter_add(filter, SECCOMP_RET_LOG, "getppid", NULL, 0), 0);
	assert_int_equal(status_of(filter, act_getppid), 0);
}

static const struct {
	enum usher_comparison comparison;
	uint64_t value, masked;
	int done; /* where what is written to descriptors 1, 2, 3 fails if the condition holds */
} comparisons[] = {
	{ USHER_NE, 2, 0, 1 << 2 },        { USHER_LT, 2, 0, 1 << 2 | 1 << 3 },
	{ USHER_LE, 2, 0, 1 << 3 },        { USHER_EQ, 2, 0, 1 << 1 | 1 << 3 },
	{ USHER_GE, 2, 0, 1 << 1 },        { USHER_GT, 2, 0, 1 << 1 | 1 << 2 },
	{ USHER_MASKED_EQ, 1, 1, 1 << 2 },
};

static void every_comparison_is_its_own(void **state) {
	int kept = fcntl(STDERR_FILENO, F_DUPFD, 3);

	assert_int_equal(kept, 3);
	for (size_t i = 0; i < N_OF(comparisons); i++) {
		struct usher_filter *filter = filter_of(SECCOMP_RET_ALLOW);
		int status;

		assert_int_equal(usher_filter_add(filter, USHER_SECCOMP_ERRNO(EPERM), "write",
						  CONDITIONS({ 0, comparisons[i].comparison,
							       comparisons[i].value,
							       comparisons[i].masked }),
						  1),
				 0);
		status = status_of(filter, act_write);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), comparisons[i].done);
	}
	close(kept);
}

static void only_what_all_conditions_hold_for_is_meant(void **state) {
	struct usher_filter *filter = filter_of(SECCOMP_RET_ALLOW);
	int status;

	/* descriptor 2 with no bytes, and any with one byte: of which the second never happens */
	assert_int_equal(usher_filter_add(filter, USHER_SECCOMP_ERRNO(EPERM), "write",
					  CONDITIONS({ 0, USHER_EQ, 2 }, { 2, USHER_EQ, 0 }), 2),
			 0);
	assert_int_equal(usher_filter_add_exact(filter, USHER_SECCOMP_ERRNO(EPERM), "write",
						CONDITIONS({ 2, USHER_EQ, 1 }), 1),
			 0);
	assert_int_equal(fcntl(STDERR_FILENO, F_DUPFD, 3), 3);
	status = status_of(filter, act_write);
	close(3);
	assert_int_equal(WEXITSTATUS(status), 1 << 1 | 1 << 3);
}

static void what_is_wrong_with_a_rule_is_named(void **state) {
	struct usher_filter *filter = filter_of(SECCOMP_RET_ALLOW), *other;
	char *name;

	assert_int_equal(usher_filter_add(filter, SECCOMP_RET_TRAP, "no_such_call", NULL, 0),
			 -EINVAL);
	assert_said("'no_such_call'");
	assert_int_equal(usher_filter_add(filter, SECCOMP_RET_TRAP, "write",
					  CONDITIONS({ 6, USHER_EQ, 0 }), 1),
			 -EINVAL);
	assert_said("argument");
	assert_int_equal(usher_filter_add(filter, SECCOMP_RET_TRAP, "write",
					  CONDITIONS({ 0, USHER_EQ, 0 }, { 0, USHER_EQ, 1 }), 2),
			 -EINVAL);
	assert_said("two conditions");
	assert_int_equal(usher_filter_add(filter, SECCOMP_RET_TRAP, "write",
					  CONDITIONS({ 0, (enum usher_comparison)99, 0 }), 1),
			 -EINVAL);
	assert_said("comparison");
	assert_int_equal(usher_filter_add(filter, SECCOMP_RET_ALLOW, "write", NULL, 0), -EPERM);
	assert_int_equal(usher_filter_add(filter, 0x12345678, "write", NULL, 0), -EINVAL);
	assert_int_equal(usher_filter_new(0x12345678, &other), -EINVAL);
	assert_int_equal(usher_filter_add_architecture(filter, "pdp11"), -EINVAL);
	assert_said("pdp11");
	assert_int_equal(usher_call_from_string("getppid"), SYS_getppid);
	assert_int_equal(usher_call_from_string("getppid_"), -EINVAL);
	assert_int_equal(usher_call_to_string(SYS_getppid, &name), 0);
	assert_string_equal(name, "getppid");
	free(name);
	assert_int_equal(usher_call_to_string(1 << 20, &name), -EINVAL);
	usher_filter_free(filter);
}

static void a_filter_that_is_reset_is_as_new(void **state) {
	struct usher_filter *filter = filter_of(SECCOMP_RET_KILL_PROCESS);

	assert_int_equal(usher_filter_add(filter, USHER_SECCOMP_ERRNO(EPERM), "getppid", NULL, 0),
			 0);
	assert_int_equal(usher_filter_reset(filter, SECCOMP_RET_ALLOW), 0);
	assert_int_equal(usher_filter_add(filter, SECCOMP_RET_ALLOW, "getppid", NULL, 0), -EPERM);
	assert_int_equal(status_of(filter, act_getppid), 0);
}

/* Another architecture of the machine's, which is not in a new filter. */
static const char *other_architecture(void) {
#if defined(__x86_64__)
	return "x86";
#elif defined(__aarch64__)
	return "arm";
#else
	return NULL;
#endif
}

static void two_filters_become_one(void **state) {
	struct usher_filter *filter = filter_of(SECCOMP_RET_ALLOW),
			    *other = filter_of(SECCOMP_RET_ALLOW);
	int status;

	if (!other_architecture())
		skip_because("this machine has one architecture");
	/* both have the same, which does not fit */
	assert_int_equal(usher_filter_merge(filter, other), -EBUSY);
	assert_int_equal(usher_filter_add_architecture(other, other_architecture()), 0);
	assert_int_equal(usher_filter_remove_architecture(other, NULL), 0);
	assert_int_equal(usher_filter_add(filter, USHER_SECCOMP_ERRNO(EACCES), "getppid", NULL, 0),
			 0);
	assert_int_equal(usher_filter_merge(filter, other), 0);
	status = status_of(filter, act_getppid);
	assert_int_equal(WEXITSTATUS(status), EACCES);
}

static void the_program_of_a_filter_is_given_out(void **state) {
	struct usher_filter *filter = filter_of(SECCOMP_RET_ALLOW);
	struct sock_filter *program;
	int n;

	assert_int_equal(usher_filter_add(filter, SECCOMP_RET_KILL_PROCESS, "getppid", NULL, 0), 0);
	n = usher_filter_export(filter, &program);
	assert_true(n > 3);
	assert_int_equal(program[n - 1].code, BPF_RET | BPF_K);
	free(program);
	usher_filter_free(filter);
}

/* In a child, which never does that call. */
static int be_asked(void *data) {
	struct usher_filter *filter;
	int fd;

	if (usher_filter_new(SECCOMP_RET_ALLOW, &filter) < 0 ||
	    usher_filter_notify_fd(filter) >= 0 ||
	    usher_filter_add(filter, SECCOMP_RET_USER_NOTIF, "getppid", NULL, 0) < 0 ||
	    usher_filter_load(filter) < 0)
		return 1;
	fd = usher_filter_notify_fd(filter);
	usher_filter_free(filter);
	/* The caller's, and so there without the filter. */
	if (fd < 0 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		return 2;
	return usher_get_no_new_privileges() == 1 ? 0 : 3;
}

static void whoever_is_to_be_asked_has_a_descriptor_for_it(void **state) {
	int status = in_child(be_asked, NULL);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_kills_kills),
		cmocka_unit_test(a_call_fails_with_the_errno_that_was_asked_for),
		cmocka_unit_test(without_a_tracer_a_call_that_is_traced_is_not_there),
		cmocka_unit_test(an_action_that_logs_lets_pass),
		cmocka_unit_test(every_comparison_is_its_own),
		cmocka_unit_test(only_what_all_conditions_hold_for_is_meant),
		cmocka_unit_test(what_is_wrong_with_a_rule_is_named),
		cmocka_unit_test(a_filter_that_is_reset_is_as_new),
		cmocka_unit_test(two_filters_become_one),
		cmocka_unit_test(the_program_of_a_filter_is_given_out),
		cmocka_unit_test(whoever_is_to_be_asked_has_a_descriptor_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
