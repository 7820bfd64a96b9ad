/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an object of the service's tells its owner. */

#include "signals.h"

#include <errno.h>
#include <string.h>

struct signals {
	struct usher *usher;
	const char *object;
	sd_bus_slot *own, *removed;
	void (*hear)(void *userdata, const char *member, sd_bus_message *m);
	void *userdata;
};

/*
 * Anybody on a bus may send a signal to anybody, and claim any object for it; by a name that is not
 * unique, sd-bus lets all of them through. The service's unique name is another one after a
 * restart.
 */
static bool is_from_service(struct usher *usher, sd_bus_message *m) {
	_cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
	const char *sender = sd_bus_message_get_sender(m), *owner;

	if (sd_bus_is_bus_client(usher->bus) <= 0)
		return true;
	if (!sender)
		return false;
	if (usher->owner && strcmp(sender, usher->owner) == 0)
		return true;
	if (sd_bus_get_name_creds(usher->bus, BUS_NAME, SD_BUS_CREDS_UNIQUE_NAME, &creds) < 0 ||
	    sd_bus_creds_get_unique_name(creds, &owner) < 0 || strcmp(sender, owner) != 0)
		return false;
	free(usher->owner);
	usher->owner = strdup(owner);
	return true;
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
	struct signals *signals = userdata;

	if (is_from_service(signals->usher, m))
		signals->hear(signals->userdata, sd_bus_message_get_member(m), m);
	return 0;
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
	struct signals *signals = userdata;
	const char *object;

	if (is_from_service(signals->usher, m) && sd_bus_message_read(m, "o", &object) >= 0 &&
	    strcmp(object, signals->object) == 0)
		signals->hear(signals->userdata, NULL, m);
	return 0;
}

/* What is sent to us alone comes whether the bus has noted the match or not. */
static int on_installed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
	return 0;
}

int signals_new(struct usher *usher, const char *object, const char *interface,
		void (*hear)(void *userdata, const char *member, sd_bus_message *m), void *userdata,
		struct signals **ret) {
	struct signals *signals = calloc(1, sizeof *signals);
	int r;

	if (!signals)
		return bus_fail(usher, -ENOMEM, "out of memory");
	signals->usher = usher;
	signals->object = object;
	signals->hear = hear;
	signals->userdata = userdata;
	r = sd_bus_match_signal_async(usher->bus, &signals->own, NULL, object, interface, NULL,
				      on_signal, on_installed, signals);
	if (r >= 0)
		r = sd_bus_match_signal_async(usher->bus, &signals->removed, NULL, BUS_MANAGER,
					      "org.freedesktop.DBus.ObjectManager",
					      "InterfacesRemoved", on_removed, on_installed,
					      signals);
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
	sd_bus_slot_unref(signals->own);
	sd_bus_slot_unref(signals->removed);
	free(signals);
	return NULL;
}
