/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that can be asked for. */

#include "types.h"

#include "schema.h"

const struct netlink_type *const netlink_types[] = {
	&netlink_link,
	&netlink_link_stats,
	&netlink_route,
	&netlink_socket,
};
const size_t netlink_types_n = sizeof netlink_types / sizeof *netlink_types;
