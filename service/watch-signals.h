/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a watch has to say, by signals to the connection that it belongs to. Where that is too slow,
 * it is told later that something was lost, and the bus does not keep what it did not take. */
#pragma once

#include <stdint.h>

#include "hearer.h"
#include "usher.pb-c.h"

struct object;

struct watch_signals {
	struct hearer hearer;
	struct object *object;
	uint64_t lost_clock; /* of what has still to be told to be lost, or 0 */
	uint64_t lost;       /* events that were not sent */
};

void watch_signals_begin(struct watch_signals *signals, struct object *object);
void watch_signals_events(struct watch_signals *signals, const Usher__WatchEvents *events);
void watch_signals_lost(struct watch_signals *signals, const Usher__WatchLost *lost);
void watch_signals_done(struct watch_signals *signals);
