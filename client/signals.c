/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an object of the service's tells its owner. */

#include "signals.h"

#include <errno.h>
#include <string.h>

struct signals {
	struct usher *usher;
	const char *object;
	struct bus_slot *own, *removed;
	void (*hear)(void *userdata, const char *member, struct bus_message *m);
	void *userdata;
};

/*
 * Anybody on a bus may send a signal to anybody, and claim any object for it. The service's unique
 * name is another one after a restart.
 */
static bool is_from_service(struct usher *usher, const struct bus_message *m) {
	_cleanup_message_ struct bus_message *reply = NULL;
	const char *owner;

	if (!bus_connection_name(usher->bus))
		return true;
	if (!m->sender)
		return false;
	if (usher->owner && strcmp(m->sender, usher->owner) == 0)
		return true;
	if (bus_connection_ask_bus(usher->bus, "GetNameOwner", BUS_NAME, &reply) < 0 ||
	    bus_message_read(reply, "s", &owner) <= 0 || strcmp(m->sender, owner) != 0)
		return false;
	free(usher->owner);
	usher->owner = strdup(owner);
	return true;
}

static void on_signal(struct bus_message *m, void *userdata) {
	struct signals *signals = userdata;

	if (is_from_service(signals->usher, m))
		signals->hear(signals->userdata, m->member, m);
}

static void on_removed(struct bus_message *m, void *userdata) {
	struct signals *signals = userdata;
	const char *object;

	if (is_from_service(signals->usher, m) && bus_message_read(m, "o", &object) > 0 &&
	    strcmp(object, signals->object) == 0)
		signals->hear(signals->userdata, NULL, m);
}

int signals_new(struct usher *usher, const char *object, const char *interface,
		void (*hear)(void *userdata, const char *member, struct bus_message *m),
		void *userdata, struct signals **ret) {
	struct signals *signals = calloc(1, sizeof *signals);
	int r;

	if (!signals)
		return bus_fail(usher, -ENOMEM, "out of memory");
	signals->usher = usher;
	signals->object = object;
	signals->hear = hear;
	signals->userdata = userdata;
	r = bus_connection_match(usher->bus, signals->object, interface, NULL, on_signal, signals,
				 &signals->own);
	if (r >= 0)
		r = bus_connection_match(usher->bus, BUS_MANAGER,
					 "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved",
					 on_removed, signals, &signals->removed);
	if (r < 0) {
		signals_free(signals);
		return bus_fail(usher, r, "signals of %s: %s", object, strerror(-r));
	}
	*ret = signals;
	return 0;
}

struct signals *signals_free(struct signals *signals) {
	if (!signals)
		return NULL;
	bus_slot_free(signals->own);
	bus_slot_free(signals->removed);
	free(signals);
	return NULL;
}
