/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus in and out. */
#pragma once

#include "call.h"

struct door_bus;

/* Puts the table of operations and the objects on the bus of the desk. */
int door_bus_new(struct door_bus **ret, struct desk *desk);
struct door_bus *door_bus_free(struct door_bus *door);
