/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process knows and sets of itself, its children and its futexes. */

#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "event.h"

static void assert_done(int (*run)(void *data)) {
	int status = in_child(run, NULL);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A process that the C library did not make, and whose number it may believe to be its parent's. */
static int raw_clone(void *data) {
	pid_t parent = getpid();
	int status;
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(usher_getpid() != parent && usher_getppid() == parent ? 0 : 1);
	if (waitpid(pid, &status, 0) != pid)
		return 2;
	return usher_getpid() == parent ? WEXITSTATUS(status) : 3;
}

static void numbers_of_processes_are_the_kernels(void **state) {
	assert_done(raw_clone);
	assert_int_equal(usher_getppid(), getppid());
}

static int take_orphan(void *data) {
	int pair[2];
	pid_t orphan;
	char c;

	if (usher_get_child_subreaper() != 0 || usher_set_child_subreaper(true) < 0 ||
	    usher_get_child_subreaper() != 1 || pipe(pair) < 0)
		return 1;
	if (fork() == 0) {
		orphan = fork();
		if (orphan == 0) {
			/* until its parent has gone */
			while (read(pair[0], &c, 1) < 0)
				;
			_exit(usher_getppid() == *(pid_t *)data ? 7 : 8);
		}
		_exit(0);
	}
	if (wait(NULL) < 0 || write(pair[1], "x", 1) != 1)
		return 2;
	return 0;
}

static int reap_orphan(void *data) {
	pid_t self = getpid();
	int status, r = take_orphan(&self);

	if (r)
		return r;
	return wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 3;
}

static void an_orphan_comes_to_its_reaper(void **state) {
	assert_done(reap_orphan);
}

static int hide(void *data) {
	struct stat status;

	if (usher_get_dumpable() != 1 || usher_set_dumpable(false) < 0 || usher_get_dumpable() != 0)
		return 1;
	/* Who has no privilege does not own its own entry any more. */
	return stat("/proc/self", &status) == 0 && status.st_uid == 0 ? 0 : 2;
}

static void what_is_not_dumpable_is_roots(void **state) {
	assert_done(hide);
}

static int renounce(void *data) {
	char *text = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *file;

	if (usher_get_no_new_privileges() != 0 || usher_set_no_new_privileges() < 0 ||
	    usher_get_no_new_privileges() != 1)
		return 1;
	file = fopen("/proc/self/status", "re");
	n = file ? getdelim(&text, &size, '\0', file) : -1;
	return n > 0 && strstr(text, "\nNoNewPrivs:\t1\n") ? 0 : 2;
}

static void no_new_privileges_are_for_ever(void **state) {
	assert_done(renounce);
}

static int drop_capability(void *data) {
	if (usher_capbset_has(CAP_SYS_BOOT) == 0)
		return 77;
	if (usher_capbset_has(CAP_SYS_BOOT) != 1)
		return 1;
	if (usher_capbset_drop(CAP_SYS_BOOT) == -EPERM)
		return 77;
	if (usher_capbset_has(CAP_SYS_BOOT) != 0)
		return 2;
	return usher_capbset_has(10000) == -EINVAL ? 0 : 3;
}

static void a_capability_leaves_the_bounding_set(void **state) {
	int status = in_child(drop_capability, NULL);

	if (WEXITSTATUS(status) == 77)
		skip_because("there is no capability to lose here");
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int be_slack(void *data) {
	int before = usher_get_timer_slack();

	if (before <= 0 || usher_set_timer_slack(5000000) < 0 || usher_get_timer_slack() != 5000000)
		return 1;
	return usher_set_timer_slack(0) == 0 && usher_get_timer_slack() == before ? 0 : 2;
}

static void timers_may_be_late(void **state) {
	assert_done(be_slack);
	assert_int_equal(usher_prctl(123456, 0, 0, 0, 0), -EINVAL);
	assert_said("prctl");
}

/* ---- children ---- */

static int pidfd_of(pid_t pid) {
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	assert_true(fd >= 0);
	return fd;
}

static pid_t sleeper(void) {
	pid_t pid = fork();

	if (pid == 0)
		while (true)
			pause();
	return pid;
}

static pid_t traced(void) {
	pid_t pid = fork();

	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGUSR1);
		_exit(0);
	}
	return pid;
}

