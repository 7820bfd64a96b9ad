/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Points in time. What is measured goes by a clock that nobody sets. */
#pragma once

#include <stdint.h>

/* Now, in microseconds since some time before. */
uint64_t instant_usec(void);

/* Of two times, the one that comes first; UINT64_MAX is never. */
static inline uint64_t instant_earlier(uint64_t one, uint64_t other) {
	return one < other ? one : other;
}

/* How long it is until then, as poll(2) and its kin want to know it: not too short, and -1 for
 * never. */
int instant_milliseconds_until(uint64_t usec);
/* The date, in microseconds since the epoch: for people, and nothing is decided by it. */
uint64_t instant_date_usec(void);
