/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The optional keys of a call. */
#pragma once

#include "attributes.h"
#include "bus.h"

/* A copy in this library's own layout, whichever the program was built with; NULL gives the
 * defaults. */
int options_copy(struct usher *usher, const struct usher_options *given, struct usher_options *ret);

/* Whether the operation is for other namespaces than the caller's own. */
bool options_elsewhere(const struct usher_options *options);

/* Appends them to an a{sv} that is open, with the attributes, if any, among them. */
int options_append(struct usher *usher, struct bus_message *message,
		   const struct usher_options *options, const struct usher_attributes *attributes);
