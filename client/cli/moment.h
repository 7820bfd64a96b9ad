/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moments, as people write them. */
#pragma once

#include <stdint.h>
#include <time.h>

/*
 * "2026-11-21 07:30[:00]", "2026-11-21", "07:30[:00]" of today, "today", "yesterday", "now",
 * "@SECONDS" since 1970, or "15min ago" with s, min, h, d and w: in microseconds since 1970, seen
 * from now and in the local time zone. -EINVAL: none of these.
 */
int moment_parse(const char *text, time_t now, uint64_t *ret_usec);

/* A moment since 1970, to the microsecond and in the local time zone. */
enum { MOMENT_TEXT_MAX = 48 };

void moment_print(uint64_t usec, char ret[MOMENT_TEXT_MAX]);

/* How long: "90", "1.5h", "200 ms", with us, ms, s, min, h, d and w: in microseconds. -EINVAL. */
int moment_parse_duration(const char *text, uint64_t *ret_usec);
