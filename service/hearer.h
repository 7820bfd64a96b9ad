/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection that signals are sent to, one after the other. The bus takes what its receiver does
 * not, without an end, so that one is asked now and then whether it is still with us: it answers
 * when it has taken what came before the question.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

struct hearer {
	sd_bus_slot *question;
	unsigned ahead; /* so many signals it may not have taken yet */
	unsigned asked; /* of them, before the question */
	void (*caught_up)(void *userdata);
	void *userdata;
};

/* Whether one more may be sent. */
bool hearer_is_ready(const struct hearer *hearer);
/* One was. caught_up() is told whenever the receiver has taken some. */
void hearer_note(struct hearer *hearer, sd_bus *bus, const char *name);
void hearer_done(struct hearer *hearer);
