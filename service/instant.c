/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "instant.h"

#include <limits.h>
#include <time.h>

static uint64_t now(clockid_t clock) {
	struct timespec time = { 0 };

	(void)clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

uint64_t instant_usec(void) {
	return now(CLOCK_MONOTONIC);
}

uint64_t instant_date_usec(void) {
	return now(CLOCK_REALTIME);
}

int instant_milliseconds_until(uint64_t usec) {
	uint64_t from = instant_usec();

	if (usec == UINT64_MAX)
		return -1;
	if (usec <= from)
		return 0;
	return usec - from > INT_MAX / 2 * UINT64_C(1000) ? INT_MAX / 2
							  : (int)((usec - from + 999) / 1000);
}