/* Where the kernel writes the core is no matter of ours. */
static pid_t dumper(void) {
	struct rlimit all = { 1 << 24, 1 << 24 };
	pid_t pid = fork();

	if (pid == 0) {
		if (chdir(directory) < 0 || setrlimit(RLIMIT_CORE, &all) < 0)
			_exit(77);
		(void)signal(SIGSEGV, SIG_DFL);
		(void)raise(SIGSEGV);
	}
	return pid;
}

static void a_child_is_trapped_and_dumps_its_core(void **state) {
	struct usher_child_state child;
	pid_t pid = traced();
	int pidfd = pidfd_of(pid);

	assert_int_equal(usher_child_wait(pidfd, WEXITED | WSTOPPED, &child), 0);
	assert_int_equal(child.code, CLD_TRAPPED);
	assert_int_equal(child.status, SIGUSR1);
	assert_false(usher_child_is_dead(&child));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(usher_child_wait(pidfd, WEXITED, &child), 0);
	close(pidfd);
	pidfd = pidfd_of(dumper());
	assert_int_equal(usher_child_wait(pidfd, WEXITED, &child), 0);
	close(pidfd);
	assert_int_equal(child.status, SIGSEGV);
	assert_true(usher_child_is_dead(&child));
	assert_false(usher_child_is_clean(&child));
	if (child.code == CLD_KILLED)
		skip_because("no core is dumped here");
	assert_int_equal(child.code, CLD_DUMPED);
}

static void a_child_is_stopped_goes_on_and_ends(void **state) {
	struct usher_child_state child;
	pid_t pid = sleeper();
	int pidfd = pidfd_of(pid), all = WEXITED | WSTOPPED | WCONTINUED;

	assert_int_equal(usher_child_wait(pidfd, all | WNOHANG, &child), -EAGAIN);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(usher_child_wait(pidfd, all, &child), 0);
	assert_int_equal(child.code, CLD_STOPPED);
	assert_int_equal(child.status, SIGSTOP);
	assert_false(usher_child_is_dead(&child));
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(usher_child_wait(pidfd, all, &child), 0);
	assert_int_equal(child.code, CLD_CONTINUED);
	assert_int_equal(kill(pid, SIGKILL), 0);
	/* once to look, and once to take */
	assert_int_equal(usher_child_wait(pidfd, WEXITED | WNOWAIT, &child), 0);
	assert_int_equal(usher_child_wait(pidfd, WEXITED, &child), 0);
	assert_int_equal(child.code, CLD_KILLED);
	assert_int_equal(child.status, SIGKILL);
	assert_int_equal(child.pid, pid);
	assert_int_equal(child.uid, getuid());
	assert_true(usher_child_is_dead(&child));
	assert_false(usher_child_is_clean(&child));
	assert_int_equal(usher_child_wait(pidfd, WEXITED, &child), -ENOENT);
	close(pidfd);
}

static void an_end_is_clean_or_not_and_has_a_price(void **state) {
	static const struct {
		int status;
		bool clean;
	} ends[] = { { 0, true }, { 1, false } };

	struct usher_child_state child;

	for (size_t i = 0; i < N_OF(ends); i++) {
		pid_t pid = fork();
		int pidfd;

		if (pid == 0) {
			clock_t end = clock() + CLOCKS_PER_SEC / 50;

			while (clock() < end)
				;
			_exit(ends[i].status);
		}
		pidfd = pidfd_of(pid);
		assert_int_equal(usher_child_wait(pidfd, WEXITED, &child), 0);
		assert_int_equal(child.code, CLD_EXITED);
		assert_int_equal(usher_child_is_clean(&child), ends[i].clean);
		assert_true(child.usage.ru_maxrss > 0);
		assert_true(child.usage.ru_utime.tv_usec + child.usage.ru_stime.tv_usec > 5000);
		close(pidfd);
	}
}

