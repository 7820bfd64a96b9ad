/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection behind a handle, and what went wrong on it last. */
#pragma once

#include <stdbool.h>

#include "bus-connection.h"
#include "cleanup.h"
#include "usher.h"

#define BUS_NAME    "org.usher1"
#define BUS_MANAGER "/org/usher1"

#define _cleanup_message_ _cleanup_(bus_message_freep)
#define _cleanup_error_   _cleanup_(bus_error_done)

struct usher {
	struct bus_connection *bus;
	bool interactive;
	char *error_name;
	char *message;
	char *owner; /* the service's unique name, as far as it had to be known */
};

/* Forgets the last error: a new call begins. */
void bus_forget(struct usher *usher);

/* Keeps a message for an error found here, and returns it (negative errno). */
int bus_fail(struct usher *usher, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Keeps an error that came as a reply, or why there was none; returns the errno that it is. */
int bus_refused(struct usher *usher, const struct bus_error *error, int fallback);
