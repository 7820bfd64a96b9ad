/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hearer.h"

#include <stddef.h>

/* Of signals of 24 KiB, what the bus keeps for a receiver that sleeps. */
enum { AHEAD_MAX = 64, ASK_AFTER = 16 };

static const uint64_t patience_usec = 60 * UINT64_C(1000000);

static void ask(struct hearer *hearer, sd_bus *bus, const char *name);

/* Any answer will do, also that it knows no such question; none at all is none. */
static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	struct hearer *hearer = userdata;
	bool silent = sd_bus_message_is_method_error(message, SD_BUS_ERROR_NO_REPLY) ||
		      sd_bus_message_is_method_error(message, SD_BUS_ERROR_TIMEOUT);
	sd_bus *bus = sd_bus_message_get_bus(message);
	const char *name = sd_bus_message_get_sender(message);

	hearer->question = sd_bus_slot_unref(hearer->question);
	if (silent)
		return 0; /* it is asked again with the next signal that there is no room for */
	hearer->ahead -= hearer->asked;
	hearer->asked = 0;
	hearer->caught_up(hearer->userdata);
	if (hearer->ahead >= ASK_AFTER && name)
		ask(hearer, bus, name);
	return 0;
}

static void ask(struct hearer *hearer, sd_bus *bus, const char *name) {
	sd_bus_message *message = NULL;

	if (hearer->question)
		return;
	if (sd_bus_message_new_method_call(bus, &message, name, "/", "org.freedesktop.DBus.Peer",
					   "Ping") >= 0 &&
	    sd_bus_call_async(bus, &hearer->question, message, on_answer, hearer, patience_usec) >=
		    0)
		hearer->asked = hearer->ahead;
	sd_bus_message_unref(message);
}

bool hearer_is_ready(const struct hearer *hearer) {
	return hearer->ahead < AHEAD_MAX;
}

void hearer_note(struct hearer *hearer, sd_bus *bus, const char *name) {
	if (hearer_is_ready(hearer))
		hearer->ahead++;
	if (hearer->ahead >= ASK_AFTER)
		ask(hearer, bus, name);
}

void hearer_done(struct hearer *hearer) {
	hearer->question = sd_bus_slot_unref(hearer->question);
}