static void somebody_elses_child_and_what_is_no_process_are_refused(void **state) {
	struct usher_child_state child;
	int pidfd = pidfd_of(getppid()), fd = some_descriptor();

	assert_int_equal(usher_child_wait(pidfd, WEXITED | WNOHANG, &child), -ENOENT);
	assert_int_equal(usher_child_wait(fd, WEXITED | WNOHANG, &child), -EBADF);
	assert_int_equal(usher_child_wait(pidfd, WNOHANG, &child), -EINVAL);
	close(pidfd);
	close(fd);
}

/* ---- futexes ---- */

static void wake(_Atomic uint32_t *futex, int operation) {
	(void)syscall(SYS_futex, futex, operation, 1, NULL, NULL, 0);
}

static void a_futex_that_is_woken_is_an_event(void **state) {
	static const int operations[] = { FUTEX_WAKE, FUTEX_WAKE_PRIVATE };
	static _Atomic uint32_t futex;
	struct usher_source *source;
	struct usher_event event;
	size_t before = descriptors_open();
	int r;

	for (size_t i = 0; i < N_OF(operations); i++) {
		r = usher_futex_new((const uint32_t *)&futex, 0, &source);
		if (r == -EOPNOTSUPP)
			skip_because("this kernel has no futex_waitv");
		assert_int_equal(r, 0);
		assert_int_equal(usher_source_wait(source, SHORT_USEC, &event), -ETIMEDOUT);
		wake(&futex, operations[i]);
		assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
		assert_int_equal(event.count, 1);
		usher_source_free(source);
	}
	/* one that is another already */
	atomic_store(&futex, 5);
	assert_int_equal(usher_futex_new((const uint32_t *)&futex, 4, &source), 0);
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	usher_source_free(source);
	/* nobody ever wakes it, and the end does not wait for that */
	assert_int_equal(usher_futex_new((const uint32_t *)&futex, 5, &source), 0);
	usher_source_free(source);
	assert_no_leak(before);
}

struct lock {
	struct robust_list list;
	uint32_t futex;
};

/* Dies with a lock in its hand, in memory that the parent has as well. */
static int die_with_lock(void *data) {
	struct lock *lock = data;
	static struct robust_list_head head;

	head.list.next = &lock->list;
	head.futex_offset = offsetof(struct lock, futex);
	lock->list.next = &head.list;
	lock->futex = (uint32_t)syscall(SYS_gettid);
	return usher_set_robust_list(&head) == 0 ? 0 : 1;
}

static void a_lock_says_that_its_owner_died(void **state) {
	struct lock *lock =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	assert_true(lock != MAP_FAILED);
	status = in_child(die_with_lock, lock);
	assert_int_equal(status, 0);
	assert_true((lock->futex & FUTEX_OWNER_DIED) != 0);
	assert_int_equal(munmap(lock, 4096), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_processes_are_the_kernels),
		cmocka_unit_test(an_orphan_comes_to_its_reaper),
		cmocka_unit_test(what_is_not_dumpable_is_roots),
		cmocka_unit_test(no_new_privileges_are_for_ever),
		cmocka_unit_test(a_capability_leaves_the_bounding_set),
		cmocka_unit_test(timers_may_be_late),
		cmocka_unit_test(a_child_is_stopped_goes_on_and_ends),
		cmocka_unit_test(a_child_is_trapped_and_dumps_its_core),
		cmocka_unit_test(an_end_is_clean_or_not_and_has_a_price),
		cmocka_unit_test(somebody_elses_child_and_what_is_no_process_are_refused),
		cmocka_unit_test(a_futex_that_is_woken_is_an_event),
		cmocka_unit_test(a_lock_says_that_its_owner_died),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
