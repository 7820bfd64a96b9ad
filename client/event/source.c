/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A descriptor, and what was read from it and not asked for yet. */

#include "event/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "event/verdict.h"

static const struct source_kind *const kinds[] = {
	[USHER_SOURCE_INOTIFY] = &source_inotify,   [USHER_SOURCE_FANOTIFY] = &source_fanotify,
	[USHER_SOURCE_SIGNALFD] = &source_signalfd, [USHER_SOURCE_TIMERFD] = &source_timerfd,
	[USHER_SOURCE_EVENTFD] = &source_eventfd,
};

/* fd stays the caller's where this fails. */
static int make(enum usher_source_kind number, int fd, struct usher_source **ret) {
	static atomic_uint_fast64_t ids;
	const struct source_kind *kind = kinds[number];
	struct usher_source *source = calloc(1, sizeof *source + kind->room);

	if (!source)
		return verdict_note(-ENOMEM, "%s: no memory", kind->name);
	source->number = number;
	source->kind = kind;
	source->fd = fd;
	source->id = atomic_fetch_add(&ids, 1) + 1;
	sigemptyset(&source->signals);
	*ret = source;
	return 0;
}

int source_new(enum usher_source_kind number, int fd, struct usher_source **ret) {
	int r = make(number, fd, ret);

	if (r < 0)
		close(fd);
	return r;
}

int usher_source_adopt(enum usher_source_kind number, int fd, struct usher_source **ret) {
	char path[32], link[64];
	ssize_t n;
	int flags;

	if (number < USHER_SOURCE_INOTIFY || number > USHER_SOURCE_EVENTFD)
		return verdict_note(-EINVAL, "kind: %d is none", (int)number);
	flags = fcntl(fd, F_GETFD);
	if (flags < 0)
		return verdict_errno("fd");
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof link - 1);
	link[n < 0 ? 0 : n] = '\0';
	if (n >= 0 && strcmp(link, kinds[number]->link) != 0)
		return verdict_note(-EINVAL, "fd: %s is no %s", link, kinds[number]->name);
	if (!(flags & FD_CLOEXEC) && fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
		return verdict_errno("fd");
	return make(number, fd, ret);
}

/* ---- what was read ---- */

static void forget(struct usher_source *source, size_t from, size_t to) {
	struct usher_event event;
	int n;

	for (; source->kind->forget && from < to; from += (size_t)n) {
		n = source->kind->parse(source->data + from, to - from, &event);
		if (n <= 0)
			return;
		source->kind->forget(source, source->data + from);
	}
}

/* The call before this one has had its time. */
static void return_lent(struct usher_source *source) {
	size_t from = source->lent;

	source->lent = source->next;
	forget(source, from, source->next);
	if (source->next == source->end)
		source->lent = source->next = source->end = 0;
}

int source_check(struct usher_source *source) {
	if (!source || source->fd < 0)
		return verdict_note(-EBADF, "the source is closed");
	return 0;
}

int source_check_kind(struct usher_source *source, enum usher_source_kind number) {
	int r = source_check(source);

	if (r == 0 && source->number != number)
		return verdict_note(-EINVAL, "the source is of %s, not of %s", source->kind->name,
				    kinds[number]->name);
	return r;
}

