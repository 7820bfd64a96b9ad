/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A point in time, for measuring how long something takes: no clock that is set moves it. */
#pragma once

#include <stdint.h>

/* Now, in microseconds since some time before. */
uint64_t instant_usec(void);
