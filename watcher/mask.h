/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The events of a watch as inotify knows them. */
#pragma once

#include <stdint.h>

/* With what it takes to know of directories that come and go, and of rights. */
uint32_t mask_of(uint32_t events);
/* The enum usher_watch_event that IN_* tell of; of all IN_*, those that it can tell of. */
uint32_t mask_events(uint32_t mask);
