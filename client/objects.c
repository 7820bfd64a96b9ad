/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The objects of the service: org.freedesktop.DBus.ObjectManager. */

#include "objects.h"

#include <errno.h>
#include <string.h>

/* One object: a{sa{sv}}. */
static int read_interfaces(struct bus_message *m, const char *object, const char *interface,
			   int (*add)(struct bus_message *m, const char *object, void *into),
			   void *into) {
	const char *name;
	int r;

	r = bus_message_enter_container(m, 'a', "{sa{sv}}");
	while (r >= 0 && (r = bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
		r = bus_message_read(m, "s", &name);
		if (r >= 0)
			r = strcmp(name, interface) == 0 ? add(m, object, into)
							 : bus_message_skip(m, "a{sv}");
		if (r >= 0)
			r = bus_message_exit_container(m);
	}
	return r < 0 ? r : bus_message_exit_container(m);
}

static int read_objects(struct bus_message *m, const char *interface,
			int (*add)(struct bus_message *m, const char *object, void *into),
			void *into) {
	const char *object;
	int r;

	r = bus_message_enter_container(m, 'a', "{oa{sa{sv}}}");
	while (r >= 0 && (r = bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0) {
		r = bus_message_read(m, "o", &object);
		if (r >= 0)
			r = read_interfaces(m, object, interface, add, into);
		if (r >= 0)
			r = bus_message_exit_container(m);
	}
	return r;
}

int objects_list(struct usher *usher, const char *interface,
		 int (*add)(struct bus_message *m, const char *object, void *into), void *into) {
	_cleanup_error_ struct bus_error error = { 0 };
	_cleanup_message_ struct bus_message *reply = NULL;
	int r;

	bus_forget(usher);
	r = bus_connection_ask(usher->bus, BUS_NAME, BUS_MANAGER,
			       "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &error,
			       &reply, "");
	if (r < 0)
		return bus_refused(usher, &error, r);
	r = read_objects(reply, interface, add, into);
	if (r == -ENOMEM)
		return bus_fail(usher, r, "out of memory");
	if (r < 0)
		return bus_fail(usher, -EBADMSG, "the service's list of objects is malformed");
	return 0;
}

int64_t objects_owner(struct usher *usher) {
	_cleanup_message_ struct bus_message *reply = NULL;
	const char *name = bus_connection_name(usher->bus);
	uint32_t uid;

	/* In a user namespace we are somebody else than for the bus. */
	if (!name ||
	    bus_connection_ask_bus(usher->bus, "GetConnectionUnixUser", name, &reply) < 0 ||
	    bus_message_read(reply, "u", &uid) <= 0)
		return geteuid();
	return uid;
}
