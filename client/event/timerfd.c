/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* timerfd_create(2). */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "event/source.h"
#include "event/verdict.h"

int usher_timerfd_create(clockid_t clock, int flags) {
	int fd = timerfd_create(clock, flags | TFD_CLOEXEC);

	if (fd < 0 && errno == EINVAL && !usher_clock_to_string(clock))
		return verdict_note(-EINVAL, "clock: %d is none that timers have", (int)clock);
	return verdict_of("timerfd_create", fd);
}

static int check_time(const char *field, const struct timespec *time) {
	if (time->tv_sec < 0)
		return verdict_note(-EINVAL, "%s: seconds are below 0", field);
	if (time->tv_nsec < 0 || time->tv_nsec > 999999999)
		return verdict_note(-EINVAL, "%s: nanoseconds are not from 0 to 999999999", field);
	return 0;
}

int usher_timerfd_settime(int fd, int flags, const struct itimerspec *value,
			  struct itimerspec *ret_old) {
	struct itimerspec old;
	int r = check_time("it_value", &value->it_value);

	if (r == 0)
		r = check_time("it_interval", &value->it_interval);
	if (r < 0)
		return r;
	r = timerfd_settime(fd, flags, value, &old);
	if (r < 0 && errno == EINVAL)
		return verdict_note(-EINVAL,
				    "timerfd_settime: %d is no timer, or a flag is unknown", fd);
	/* The clock was set since somebody asked last; the new time holds. */
	if (r < 0 && errno != ECANCELED)
		return verdict_errno("timerfd_settime");
	if (ret_old)
		*ret_old = old;
	return 0;
}

int usher_timerfd_gettime(int fd, struct itimerspec *ret) {
	struct itimerspec value;
	int r = verdict_of("timerfd_gettime", timerfd_gettime(fd, &value));

	if (r == 0)
		*ret = value;
	return r;
}

/* ---- when ---- */

struct usher_timerspec *usher_timerspec_after(struct usher_timerspec *spec, time_t seconds,
					      long nanoseconds) {
	spec->first = (struct timespec){ seconds, nanoseconds };
	spec->first_is_set = true;
	return spec;
}

struct usher_timerspec *usher_timerspec_every(struct usher_timerspec *spec, time_t seconds,
					      long nanoseconds) {
	spec->interval = (struct timespec){ seconds, nanoseconds };
	return spec;
}

static const struct timespec *first_of(const struct usher_timerspec *spec) {
	return spec->first_is_set ? &spec->first : &spec->interval;
}

bool usher_timerspec_is_armed(const struct usher_timerspec *spec) {
	const struct timespec *first = first_of(spec);

	return first->tv_sec != 0 || first->tv_nsec != 0;
}

/* ---- the source ---- */

static int parse(const void *data, size_t size, struct usher_event *ret) {
	uint64_t count;

	if (size < sizeof count)
		return -EBADMSG;
	memcpy(&count, data, sizeof count);
	/* The kernel counts from 1. */
	ret->timer = (struct usher_timer_event){ count, count == 0 };
	return sizeof count;
}

/* The clock was set: said with an errno or, to a timer that did not ask for that, with nothing. */
static ssize_t failed(void *data, ssize_t n) {
	if (n < 0 && errno != ECANCELED)
		return n;
	memset(data, 0, sizeof(uint64_t));
	return sizeof(uint64_t);
}

static int print_seconds(char *text, size_t size, const char *name, const struct timespec *time) {
	char fraction[16] = "";
	int digits = 9;
	long part = time->tv_nsec;

	if (part != 0) {
		for (; part % 10 == 0; part /= 10)
			digits--;
		(void)snprintf(fraction, sizeof fraction, ".%0*ld", digits, part);
	}
	return snprintf(text, size, " %s=%" PRIdMAX "%ss", name, (intmax_t)time->tv_sec, fraction);
}

static void describe(struct usher_source *source, char *text, size_t size) {
	int64_t clock = source_fdinfo(source, "clockid:", 10);
	const char *name = clock < 0 ? NULL : usher_clock_to_string((clockid_t)clock);
	struct itimerspec value;
	int n = snprintf(text, size, " clock=%s", name ?: "?");

	if (timerfd_gettime(source->fd, &value) < 0)
		return;
	n += print_seconds(text + n, size - (size_t)n, "next", &value.it_value);
	(void)print_seconds(text + n, size - (size_t)n, "interval", &value.it_interval);
}

const struct source_kind source_timerfd = {
	.name = "timerfd",
	.link = "anon_inode:[timerfd]",
	.room = sizeof(uint64_t),
	.parse = parse,
	.failed = failed,
	.describe = describe,
};

int usher_timerfd_new(clockid_t clock, struct usher_source **ret) {
	int fd = usher_timerfd_create(clock, TFD_NONBLOCK);

	return fd < 0 ? fd : source_new(USHER_SOURCE_TIMERFD, fd, ret);
}

int usher_timerfd_set(struct usher_source *source, const struct usher_timerspec *spec,
		      unsigned flags, struct usher_timerspec *ret_old) {
	struct itimerspec value = { spec->interval, *first_of(spec) }, old;
	int r = source_check_kind(source, USHER_SOURCE_TIMERFD);

	if (r < 0)
		return r;
	if (flags & ~(unsigned)(USHER_TIMER_ABSOLUTE | USHER_TIMER_CANCEL_ON_SET))
		return verdict_note(-EINVAL, "flags: %#x is unknown", flags);
	if (flags & USHER_TIMER_ABSOLUTE && !spec->first_is_set)
		return verdict_note(-EINVAL,
				    "first: it is not set, and has to be one of the clock's");
	if (flags & USHER_TIMER_CANCEL_ON_SET && !(flags & USHER_TIMER_ABSOLUTE))
		return verdict_note(-EINVAL,
				    "flags: only a time of the clock's can be cancelled when "
				    "the clock is set");
	r = check_time("first", first_of(spec));
	if (r == 0)
		r = check_time("interval", &spec->interval);
	if (r == 0)
		r = usher_timerfd_settime(source->fd,
					  (flags & USHER_TIMER_ABSOLUTE ? TFD_TIMER_ABSTIME : 0) |
						  (flags & USHER_TIMER_CANCEL_ON_SET
							   ? TFD_TIMER_CANCEL_ON_SET
							   : 0),
					  &value, &old);
	if (r == 0 && ret_old)
		*ret_old = (struct usher_timerspec){ old.it_value, old.it_interval, true };
	return r;
}

int usher_timerfd_get(struct usher_source *source, struct usher_timerspec *ret) {
	struct itimerspec value;
	int r = source_check_kind(source, USHER_SOURCE_TIMERFD);

	if (r == 0)
		r = usher_timerfd_gettime(source->fd, &value);
	if (r == 0)
		*ret = (struct usher_timerspec){ value.it_value, value.it_interval, true };
	return r;
}

int usher_timerfd_disarm(struct usher_source *source) {
	struct usher_timerspec never = USHER_TIMERSPEC_INIT;

	return usher_timerfd_set(source, &never, 0, NULL);
}
