/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The objects of the service. */
#pragma once

#include "bus.h"

/* Calls add for each object that has an interface, with its properties, an a{sv}, next in the
 * message; stops at the first failure. What goes wrong is kept in the handle. */
int objects_list(struct usher *usher, const char *interface,
		 int (*add)(struct bus_message *m, const char *object, void *into), void *into);

/* The user on this connection, as the service sees it. */
int64_t objects_owner(struct usher *usher);
