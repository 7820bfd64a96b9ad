/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is seen on D-Bus of the service itself, of the host and of the limits. */
#pragma once

#include <systemd/sd-bus.h>

#include "call.h"

#define MANAGER_BUS_PATH "/org/usher1"

/* The desk is what they are given. */
extern const sd_bus_vtable manager_bus_service[], manager_bus_host[], manager_bus_limits[];

/* The host's name or its domain's has changed; property is the name of the property. */
void manager_bus_host_changed(const struct desk *desk, const char *property);
/* Tells of the limits that are not what they were before. */
void manager_bus_limits_changed(const struct desk *desk, const struct limits *before);
