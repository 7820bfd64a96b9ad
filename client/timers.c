/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Timers: a timer, which is read by its descriptor. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "call.h"

#define TIMERS "org.usher1.Timers"
#define TIMER  "org.usher1.Timer"

struct usher_timer {
	struct usher *usher;
	char *object;
	int fd;
};

static void free_timer(struct usher_timer *timer) {
	if (timer->fd >= 0)
		(void)close(timer->fd);
	free(timer->object);
	free(timer);
}

static void timer_done(struct usher_timer **timer) {
	if (*timer)
		free_timer(*timer);
}

/* Those of an older program are shorter. */
static struct usher_timer_options copy_options(const struct usher_timer_options *given) {
	struct usher_timer_options keys = USHER_TIMER_OPTIONS_INIT;

	if (given)
		memcpy(&keys, given, given->size < sizeof keys ? given->size : sizeof keys);
	return keys;
}

int usher_timer_new(struct usher *usher, const char *clock, uint64_t initial_usec,
		    uint64_t interval_usec, const struct usher_timer_options *timer_options,
		    const struct usher_options *options, struct usher_timer **ret) {
	_cleanup_call_ struct call call = call_begin(usher, TIMERS, "Create", options);
	_cleanup_(timer_done) struct usher_timer *timer = calloc(1, sizeof *timer);
	struct usher_timer_options keys = copy_options(timer_options);
	int r;

	if (!timer)
		return bus_fail(usher, -ENOMEM, "out of memory");
	timer->usher = usher;
	timer->fd = -1;
	call_add_string(&call, "clock", clock);
	call_add_number(&call, "initial_usec", 't', initial_usec);
	call_add_number(&call, "interval_usec", 't', interval_usec);
	call_add_flag_key(&call, "absolute", keys.absolute);
	call_add_flag_key(&call, "cancel_on_set", keys.cancel_on_set);
	if (keys.slack_usec > 0)
		call_add_number_key(&call, "slack_usec", 't', keys.slack_usec);
	r = call_for_object_and_fd(&call, &timer->object, &timer->fd);
	if (r < 0)
		return r;
	*ret = take_pointer(timer);
	return 0;
}

int usher_timer_set(struct usher_timer *timer, uint64_t initial_usec, uint64_t interval_usec,
		    bool absolute) {
	_cleanup_call_ struct call call =
		call_begin_on(timer->usher, timer->object, TIMER, "Set", NULL);

	call_add_number(&call, "initial_usec", 't', initial_usec);
	call_add_number(&call, "interval_usec", 't', interval_usec);
	call_add_flag_key(&call, "absolute", absolute);
	return call_for_nothing(&call);
}

/* Whether others that have the descriptor wait in read(2) is theirs to say. */
int usher_timer_next(struct usher_timer *timer, uint64_t *ret_count) {
	struct pollfd elapsed = { .fd = timer->fd, .events = POLLIN };
	uint64_t count;
	int n;

	bus_forget(timer->usher);
	n = poll(&elapsed, 1, 0);
	if (n == 0)
		return 0;
	if (n > 0 && read(timer->fd, &count, sizeof count) == sizeof count) {
		if (ret_count)
			*ret_count = count;
		return 1;
	}
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return bus_fail(timer->usher, -errno, "the timer: %s",
			errno == ECANCELED ? "the clock was set" : strerror(errno));
}

int usher_timer_get_fd(const struct usher_timer *timer) {
	return timer->fd;
}

const char *usher_timer_get_object(const struct usher_timer *timer) {
	return timer->object;
}

static void end_object(const struct usher_timer *timer) {
	_cleanup_call_ struct call call =
		call_begin_on(timer->usher, timer->object, TIMER, "Close", NULL);

	(void)call_for_nothing(&call);
}

struct usher_timer *usher_timer_close(struct usher_timer *timer) {
	if (!timer)
		return NULL;
	end_object(timer);
	free_timer(timer);
	return NULL;
}
