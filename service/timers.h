/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Timers: the service waits for a timerfd of its own, beside that of the client, and tells. */
#pragma once

#include "object.h"
#include "usher.pb-c.h"

extern const struct object_kind timer_kind;
