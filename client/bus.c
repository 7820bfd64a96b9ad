/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection behind a handle, and what went wrong on it last. */

#include "bus.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

/* A bus by its address, as sd_bus_open_system() has its own. */
static int open_address(const char *address, sd_bus **ret) {
	_cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
	int r;

	r = sd_bus_new(&bus);
	if (r < 0)
		return r;
	r = sd_bus_set_address(bus, address);
	if (r < 0)
		return r;
	r = sd_bus_set_bus_client(bus, 1);
	if (r < 0)
		return r;
	r = sd_bus_start(bus);
	if (r < 0)
		return r;
	*ret = take_pointer(bus);
	return 0;
}

static int open_named(const char *name, sd_bus **ret) {
	if (strcmp(name, "system") == 0)
		return sd_bus_open_system(ret);
	if (strcmp(name, "session") == 0)
		return sd_bus_open_user(ret);
	return open_address(name, ret);
}

static void close_handle(struct usher **usher) {
	usher_close(*usher);
}

int usher_open(struct usher **ret, unsigned flags) {
	_cleanup_(close_handle) struct usher *usher = NULL;
	const char *name = secure_getenv("USHER_BUS");
	const char *unique;
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
	/* Waits until the bus has let us in, or has not. */
	r = sd_bus_get_unique_name(usher->bus, &unique);
	if (r < 0)
		return r;
	*ret = take_pointer(usher);
	return 0;
}

struct usher *usher_close(struct usher *usher) {
	if (!usher)
		return NULL;
	bus_forget(usher);
	sd_bus_flush_close_unref(usher->bus);
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
	fd = sd_bus_get_fd(usher->bus);
	return fd < 0 ? bus_fail(usher, -ENOTCONN, "the connection to the bus is lost") : fd;
}

int usher_process(struct usher *usher) {
	int r;

	bus_forget(usher);
	do
		r = sd_bus_process(usher->bus, NULL);
	while (r > 0);
	if (r < 0 || sd_bus_is_open(usher->bus) <= 0)
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

int bus_refused(struct usher *usher, const sd_bus_error *error, int fallback) {
	int r = error_to_errno(error->name, fallback);

	bus_forget(usher);
	usher->message = strdup(error->message && *error->message ? error->message : strerror(-r));
	if (error->name && strncmp(error->name, "System.Error.", 13) != 0)
		usher->error_name = strdup(error->name);
	return r;
}
