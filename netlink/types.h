/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The types, each in the file of its name. */
#pragma once

#include "schema.h"

extern const struct netlink_type netlink_link;
extern const struct netlink_type netlink_link_stats;
extern const struct netlink_type netlink_route;
extern const struct netlink_type netlink_socket;
