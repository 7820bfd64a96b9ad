/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows, dictionaries of values of any type, to and from D-Bus. How much one may hold is bounded:
 * in members, in values, and in how deep one lies in another. */
#pragma once

#include <systemd/sd-bus.h>

#include "fd.h"
#include "refusal.h"
#include "usher.pb-c.h"

/* Reads an a{sv} into an empty row; what is wrong is told by `name`, an argument's, and the keys
 * that lead to it. Descriptors are duplicated into fds. 0, a negative errno, or a refusal. */
int row_bus_read(sd_bus_message *bus, const char *name, struct fds *fds, Usher__Row *row,
		 struct refusal *refusal);
/* Adds a member to a row whose key has been read: the variant that comes next, of which the type
 * is `contents`. */
int row_bus_read_member(sd_bus_message *bus, const char *name, const char *key,
			const char *contents, struct fds *fds, Usher__Row *row,
			struct refusal *refusal);
/* A negative errno on failure. */
int row_bus_append(sd_bus_message *bus, const Usher__Row *row, const struct fds *fds);
