/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Points in time. What is measured goes by a clock that nobody sets. */
#pragma once

#include <stdint.h>

/* Now, in microseconds since some time before. */
uint64_t instant_usec(void);
/* The date, in microseconds since the epoch: for people, and nothing is decided by it. */
uint64_t instant_date_usec(void);
