/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moments, as people write them. */

#include "moment.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t second = 1000000;

static const struct {
	const char *name;
	uint64_t usec;
} units[] = {
	{ "us", 1 },
	{ "ms", 1000 },
	{ "s", 1000000 },
	{ "sec", 1000000 },
	{ "min", UINT64_C(60000000) },
	{ "m", UINT64_C(60000000) },
	{ "h", UINT64_C(3600000000) },
	{ "hour", UINT64_C(3600000000) },
	{ "hours", UINT64_C(3600000000) },
	{ "d", UINT64_C(86400000000) },
	{ "day", UINT64_C(86400000000) },
	{ "days", UINT64_C(86400000000) },
	{ "w", UINT64_C(604800000000) },
	{ "week", UINT64_C(604800000000) },
	{ "weeks", UINT64_C(604800000000) },
};

/* 0 if there is no such unit. */
static uint64_t unit_of(const char *name, size_t length) {
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0)
			return units[i].usec;
	return 0;
}

static int take_moment(struct tm *parts, uint64_t *ret_usec) {
	time_t moment;

	parts->tm_isdst = -1;
	moment = mktime(parts);
	if (moment < 0)
		return -EINVAL;
	*ret_usec = (uint64_t)moment * second;
	return 0;
}

static bool matches(const char *text, const char *format, struct tm *parts) {
	const char *end = strptime(text, format, parts);

	return end && !*end;
}

static int parse_day(const char *text, const struct tm *now, uint64_t *ret_usec) {
	struct tm parts = *now;

	parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
	if (strcmp(text, "yesterday") == 0)
		parts.tm_mday--;
	else if (strcmp(text, "today") != 0)
		return -EINVAL;
	return take_moment(&parts, ret_usec);
}

static int parse_date(const char *text, const struct tm *now, uint64_t *ret_usec) {
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
					       "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d",
					       "%H:%M:%S",          "%H:%M" };

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct tm parts = *now;

		parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
		if (matches(text, formats[i], &parts))
			return take_moment(&parts, ret_usec);
	}
	return -EINVAL;
}

/* "15min ago", "2 h ago" */
static int parse_ago(const char *text, time_t now, uint64_t *ret_usec) {
	uint64_t count, unit, past;
	char *end;
	size_t n;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	count = strtoull(text, &end, 10);
	end += strspn(end, " ");
	n = strcspn(end, " ");
	if (errno != 0 || strcmp(end + n, " ago") != 0)
		return -EINVAL;
	unit = unit_of(end, n);
	if (unit == 0 || __builtin_mul_overflow(count, unit, &past) ||
	    past > (uint64_t)now * second)
		return -EINVAL;
	*ret_usec = (uint64_t)now * second - past;
	return 0;
}

int moment_parse_duration(const char *text, uint64_t *ret_usec) {
	uint64_t unit = second;
	double count;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL; /* strtod() knows words */
	count = strtod(text, &end);
	end += strspn(end, " ");
	if (*end)
		unit = unit_of(end, strlen(end));
	/* up to some centuries, so that the sum with any time fits */
	if (unit == 0 || !(count * (double)unit <= 1e16))
		return -EINVAL;
	*ret_usec = (uint64_t)(count * (double)unit + 0.5);
	return 0;
}

static int parse_seconds(const char *text, uint64_t *ret_usec) {
	uint64_t seconds;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	seconds = strtoull(text, &end, 10);
	if (errno != 0 || *end || seconds > UINT64_MAX / second)
		return -EINVAL;
	*ret_usec = seconds * second;
	return 0;
}

int moment_parse(const char *text, time_t now, uint64_t *ret_usec) {
	struct tm parts;
	int r;

	if (!localtime_r(&now, &parts))
		return -EINVAL;
	if (strcmp(text, "now") == 0) {
		*ret_usec = (uint64_t)now * second;
		return 0;
	}
	if (*text == '@')
		return parse_seconds(text + 1, ret_usec);
	r = parse_day(text, &parts, ret_usec);
	if (r < 0)
		r = parse_ago(text, now, ret_usec);
	if (r < 0)
		r = parse_date(text, &parts, ret_usec);
	return r;
}

void moment_print(uint64_t usec, char ret[MOMENT_TEXT_MAX]) {
	time_t seconds = (time_t)(usec / second);
	struct tm parts;
	size_t n = 0;

	if (localtime_r(&seconds, &parts))
		n = strftime(ret, MOMENT_TEXT_MAX, "%F %T", &parts);
	(void)snprintf(ret + n, MOMENT_TEXT_MAX - n, ".%06u", (unsigned)(usec % second));
}
