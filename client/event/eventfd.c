/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* eventfd(2), and a futex that becomes one. */

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event/source.h"
#include "event/verdict.h"

int usher_eventfd(unsigned initial, int flags) {
	return verdict_of("eventfd", eventfd(initial, flags | EFD_CLOEXEC));
}

static int parse(const void *data, size_t size, struct usher_event *ret) {
	if (size < sizeof ret->count)
		return -EBADMSG;
	memcpy(&ret->count, data, sizeof ret->count);
	return sizeof ret->count;
}

/* ---- a futex ---- */

struct futex {
	pthread_t thread;
	const uint32_t *word;
	uint32_t expected;
	_Atomic uint32_t over; /* a futex, too: 1 when nobody wants to know any more */
	int fd;
};

static struct futex_waitv waiter(const void *word, uint32_t expected, uint32_t flags) {
	return (struct futex_waitv){ .val = expected, .uaddr = (uintptr_t)word, .flags = flags };
}

static long waitv(struct futex_waitv *waiters, unsigned n) {
	return syscall(SYS_futex_waitv, waiters, n, 0, NULL, CLOCK_MONOTONIC);
}

static void *watch(void *data) {
	struct futex *futex = data;
	/* Whoever wakes it may call it private or not, and means two different ones. */
	struct futex_waitv waiters[] = {
		waiter(&futex->over, 0, FUTEX_32 | FUTEX_PRIVATE_FLAG),
		waiter(futex->word, futex->expected, FUTEX_32 | FUTEX_PRIVATE_FLAG),
		waiter(futex->word, futex->expected, FUTEX_32),
	};
	static const uint64_t one = 1;
	long r;

	do
		r = waitv(waiters, 3);
	while (r < 0 && errno == EINTR);
	if (!atomic_load(&futex->over) && write(futex->fd, &one, sizeof one) < 0)
		return futex; /* nobody is there to be told */
	return NULL;
}

static void closing(struct usher_source *source) {
	struct futex *futex = source->futex;

	if (!futex)
		return;
	atomic_store(&futex->over, 1);
	(void)syscall(SYS_futex, &futex->over, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	pthread_join(futex->thread, NULL);
	free(futex);
	source->futex = NULL;
}

static int begin(struct usher_source *source, struct futex *futex) {
	sigset_t all, old;
	int r;

	futex->fd = source->fd;
	/* Signals are the program's. */
	sigfillset(&all);
	r = usher_sigmask(SIG_SETMASK, &all, &old);
	if (r < 0)
		return r;
	errno = pthread_create(&futex->thread, NULL, watch, futex);
	r = errno ? verdict_errno("pthread_create") : 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

int usher_futex_new(const uint32_t *word, uint32_t expected, struct usher_source **ret) {
	struct usher_source *source;
	struct futex *futex;
	int r;

	if (waitv(NULL, 0) < 0 && errno == ENOSYS)
		return verdict_errno("futex_waitv");
	r = usher_eventfd_new(0, false, &source);
	if (r < 0)
		return r;
	futex = calloc(1, sizeof *futex);
	if (futex) {
		futex->word = word;
		futex->expected = expected;
		r = begin(source, futex);
	} else
		r = verdict_note(-ENOMEM, "no memory");
	if (r < 0) {
		free(futex);
		usher_source_free(source);
		return r;
	}
	source->futex = futex;
	*ret = source;
	return 0;
}

/* ---- the source ---- */

const struct source_kind source_eventfd = {
	.name = "eventfd",
	.link = "anon_inode:[eventfd]",
	.room = sizeof(uint64_t),
	.parse = parse,
	.closing = closing,
};

int usher_eventfd_new(unsigned initial, bool semaphore, struct usher_source **ret) {
	int fd = usher_eventfd(initial, EFD_NONBLOCK | (semaphore ? EFD_SEMAPHORE : 0));

	return fd < 0 ? fd : source_new(USHER_SOURCE_EVENTFD, fd, ret);
}

int usher_eventfd_increment(struct usher_source *source, uint64_t value) {
	ssize_t n;
	int r = source_check_kind(source, USHER_SOURCE_EVENTFD);

	if (r < 0)
		return r;
	n = write(source->fd, &value, sizeof value);
	return verdict_of("eventfd: write", n < 0 ? n : 0);
}

uint64_t usher_eventfd_last(const struct usher_source *source) {
	return source ? source->last : 0;
}
