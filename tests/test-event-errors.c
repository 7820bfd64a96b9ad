/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every errno that the kernel has, from every call that libusher-event makes of it: which member of
 * the closed set that is, and what is said. The kernel is a fake. */

#include <stdarg.h>
#include <sys/syscall.h>

#include "event.h"
#include "event/verdict.h"

/* Prototypes of what the linker puts in place of the calls. */
int __wrap_inotify_init1(int flags);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_rm_watch(int fd, int wd);
int __wrap_fanotify_init(unsigned flags, unsigned event_flags);
int __wrap_fanotify_mark(int fd, unsigned flags, uint64_t mask, int at, const char *path);
int __wrap_signalfd(int fd, const sigset_t *signals, int flags);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old);
int __wrap_timerfd_create(clockid_t clock, int flags);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
			   struct itimerspec *old);
int __wrap_timerfd_gettime(int fd, struct itimerspec *value);
int __wrap_eventfd(unsigned initial, int flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_fcntl64(int fd, int command, ...);
ssize_t __wrap_splice(int from, off_t *from_offset, int to, off_t *to_offset, size_t length,
		      unsigned flags);
ssize_t __wrap_tee(int from, int to, size_t length, unsigned flags);
ssize_t __wrap_vmsplice(int fd, const struct iovec *pieces, size_t count, unsigned flags);
int __wrap_prctl(int option, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
long __wrap_syscall(long number, ...);
int __wrap_epoll_create1(int flags);

int __real_sigaction(int number, const struct sigaction *action, struct sigaction *old);
long __real_syscall(long number, ...);

/* What the kernel says, 0: nothing is faked. */
static int forced;

static int fail_so(void) {
	errno = forced;
	return -1;
}

int __wrap_inotify_init1(int flags) {
	return fail_so();
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask) {
	return fail_so();
}

int __wrap_inotify_rm_watch(int fd, int wd) {
	return fail_so();
}

int __wrap_fanotify_init(unsigned flags, unsigned event_flags) {
	return fail_so();
}

int __wrap_fanotify_mark(int fd, unsigned flags, uint64_t mask, int at, const char *path) {
	return fail_so();
}

int __wrap_signalfd(int fd, const sigset_t *signals, int flags) {
	return fail_so();
}

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
	return forced; /* and errno is as it was */
}

int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old) {
	return forced ? fail_so() : __real_sigaction(number, action, old);
}

int __wrap_timerfd_create(clockid_t clock, int flags) {
	return fail_so();
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
			   struct itimerspec *old) {
	return fail_so();
}

int __wrap_timerfd_gettime(int fd, struct itimerspec *value) {
	return fail_so();
}

int __wrap_eventfd(unsigned initial, int flags) {
	return fail_so();
}

int __wrap_memfd_create(const char *name, unsigned flags) {
	return fail_so();
}

int __wrap_fcntl64(int fd, int command, ...) {
	return command == F_GETFD ? 0 : fail_so();
}

ssize_t __wrap_splice(int from, off_t *from_offset, int to, off_t *to_offset, size_t length,
		      unsigned flags) {
	return fail_so();
}

ssize_t __wrap_tee(int from, int to, size_t length, unsigned flags) {
	return fail_so();
}

ssize_t __wrap_vmsplice(int fd, const struct iovec *pieces, size_t count, unsigned flags) {
	return fail_so();
}

int __wrap_prctl(int option, ...) {
	return fail_so();
}

int __wrap_ioctl(int fd, unsigned long request, ...) {
	return fail_so();
}

long __wrap_syscall(long number, ...) {
	return fail_so();
}

int __wrap_epoll_create1(int flags) {
	return fail_so();
}

/* ---- the calls ---- */

static int call_inotify_init(void) {
	return usher_inotify_init(0);
}

static int call_inotify_new(void) {
	struct usher_source *source;

	return usher_inotify_new(&source);
}

static int call_inotify_add_watch(void) {
	return usher_inotify_add_watch(0, "/", IN_OPEN);
}

static int call_inotify_rm_watch(void) {
	return usher_inotify_rm_watch(0, 1);
}

static int call_fanotify_init(void) {
	return usher_fanotify_init(0, 0);
}

static int call_fanotify_new(void) {
	struct usher_source *source;

	return usher_fanotify_new(0, 0, &source);
}

static int call_fanotify_mark(void) {
	return usher_fanotify_mark(0, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "/");
}

static int call_signalfd(void) {
	sigset_t none;

	sigemptyset(&none);
	return usher_signalfd(-1, &none, 0);
}

