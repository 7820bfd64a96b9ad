/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moments, as people write them. */

#include "moment.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t second = 1000000;

static const struct {
	const char *name;
	uint64_t seconds;
} units[] = {
	{ "s", 1 },          { "sec", 1 },      { "min", 60 },     { "m", 60 },
	{ "h", 3600 },       { "hour", 3600 },  { "hours", 3600 }, { "d", 86400 },
	{ "day", 86400 },    { "days", 86400 }, { "w", 604800 },   { "week", 604800 },
	{ "weeks", 604800 },
};

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
	uint64_t count, past;
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
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strlen(units[i].name) != n || strncmp(units[i].name, end, n) != 0)
			continue;
		if (__builtin_mul_overflow(count, units[i].seconds, &past) || past > (uint64_t)now)
			return -EINVAL;
		*ret_usec = ((uint64_t)now - past) * second;
		return 0;
	}
	return -EINVAL;
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
