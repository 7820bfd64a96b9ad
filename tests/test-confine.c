/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an operation's row does not name is not there: in children that confine themselves as a
 * child of the worker does and then try it. Each claim has a twin: what the row names still works.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "filters.h"
#include "operation.h"
#include "support.h"

/* What no row names and no child needs. */
static const int nobodys[] = {
#ifndef FILTERS_FOR_SANITIZERS
	SYS_vfork, /* to print where a fault was found */
#endif
	SYS_execve,
	SYS_execveat,
	SYS_socket,
	SYS_connect,
	SYS_bind,
	SYS_kill,
	SYS_fork,
	SYS_clone3,
	SYS_mount,
	SYS_bpf,
	SYS_keyctl,
	SYS_init_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_unlinkat,
	SYS_unlink,
	SYS_renameat2,
	SYS_mkdirat,
	SYS_mknodat,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_fchown,
	SYS_fchownat,
	SYS_linkat,
	SYS_symlinkat,
	SYS_setuid,
	SYS_setgid,
	SYS_setresuid,
	SYS_setgroups,
	SYS_perf_event_open,
	SYS_open_by_handle_at,
	SYS_pidfd_getfd,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_process_vm_writev,
	SYS_setxattr,
	SYS_quotactl,
	SYS_settimeofday,
	SYS_swapon,
	SYS_iopl,
	SYS_personality,
	SYS_seccomp,
	SYS_link,
	SYS_rename,
	SYS_truncate,
	SYS_utimensat,
	SYS_fallocate,
	SYS_shmget,
	SYS_sendto,
	SYS_fanotify_init,
};

struct attempt {
	size_t row;
	int number;
};

/* Arguments that no system call can do anything with. */
static int try_system_call(void *data) {
	const struct attempt *attempt = data;
	const struct rlimit no_core = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || confine_system_calls(attempt->row) < 0)
		_exit(99);
	(void)syscall(attempt->number, -1L, -1L, -1L, -1L, -1L, -1L);
	syscall(SYS_exit_group, 0);
	return 0;
}

static bool kills(size_t row, int number) {
	struct attempt attempt = { row, number };
	int status = in_child(try_system_call, &attempt);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
		fail_msg("%s: its filter cannot be loaded", operations[row]->method);
	if (WIFEXITED(status))
		return false;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	return true;
}

static bool names(const int *numbers, int number) {
	for (; *numbers >= 0; numbers++)
		if (*numbers == number)
			return true;
	return false;
}

static void sec_40_a_call_that_no_row_names_kills_in_every_row(void **state) {
	(void)state;
	for (size_t row = 0; row < operations_n; row++)
		for (size_t i = 0; i < N_OF(nobodys); i++) {
			/* one after the other in the first rows, then a sample: a filter is one
			 * list */
			if (row > 1 && (row + i) % 8 != 0)
				continue;
			if (names(operations[row]->syscalls, nobodys[i]))
				continue; /* what works in a network has its sockets */
			if (!kills(row, nobodys[i]))
				fail_msg("%s may make system call %d", operations[row]->method,
					 nobodys[i]);
		}
}

/* Lesson 12 of docs/security.md: whom something belongs to, and with what mode, is said to the
 * kernel before there is a path to it. */
static void sec_12_no_row_can_change_an_owner_or_a_mode(void **state) {
	static const int numbers[] = { SYS_chown,    SYS_lchown,          SYS_fchown,
				       SYS_fchownat, SYS_chmod,           SYS_fchmod,
				       SYS_fchmodat, 452 /* fchmodat2 */, SYS_setxattr,
				       SYS_mknodat,  SYS_fsetxattr,       SYS_utimensat };

	(void)state;
	for (size_t row = 0; row < operations_n; row++)
		for (size_t i = 0; i < N_OF(numbers); i++)
			if (!kills(row, numbers[i]))
				fail_msg("%s may make system call %d", operations[row]->method,
					 numbers[i]);
}

/* Every call that some row names, in every row: it lives if this row names it, and only then. */
static void sec_41_a_call_lives_where_its_row_names_it_and_only_there(void **state) {
	int all[128];
	size_t n = 0;

	(void)state;
	for (size_t row = 0; row < operations_n; row++)
		for (const int *number = operations[row]->syscalls; *number >= 0; number++) {
			all[n] = -1;
			if (names(all, *number))
				continue;
			all[n++] = *number;
			assert_true(n < N_OF(all));
		}
	assert_true(n > 10);
	for (size_t row = 0; row < operations_n; row++)
		for (size_t i = 0; i < n; i++) {
			bool named = names(operations[row]->syscalls, all[i]);

#ifdef FILTERS_FOR_SANITIZERS
			/* the sanitizers need some of them in every child */
			static const int theirs[] = { SYS_clone,          SYS_wait4,
						      SYS_uname,          SYS_getdents64,
						      SYS_socketpair,     SYS_rt_sigaction,
						      SYS_rt_sigprocmask, -1 };

			if (!named && names(theirs, all[i]))
				continue;
#endif
			if (kills(row, all[i]) == named)
				fail_msg("%s %s system call %d", operations[row]->method,
					 named ? "dies of its own" : "may make", all[i]);
		}
}

