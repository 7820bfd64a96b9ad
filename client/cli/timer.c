/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher timer: prints when a timer goes off, or runs a command then. */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../cleanup.h"
#include "command.h"
#include "moment.h"
#include "shell.h"

static const struct parameter parameters[] = {
	{ "at", 0, PARAMETER_AT, "TIME", "at this time: 07:30, \"2026-11-21 07:30\", @SECONDS" },
	{ "every", 'e', PARAMETER_EVERY, "TIME", "again and again, after so long: 90s, 5min, 1h" },
	{ "slack", 0, PARAMETER_SLACK, "TIME", "it may be so much later" },
	{ "clock", 0, PARAMETER_CLOCK, "CLOCK", "realtime, monotonic or boottime" },
	{ "wake", 0, PARAMETER_WAKE, NULL, "wake the machine for it" },
	{ "wait", 0, PARAMETER_WAIT, "COMMAND", "run it each time" },
	{ NULL, 0, 0, NULL, NULL },
};

struct timing {
	char clock[32];
	uint64_t initial_usec, interval_usec;
	struct usher_timer_options keys;
};

static int parse_duration(const struct arguments *a, const char *what, const char *text,
			  uint64_t *ret) {
	if (moment_parse_duration(text, ret) < 0 || *ret == 0)
		return arguments_refuse(a, "%s: '%s' is no time such as 90s, 5min or 1h", what,
					text);
	return 0;
}

/* A time of day that is past is tomorrow's. */
static int parse_at(const struct arguments *a, uint64_t *ret) {
	time_t now = time(NULL);
	const uint64_t day = UINT64_C(86400) * 1000000;

	if (moment_parse(a->at, now, ret) < 0)
		return arguments_refuse(a, "--at: '%s' is no time", a->at);
	if (*ret <= (uint64_t)now * 1000000 && !strpbrk(a->at, "-@"))
		*ret += day;
	if (*ret == 0)
		*ret = 1;
	return 0;
}

static int read_times(const struct arguments *a, struct timing *timing) {
	int r = 0;

	if (a->every)
		r = parse_duration(a, "--every", a->every, &timing->interval_usec);
	if (r == 0 && a->slack)
		r = parse_duration(a, "--slack", a->slack, &timing->keys.slack_usec);
	if (r != 0)
		return r;
	timing->initial_usec = timing->interval_usec;
	if (a->at)
		return parse_at(a, &timing->initial_usec);
	return a->count > 0 ? parse_duration(a, "TIME", a->operands[0], &timing->initial_usec) : 0;
}

static int timer_check(const struct arguments *a) {
	struct timing ignored = { 0 };

	if (a->at && a->count > 0)
		return arguments_refuse(a, "--at and '%s' exclude each other", a->operands[0]);
	if (!a->at && a->count == 0 && !a->every)
		return arguments_refuse(a, "an operand is missing: TIME, --at or --every");
	if (a->at && a->clock && strcmp(a->clock, "realtime") != 0)
		return arguments_refuse(a, "--at: only the clock realtime knows such times");
	if (a->wake && a->clock && strcmp(a->clock, "monotonic") == 0)
		return arguments_refuse(a, "--wake: the clock monotonic stands while a machine "
					   "sleeps");
	return read_times(a, &ignored);
}

static int print(const struct arguments *a, uint64_t count) {
	char when[MOMENT_TEXT_MAX];
	struct json_object *row;
	struct timespec now;
	uint64_t usec;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	usec = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	if (!a->json) {
		moment_print(usec, when);
		printf("%s  %" PRIu64 "\n", when, count);
		return fflush(stdout) != 0 ? -errno : 0;
	}
	row = json_object_new_object();
	if (!row)
		return -ENOMEM;
	json_object_object_add(row, "usec", json_object_new_int64((int64_t)usec));
	json_object_object_add(row, "count", json_object_new_int64((int64_t)count));
	return answer_json(row) == 0 && fflush(stdout) == 0 ? 0 : -EIO;
}

static void close_timer(struct usher_timer **timer) {
	usher_timer_close(*timer);
}

static int await(const struct arguments *a, struct usher *usher, struct usher_timer *timer) {
	struct pollfd elapsed = { .fd = usher_timer_get_fd(timer), .events = POLLIN };
	uint64_t count;
	int r = 0;

	do {
		if (poll(&elapsed, 1, -1) < 0 && errno != EINTR)
			return answer_failure(a, NULL, -errno);
		r = usher_timer_next(timer, &count);
		if (r < 0)
			return answer_refusal(a, usher, NULL, r);
		if (r == 0)
			continue;
		r = a->wait ? shell_run(a->wait) : print(a, count);
		if (r < 0 || !a->every)
			return r < 0 ? answer_failure(a, NULL, r) : r;
	} while (true);
}

static int timer_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(close_timer) struct usher_timer *timer = NULL;
	struct timing timing = { .keys = USHER_TIMER_OPTIONS_INIT };
	int r = read_times(a, &timing);

	if (r != 0)
		return r;
	timing.keys.absolute = a->at;
	(void)snprintf(timing.clock, sizeof timing.clock, "%.16s%s",
		       a->clock ? a->clock
		       : a->at  ? "realtime"
				: "boottime",
		       a->wake ? "-alarm" : "");
	r = usher_timer_new(usher, timing.clock, timing.initial_usec, timing.interval_usec,
			    &timing.keys, &a->keys, &timer);
	return r < 0 ? answer_refusal(a, usher, NULL, r) : await(a, usher, timer);
}

const struct command command_timer = {
	.name = "timer",
	.synopsis = "[TIME]",
	.help = "Wait for a time, also on a machine that sleeps",
	.parameters = parameters,
	.minimum = 0,
	.maximum = 1,
	.check = timer_check,
	.asks_later = true,
	.run = timer_run,
};
