/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of objects is seen on D-Bus: which there are, their properties, and the signals that they
 * send. */
#pragma once

#include <systemd/sd-bus.h>

#include "object.h"

/* Of each kind; the object is what they are given. */
extern const sd_bus_vtable *const object_bus_properties[_KIND_MAX];

/* For sd-bus, with the objects of a kind: the one at a path, and the paths of all. */
int object_bus_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
		    void **ret, sd_bus_error *error);
int object_bus_list(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
		    sd_bus_error *error);