static int call_signalfd_new(void) {
	struct usher_source *source;
	sigset_t none;

	sigemptyset(&none);
	return usher_signalfd_new(&none, &source);
}

static int call_sigmask(void) {
	return usher_sigmask(SIG_BLOCK, NULL, NULL);
}

static int call_sigaction(void) {
	return usher_sigaction(SIGUSR1, NULL, NULL);
}

static int call_timerfd_create(void) {
	return usher_timerfd_create(CLOCK_MONOTONIC, 0);
}

static int call_timerfd_new(void) {
	struct usher_source *source;

	return usher_timerfd_new(CLOCK_MONOTONIC, &source);
}

static int call_timerfd_settime(void) {
	struct itimerspec value = { 0 };

	return usher_timerfd_settime(0, 0, &value, NULL);
}

static int call_timerfd_gettime(void) {
	struct itimerspec value;

	return usher_timerfd_gettime(0, &value);
}

static int call_eventfd(void) {
	return usher_eventfd(0, 0);
}

static int call_eventfd_new(void) {
	struct usher_source *source;

	return usher_eventfd_new(0, false, &source);
}

static int call_memfd_create(void) {
	return usher_memfd_create("x", 0);
}

static int call_memfd_add_seals(void) {
	return usher_memfd_add_seals(0, F_SEAL_WRITE);
}

static int call_memfd_get_seals(void) {
	return usher_memfd_get_seals(0);
}

static int call_splice(void) {
	return (int)usher_splice(0, NULL, 1, NULL, 1, 0);
}

static int call_tee(void) {
	return (int)usher_tee(0, 1, 1, 0);
}

static int call_vmsplice(void) {
	return (int)usher_vmsplice(0, NULL, 0, 0);
}

static int call_bytes_readable(void) {
	return usher_bytes_readable(0);
}

static int call_prctl(void) {
	return usher_get_dumpable();
}

static int call_set_robust_list(void) {
	return usher_set_robust_list(NULL);
}

static int call_poller_new(void) {
	struct usher_poller *poller;

	return usher_poller_new(&poller);
}

static const struct {
	const char *name;
	int (*call)(void);
	int except; /* an errno that does not come through */
} calls[] = {
	{ "inotify_init", call_inotify_init },
	{ "inotify_new", call_inotify_new },
	{ "inotify_add_watch", call_inotify_add_watch },
	{ "inotify_rm_watch", call_inotify_rm_watch },
	{ "fanotify_init", call_fanotify_init },
	{ "fanotify_new", call_fanotify_new },
	{ "fanotify_mark", call_fanotify_mark },
	{ "signalfd", call_signalfd },
	{ "signalfd_new", call_signalfd_new },
	{ "sigmask", call_sigmask },
	{ "sigaction", call_sigaction },
	{ "timerfd_create", call_timerfd_create },
	{ "timerfd_new", call_timerfd_new },
	/* what it says when the clock was set: the new time holds all the same */
	{ "timerfd_settime", call_timerfd_settime, ECANCELED },
	{ "timerfd_gettime", call_timerfd_gettime },
	{ "eventfd", call_eventfd },
	{ "eventfd_new", call_eventfd_new },
	{ "memfd_create", call_memfd_create },
	{ "memfd_add_seals", call_memfd_add_seals },
	{ "memfd_get_seals", call_memfd_get_seals },
	{ "splice", call_splice },
	{ "tee", call_tee },
	{ "vmsplice", call_vmsplice },
	{ "bytes_readable", call_bytes_readable },
	{ "prctl", call_prctl },
	{ "set_robust_list", call_set_robust_list },
	{ "poller_new", call_poller_new },
};

/* ---- what they are ---- */

static const struct {
	int said, is;
} meanings[] = {
	{ EINVAL, EINVAL },       { ENOTDIR, EINVAL },      { EISDIR, EINVAL },
	{ ENAMETOOLONG, EINVAL }, { ELOOP, EINVAL },        { ENOTBLK, EINVAL },
	{ E2BIG, EINVAL },        { ERANGE, EINVAL },       { EXDEV, EINVAL },
	{ ESPIPE, EINVAL },       { EBADF, EBADF },         { EPERM, EPERM },
	{ EACCES, EPERM },        { EROFS, EPERM },         { ENOENT, ENOENT },
	{ ESRCH, ENOENT },        { ENXIO, ENOENT },        { EBUSY, EBUSY },
	{ EEXIST, EBUSY },        { ETXTBSY, EBUSY },       { EDQUOT, EDQUOT },
	{ EMFILE, EDQUOT },       { ENFILE, EDQUOT },       { ENOSPC, EDQUOT },
	{ EUSERS, EDQUOT },       { ENOBUFS, EDQUOT },      { EOPNOTSUPP, EOPNOTSUPP },
	{ ENOSYS, EOPNOTSUPP },   { ENODEV, EOPNOTSUPP },   { EPROTONOSUPPORT, EOPNOTSUPP },
	{ EAGAIN, EAGAIN },       { EINTR, EAGAIN },        { EAFNOSUPPORT, EOPNOTSUPP },
	{ ENOMEM, ENOMEM },       { ETIMEDOUT, ETIMEDOUT }, { ENODATA, ENODATA },
};

