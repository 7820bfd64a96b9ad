/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection of a command: what it is opened with, and how long it is held. */
#pragma once

#include "arguments.h"

/* Opens the descriptors that the arguments name by process id, into their keys. Returns the exit
 * status. */
int connection_open_places(struct arguments *arguments);
void connection_close_places(struct arguments *arguments);

/* Opens the bus that the arguments say. Returns the exit status. */
int connection_open(const struct arguments *arguments, struct usher **ret);

/* Finds the object of the namespaces that the arguments name. Returns the exit status. */
int connection_find_place(struct arguments *arguments, struct usher *usher);

/* Sleeps until SIGINT, SIGTERM or SIGHUP (0), or until the bus goes. Returns the exit status. */
int connection_hold(const struct arguments *arguments, struct usher *usher);
