/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection behind a handle, and what went wrong on it last. */

#include "bus.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

static const char *variable(const char *name) {
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}

static int open_system(struct bus_connection **ret) {
	const char *address = variable("DBUS_SYSTEM_BUS_ADDRESS");

	return bus_connection_open(address ? address : "unix:path=/run/dbus/system_bus_socket",
				   ret);
}

static int open_session(struct bus_connection **ret) {
	const char *address = variable("DBUS_SESSION_BUS_ADDRESS");
	const char *directory = variable("XDG_RUNTIME_DIR");
	_cleanup_free_ char *path = NULL;

	if (address)
		return bus_connection_open(address, ret);
	if (!directory)
		return -ENOMEDIUM;
	if (asprintf(&path, "%s/bus", directory) < 0)
		return -ENOMEM;
	return bus_connection_open(path, ret);
}

static int open_named(const char *name, struct bus_connection **ret) {
	if (strcmp(name, "system") == 0)
		return open_system(ret);
	if (strcmp(name, "session") == 0)
		return open_session(ret);
	return bus_connection_open(name, ret);
}

static void close_handle(struct usher **usher) {
	usher_close(*usher);
}

int usher_open(struct usher **ret, unsigned flags) {
	_cleanup_(close_handle) struct usher *usher = NULL;
	const char *name = secure_getenv("USHER_BUS");
	int r;

	if (!ret || flags & ~(unsigned)(USHER_SESSION | USHER_INTERACTIVE))
		return -EINVAL;
	if (!name || !*name)
		name = flags & USHER_SESSION ? "session" : "system";
	usher = calloc(1, sizeof *usher);
	if (!usher)
		return -ENOMEM;
	usher->interactive = flags & USHER_INTERACTIVE;
	r = open_named(name, &usher->bus);
	if (r < 0)
		return r;
	*ret = take_pointer(usher);
	return 0;
}

struct usher *usher_close(struct usher *usher) {
	if (!usher)
		return NULL;
	bus_forget(usher);
	bus_connection_close(usher->bus);
	free(usher->owner);
	free(usher);
	return NULL;
}

const char *usher_message(const struct usher *usher) {
	return usher->message;
}

const char *usher_error_name(const struct usher *usher) {
	return usher->error_name;
}

int usher_get_fd(struct usher *usher) {
	int fd;

	bus_forget(usher);
	fd = bus_connection_fd(usher->bus);
	return fd < 0 ? bus_fail(usher, -ENOTCONN, "the connection to the bus is lost") : fd;
}

int usher_process(struct usher *usher) {
	int r;

	bus_forget(usher);
	do
		r = bus_connection_process(usher->bus);
	while (r > 0);
	if (r < 0)
		return bus_fail(usher, -ENOTCONN, "the connection to the bus is lost");
	return 0;
}

void bus_forget(struct usher *usher) {
	free(take_pointer(usher->error_name));
	free(take_pointer(usher->message));
}

int bus_fail(struct usher *usher, int error, const char *format, ...) {
	va_list arguments;

	bus_forget(usher);
	va_start(arguments, format);
	if (vasprintf(&usher->message, format, arguments) < 0)
		usher->message = NULL;
	va_end(arguments);
	return error;
}

int bus_refused(struct usher *usher, const struct bus_error *error, int fallback) {
	int r = error_to_errno(error->name, fallback);

	bus_forget(usher);
	usher->message = strdup(error->message && *error->message ? error->message : strerror(-r));
	if (error->name && strncmp(error->name, "System.Error.", 13) != 0)
		usher->error_name = strdup(error->name);
	return r;
}