static uint64_t now(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t source_end_of(uint64_t timeout_usec) {
	uint64_t from = timeout_usec == 0 || timeout_usec == UINT64_MAX ? 0 : now();

	return timeout_usec > UINT64_MAX - from ? UINT64_MAX : from + timeout_usec;
}

int source_poll(int fd, short events, uint64_t end) {
	struct pollfd p = { fd, events, 0 };
	int r;

	do {
		/* A moment in the past is 0 itself, for those that do not wait at all. */
		uint64_t from = end == UINT64_MAX || end == 0 ? 0 : now();
		uint64_t left = end > from ? end - from : 0;
		struct timespec t = { (time_t)(left / 1000000), (long)(left % 1000000) * 1000 };

		r = ppoll(&p, 1, end == UINT64_MAX ? NULL : &t, NULL);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return verdict_errno("poll");
	if (r == 0)
		return verdict_note(-ETIMEDOUT, "nothing came in time");
	return p.revents & POLLNVAL ? verdict_note(-EBADF, "the descriptor is not open")
				    : p.revents;
}

/* One read, once there is something. 0, or a negative errno. */
static int fill(struct usher_source *source, uint64_t end) {
	ssize_t n;
	int r;

	for (;;) {
		/* A blocking descriptor would make even a read that wants nothing wait. */
		r = source_poll(source->fd, POLLIN, end);
		if (r < 0)
			return r;
		n = read(source->fd, source->data, source->kind->room);
		if (n <= 0 && source->kind->failed)
			n = source->kind->failed(source->data, n);
		if (n > 0)
			break;
		if (n == 0)
			return verdict_note(-EIO, "%s: nothing to read, at its end",
					    source->kind->name);
		/* Somebody else was faster. */
		if (errno != EINTR && errno != EAGAIN)
			return verdict_errno("read");
	}
	source->lent = source->next = 0;
	source->end = (size_t)n;
	return 0;
}

/* Hands out the first record that is kept. */
static int take(struct usher_source *source, struct usher_event *ret) {
	struct usher_event event = { source->number, source,
				     .record = source->data + source->next };
	int n = source->kind->parse(source->data + source->next, source->end - source->next,
				    &event);

	if (n <= 0) {
		source->lent = source->next = source->end = 0;
		return verdict_note(-EBADMSG, "%s: a record makes no sense", source->kind->name);
	}
	source->next += (size_t)n;
	if (source->number == USHER_SOURCE_EVENTFD)
		source->last = event.count;
	*ret = event;
	return 0;
}

int source_take(struct usher_source *source, uint64_t end, struct usher_event *ret) {
	int r;

	return_lent(source);
	if (source->next == source->end) {
		r = fill(source, end);
		if (r < 0)
			return r;
	}
	return take(source, ret);
}

/* Whether a source may be read as such. */
static int check_reader(struct usher_source *source) {
	int r = source_check(source);

	if (r == 0 && source->watches)
		return verdict_note(-EBUSY, "the source is read through its watches");
	return r;
}

static int empty(int r) {
	return r == -ETIMEDOUT ? verdict_note(-EAGAIN, "there is nothing now") : r;
}

int usher_source_next(struct usher_source *source, struct usher_event *ret) {
	int r = check_reader(source);

	return r < 0 ? r : empty(source_take(source, 0, ret));
}

int usher_source_wait(struct usher_source *source, uint64_t timeout_usec, struct usher_event *ret) {
	int r = check_reader(source);

	return r < 0 ? r : source_take(source, source_end_of(timeout_usec), ret);
}

int usher_source_next_all(struct usher_source *source, struct usher_event *events, size_t size) {
	size_t n = 0;
	int r = check_reader(source);

	if (r < 0)
		return r;
	if (size == 0)
		return verdict_note(-EINVAL, "size: there is no room for an event");
	r = empty(source_take(source, 0, &events[n++]));
	while (r == 0 && n < size && n < INT32_MAX && source->next < source->end)
		r = take(source, &events[n++]);
	return r < 0 ? r : (int)n;
}

int usher_source_drop(struct usher_source *source) {
	int r = source_check(source);

	if (r < 0)
		return r;
	source->next = source->end;
	return_lent(source);
	return 0;
}

int usher_source_kept(struct usher_source *source) {
	struct usher_event event;
	int n = 0, r = source_check(source);

	if (r < 0)
		return r;
	for (size_t at = source->next; at < source->end; at += (size_t)r, n++) {
		r = source->kind->parse(source->data + at, source->end - at, &event);
		if (r <= 0)
			break;
	}
	return n;
}

/* ---- what it is ---- */

int usher_source_get_fd(struct usher_source *source) {
	int r = source_check(source);

	return r < 0 ? r : source->fd;
}

uint64_t usher_source_get_timeout(struct usher_source *source) {
	return source && source->next < source->end ? 0 : UINT64_MAX;
}

enum usher_source_kind usher_source_get_kind(const struct usher_source *source) {
	return source ? source->number : (enum usher_source_kind)0;
}

uint64_t usher_source_get_id(const struct usher_source *source) {
	return source ? source->id : 0;
}

int64_t source_fdinfo(const struct usher_source *source, const char *field, int base) {
	char path[48], line[128];
	_cleanup_(cleanup_file) FILE *file = NULL;
	size_t size = strlen(field);

	(void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", source->fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file)) {
		char *at = strstr(line, field);

		if (at)
			return strtoll(at + size, NULL, base);
	}
	return -1;
}

int usher_source_get_mode(struct usher_source *source) {
	int64_t flags;
	int r = source_check(source);

	if (r < 0)
		return r;
	switch (source->number) {
	case USHER_SOURCE_EVENTFD: return O_RDWR;
	case USHER_SOURCE_FANOTIFY:
		flags = source_fdinfo(source, "event-flags:", 16);
		return flags < 0 ? verdict_note(-EOPNOTSUPP, "/proc is not there")
				 : (int)flags & O_ACCMODE;
	default: return O_RDONLY;
	}
}

int usher_source_describe(struct usher_source *source, char **ret) {
	char more[128] = "";
	int r;

	if (!source)
		return source_check(source);
	if (source->fd >= 0 && source->kind->describe)
		source->kind->describe(source, more, sizeof more);
	if (source->fd < 0)
		r = asprintf(ret, "%s closed", source->kind->name);
	else
		r = asprintf(ret, "%s fd=%d%s", source->kind->name, source->fd, more);
	return r < 0 ? verdict_note(-ENOMEM, "no memory") : 0;
}

int usher_source_on_close(struct usher_source *source,
			  void (*handler)(struct usher_source *source, void *userdata),
			  void *userdata) {
	int r = source_check(source);

	if (r < 0)
		return r;
	if (handler && source->on_close)
		return verdict_note(-EBUSY, "the source is in a loop already");
	source->on_close = handler;
	source->on_close_userdata = userdata;
	return 0;
}

int usher_source_close(struct usher_source *source) {
	int r = source_check(source);

	if (r < 0)
		return r;
	source->next = source->end;
	return_lent(source);
	if (source->on_close)
		source->on_close(source, source->on_close_userdata);
	if (source->kind->closing)
		source->kind->closing(source);
	close(source->fd);
	source->fd = -1;
	return 0;
}

struct usher_source *usher_source_free(struct usher_source *source) {
	int number = errno;

	if (source && source->fd >= 0)
		usher_source_close(source);
	free(source);
	errno = number;
	return NULL;
}
