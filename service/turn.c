/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "turn.h"

#include "call.h"
#include "errand.h"
#include "instant.h"
#include "quota.h"

/* How soon it is looked again whether one that waits for its turn may have its child. */
static const uint64_t turn_usec = 20000;

/* Of those that wait and may begin, the one that has waited longest. */
static struct call *next_in_turn(const struct desk *desk) {
	struct call *next = NULL;
	uint64_t now = instant_usec();

	for (struct call *call = desk->first; call; call = call->next) /* the youngest first */
		if (call->waiting && quota_may_begin(call, now))
			next = call;
	return next;
}

static int on_turn(sd_event_source *source, uint64_t usec, void *userdata) {
	struct desk *desk = userdata;
	struct call *call;

	while ((call = next_in_turn(desk))) {
		call->waiting = false;
		errand_begin(call);
	}
	turn_look(desk, turn_usec);
	return 0;
}

/* Not now: who calls this is going through the calls. */
void turn_look(struct desk *desk, uint64_t usec) {
	struct call *call = desk->first;

	while (call && !call->waiting)
		call = call->next;
	if (!call)
		return;
	if (!desk->turn) {
		(void)sd_event_add_time_relative(desk->event, &desk->turn, CLOCK_MONOTONIC, usec, 1,
						 on_turn, desk);
		return;
	}
	(void)sd_event_source_set_time_relative(desk->turn, usec);
	(void)sd_event_source_set_enabled(desk->turn, SD_EVENT_ONESHOT);
}

void turn_wait(struct call *call) {
	call->waiting = true;
	turn_look(call->desk, turn_usec);
}