static int meaning(int said) {
	for (size_t i = 0; i < N_OF(meanings); i++)
		if (meanings[i].said == said)
			return -meanings[i].is;
	return -EIO;
}

static void every_errno_of_every_call_is_one_of_the_set(void **state) {
	for (size_t i = 0; i < N_OF(calls); i++)
		for (int number = 1; number <= EHWPOISON; number++) {
			int r, kept;

			if (!strerrorname_np(number) || number == calls[i].except)
				continue;
			errno = 0;
			forced = number;
			r = calls[i].call();
			kept = errno;
			forced = 0;
			if (r != meaning(number))
				fail_msg("%s: %s became %d, not %d", calls[i].name,
					 strerrorname_np(number), r, meaning(number));
			/* In words of ours the errno is the set's. */
			if (kept != number && kept != -r)
				fail_msg("%s: %s left errno %d", calls[i].name,
					 strerrorname_np(number), kept);
			if (kept == number && number == EFAULT)
				assert_said("(EFAULT)");
			assert_true(*usher_event_message() != '\0');
		}
}

static void what_is_said_names_the_call_and_the_errno(void **state) {
	forced = EHOSTDOWN;
	assert_int_equal(call_eventfd(), -EIO);
	assert_said("eventfd: ");
	assert_said("(EHOSTDOWN)");
	forced = 4000;
	assert_int_equal(call_eventfd(), -EIO);
	assert_said("unknown error");
	forced = 0;
}

static void a_limit_is_named_with_its_value(void **state) {
	forced = EMFILE;
	assert_int_equal(call_inotify_init(), -EDQUOT);
	assert_said("fs/inotify/max_user_instances is ");
	forced = ENOSPC;
	assert_int_equal(call_inotify_add_watch(), -EDQUOT);
	assert_said("fs/inotify/max_user_watches is ");
	assert_int_equal(errno, ENOSPC);
	forced = EACCES;
	assert_int_equal(call_inotify_add_watch(), -EPERM);
	assert_null(strstr(usher_event_message(), "max_user_watches"));
	forced = 0;
}

static void a_field_that_is_wrong_is_named_before_the_kernel_is_asked(void **state) {
	static const struct {
		struct itimerspec value;
		const char *word;
	} wrong[] = {
		{ { .it_value = { 0, 1000000000 } }, "it_value: nanoseconds" },
		{ { .it_value = { 0, -1 } }, "it_value: nanoseconds" },
		{ { .it_value = { -1, 0 } }, "it_value: seconds" },
		{ { .it_interval = { 0, 1000000000 } }, "it_interval: nanoseconds" },
		{ { .it_interval = { -1, 0 } }, "it_interval: seconds" },
	};

	forced = EFAULT;
	for (size_t i = 0; i < N_OF(wrong); i++) {
		assert_int_equal(usher_timerfd_settime(0, 0, &wrong[i].value, NULL), -EINVAL);
		assert_said(wrong[i].word);
	}
	assert_int_equal(usher_inotify_add_watch(0, "", IN_OPEN), -EINVAL);
	assert_said("path");
	assert_int_equal(usher_inotify_add_watch(0, NULL, IN_OPEN), -EINVAL);
	forced = EINVAL;
	assert_int_equal(usher_timerfd_create(CLOCK_MONOTONIC_RAW, 0), -EINVAL);
	assert_said("clock");
	assert_int_equal(usher_timerfd_create(CLOCK_MONOTONIC, 1), -EINVAL);
	assert_said("EINVAL");
	forced = 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_errno_of_every_call_is_one_of_the_set),
		cmocka_unit_test(what_is_said_names_the_call_and_the_errno),
		cmocka_unit_test(a_limit_is_named_with_its_value),
		cmocka_unit_test(a_field_that_is_wrong_is_named_before_the_kernel_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
