/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an object of the service's tells its owner. */
#pragma once

#include "bus.h"

struct signals;

/*
 * Calls hear for each signal of that interface that the object sends, and once with the member NULL
 * when the object has gone: out of usher_process() and whatever else reads from the bus. Signals
 * that came behind the answer which told the object are not lost, if nothing was read in between.
 * What others on the bus make up is dropped. The object's path is borrowed.
 */
int signals_new(struct usher *usher, const char *object, const char *interface,
		void (*hear)(void *userdata, const char *member, struct bus_message *m),
		void *userdata, struct signals **ret);
struct signals *signals_free(struct signals *signals);