/* Under a unit's filter and what is put on top of it before the fork. */
static int try_foreseen(void *data) {
	static struct sock_filter everything = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog program = { 1, &everything };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ||
	    confine_foresee() < 0 || syscall(SYS_getuid) < 0 || syscall(SYS_getpid) < 0)
		_exit(98);
	return try_system_call(data);
}

static void what_is_foreseen_is_confined_no_less_and_nothing_else_is(void **state) {
	(void)state;
	for (size_t row = 0; row < operations_n; row++) {
		struct attempt attempt = { row, SYS_mount };
		int status = in_child(try_foreseen, &attempt);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
		attempt.number = SYS_capget;
		assert_int_equal(in_child(try_foreseen, &attempt), 0);
	}
}

static int try_foreign_architecture(void *data) {
	const struct attempt *attempt = data;
	const struct rlimit no_core = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || confine_system_calls(attempt->row) < 0)
		_exit(99);
#ifdef __x86_64__
	/* the same number as the plain call, with the bit of the x32 interface */
	(void)syscall(SYS_read | 0x40000000, -1L, NULL, 0L);
#endif
	syscall(SYS_exit_group, 0);
	return 0;
}

static void sec_40_another_interface_to_the_kernel_is_no_way_around(void **state) {
	struct attempt attempt = { 0, 0 };
	int status;

	(void)state;
#ifndef __x86_64__
	skip_because("there is no second interface here");
#endif
	status = in_child(try_foreign_architecture, &attempt);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int load_twice(void *data) {
	(void)data;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || confine_system_calls(0) < 0)
		return 1;
	(void)confine_system_calls(1); /* no way back: this is a call that no row has */
	return 2;
}

static void a_filter_cannot_be_taken_off(void **state) {
	int status = in_child(load_twice, NULL);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* ---- capabilities ---- */

static bool has(cap_flag_t set, int capability) {
	cap_t now = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	if (now)
		(void)cap_get_flag(now, capability, set, &value);
	(void)cap_free(now);
	return value == CAP_SET;
}

static int raise_one(int capability) {
	cap_t now = cap_get_proc();
	cap_value_t one = capability;
	int r;

	if (!now || cap_set_flag(now, CAP_EFFECTIVE, 1, &one, CAP_SET) < 0)
		return -1;
	r = cap_set_proc(now);
	(void)cap_free(now);
	return r;
}

/* Root, here or in a user namespace of one's own, with all that it may do. */
static int become_capable(void) {
	return geteuid() == 0 || unshare(CLONE_NEWUSER) == 0 ? 0 : -1;
}

static int keep_only_the_rows(void *data) {
	uint64_t kept = *(const uint64_t *)data;

	if (become_capable() < 0 || !has(CAP_PERMITTED, CAP_SYS_ADMIN))
		return 100;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || confine_capabilities(kept) < 0)
		return 1;
	for (int c = 0; c < cap_max_bits(); c++) {
		bool named = kept & CAP(c);

		if (has(CAP_EFFECTIVE, c) || has(CAP_INHERITABLE, c))
			return 2; /* none is in effect at first */
		if (has(CAP_PERMITTED, c) && !named)
			return 3;
		if (!named && raise_one(c) == 0)
			return 4;
	}
	if (confine_raise() < 0)
		return 5;
	for (int c = 0; c < cap_max_bits(); c++)
		if (has(CAP_EFFECTIVE, c) && !(kept & CAP(c)))
			return 6;
	return 0;
}

static void assert_capable_child(int (*run)(void *data), void *data) {
	int status = in_child(run, data);

	if (status == 100 << 8)
		skip_because("neither root nor a user namespace of one's own");
	assert_int_equal(status, 0);
}

static void a_capability_that_the_row_does_not_name_is_gone_for_good(void **state) {
	(void)state;
	for (size_t row = 0; row < operations_n; row++) {
		uint64_t kept = operations[row]->capabilities;

		assert_capable_child(keep_only_the_rows, &kept);
	}
}

