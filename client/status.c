/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the service is there, and what it says of itself. */

#include <errno.h>
#include <string.h>

#include "bus.h"

struct usher_status *usher_free_status(struct usher_status *status) {
	if (!status)
		return NULL;
	free(status->owner);
	free(status->version);
	free(status->hostname);
	free(status->domainname);
	free(status);
	return NULL;
}

static void status_done(struct usher_status **status) {
	usher_free_status(*status);
}

/* Starts the service if it is not running. */
static int ping(struct usher *usher) {
	_cleanup_message_ struct bus_message *reply = NULL;
	_cleanup_error_ struct bus_error error = { 0 };
	int r;

	r = bus_connection_ask(usher->bus, BUS_NAME, BUS_MANAGER, "org.freedesktop.DBus.Peer",
			       "Ping", &error, &reply, "");
	return r < 0 ? bus_refused(usher, &error, r) : 0;
}

static int read_owner(struct usher *usher, struct usher_status *status) {
	_cleanup_message_ struct bus_message *reply = NULL, *answer = NULL;
	const char *owner;
	uint32_t pid;
	int r;

	r = bus_connection_ask_bus(usher->bus, "GetNameOwner", BUS_NAME, &reply);
	if (r >= 0)
		r = bus_message_read(reply, "s", &owner);
	if (r < 0)
		return bus_fail(usher, -EHOSTDOWN, "the service has left: %s", strerror(-r));
	r = bus_connection_ask_bus(usher->bus, "GetConnectionUnixProcessID", owner, &answer);
	status->pid = r >= 0 && bus_message_read(answer, "u", &pid) > 0 ? (pid_t)pid : -1;
	status->owner = strdup(owner);
	return status->owner ? 0 : bus_fail(usher, -ENOMEM, "out of memory");
}

/* NULL for whatever keeps the property from us. */
static char *read_property(struct usher *usher, const char *interface, const char *name) {
	_cleanup_message_ struct bus_message *reply = NULL;
	_cleanup_error_ struct bus_error error = { 0 };
	const char *text;
	char *bytes = NULL;

	if (bus_connection_ask(usher->bus, BUS_NAME, BUS_MANAGER, "org.freedesktop.DBus.Properties",
			       "Get", &error, &reply, "ss", interface, name) < 0 ||
	    bus_message_read(reply, "v", "s", &text) <= 0)
		return NULL;
	return usher_unescape(text, &bytes) < 0 ? NULL : bytes;
}

int usher_get_status(struct usher *usher, struct usher_status **ret) {
	_cleanup_(status_done) struct usher_status *status = NULL;
	int r;

	bus_forget(usher);
	r = ping(usher);
	if (r < 0)
		return r;
	status = calloc(1, sizeof *status);
	if (!status)
		return bus_fail(usher, -ENOMEM, "out of memory");
	r = read_owner(usher, status);
	if (r < 0)
		return r;
	status->version = read_property(usher, "org.usher1.Service", "Version");
	status->hostname = read_property(usher, "org.usher1.Host", "Hostname");
	status->domainname = read_property(usher, "org.usher1.Host", "Domainname");
	*ret = take_pointer(status);
	return 0;
}