static int give_up_all(void *data) {
	(void)data;
	if (become_capable() < 0 || !has(CAP_PERMITTED, CAP_SYS_ADMIN))
		return 100;
	if (confine_capabilities(0) < 0)
		return 1;
	if (confine_raise() < 0 || has(CAP_EFFECTIVE, CAP_SYS_ADMIN) ||
	    has(CAP_PERMITTED, CAP_CHOWN))
		return 2;
	return confine_has(CAP_SYS_ADMIN) ? 3 : 0;
}

static void nothing_is_left_where_nothing_is_named(void **state) {
	(void)state;
	assert_capable_child(give_up_all, NULL);
}

static int lower_and_raise(void *data) {
	const uint64_t both = CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT);

	(void)data;
	if (become_capable() < 0 || !has(CAP_PERMITTED, CAP_SYS_ADMIN) ||
	    !has(CAP_PERMITTED, CAP_SYS_CHROOT))
		return 100;
	if (confine_capabilities(both) < 0 || !confine_has(CAP_SYS_ADMIN) || confine_has(CAP_CHOWN))
		return 1;
	if (confine_lower(CAP(CAP_SYS_CHROOT)) < 0 || !has(CAP_EFFECTIVE, CAP_SYS_CHROOT) ||
	    has(CAP_EFFECTIVE, CAP_SYS_ADMIN))
		return 2;
	if (confine_lower(CAP(CAP_CHOWN)) < 0 || has(CAP_EFFECTIVE, CAP_CHOWN) ||
	    has(CAP_EFFECTIVE, CAP_SYS_CHROOT))
		return 3;
	if (confine_raise() < 0 || !has(CAP_EFFECTIVE, CAP_SYS_ADMIN) ||
	    !has(CAP_EFFECTIVE, CAP_SYS_CHROOT))
		return 4;
	return 0;
}

static void what_the_row_names_comes_and_goes(void **state) {
	(void)state;
	assert_capable_child(lower_and_raise, NULL);
}

/* ---- the start of a child ---- */

static int begin_with(int kept) {
	int before[5], r;

	for (size_t i = 0; i < N_OF(before); i++)
		before[i] = dup(kept);
	if (dup2(kept, 700) < 0)
		return 1;
	r = confine_begin(kept, kept);
	if (r < 0)
		return 2;
	for (int fd = 3; fd < 1024; fd++)
		if ((fcntl(fd, F_GETFD) >= 0) != (fd == kept))
			return 3;
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return 4;
	return 0;
}

static int begin_low(void *data) {
	int fd = dup2(*(int *)data, 3);

	return fd == 3 ? begin_with(fd) : 5;
}

static int begin_high(void *data) {
	int fd = dup2(*(int *)data, 300);

	return fd == 300 ? begin_with(fd) : 5;
}

static void a_child_keeps_the_brokers_socket_and_no_other_descriptor(void **state) {
	int fd = some_descriptor();

	(void)state;
	assert_int_equal(in_child(begin_low, &fd), 0);
	assert_int_equal(in_child(begin_high, &fd), 0);
	(void)close(fd);
}

static int look_after_begin(void *data) {
	struct stat st;

	if (prctl(PR_SET_DUMPABLE, 1) < 0 || prctl(PR_GET_DUMPABLE) != 1)
		return 1;
	if (confine_begin(*(int *)data, *(int *)data) < 0)
		return 2;
	if (prctl(PR_GET_DUMPABLE) != 0)
		return 3; /* whoever has its uid could trace it */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 4;
	/* what is not dumpable belongs to root in /proc */
	return geteuid() != 0 && stat("/proc/self/mem", &st) == 0 && st.st_uid == geteuid() ? 5 : 0;
}

static void a_child_cannot_be_traced_and_gains_nothing_by_programs(void **state) {
	int fd = some_descriptor();

	(void)state;
	assert_int_equal(in_child(look_after_begin, &fd), 0);
	(void)close(fd);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sec_40_a_call_that_no_row_names_kills_in_every_row),
		cmocka_unit_test(sec_12_no_row_can_change_an_owner_or_a_mode),
		cmocka_unit_test(sec_41_a_call_lives_where_its_row_names_it_and_only_there),
		cmocka_unit_test(what_is_foreseen_is_confined_no_less_and_nothing_else_is),
		cmocka_unit_test(sec_40_another_interface_to_the_kernel_is_no_way_around),
		cmocka_unit_test(a_filter_cannot_be_taken_off),
		cmocka_unit_test(a_capability_that_the_row_does_not_name_is_gone_for_good),
		cmocka_unit_test(nothing_is_left_where_nothing_is_named),
		cmocka_unit_test(what_the_row_names_comes_and_goes),
		cmocka_unit_test(a_child_keeps_the_brokers_socket_and_no_other_descriptor),
		cmocka_unit_test(a_child_cannot_be_traced_and_gains_nothing_by_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
