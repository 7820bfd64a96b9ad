/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes, and the one that a packet would take. */

#include <linux/rtnetlink.h>

#include "decode.h"
#include "table.h"
#include "types.h"

static const struct netlink_field route_fields[] = {
	MEMBER("family", struct rtmsg, rtm_family, U8, .filtered = NETLINK_FILTERED_BY_KERNEL),
	ATTRIBUTE("table", RTA_TABLE, U32, .filtered = NETLINK_FILTERED_BY_KERNEL),
	ATTRIBUTE("oif", RTA_OIF, U32, .unit = "interface", .filtered = NETLINK_FILTERED_BY_KERNEL),
	ATTRIBUTE("gateway", RTA_GATEWAY, ADDRESS),
	ATTRIBUTE("priority", RTA_PRIORITY, U32),
	{},
};

const struct netlink_type netlink_route = {
	.name = "route",
	.summary = "routes of all tables",
	.schema = { .name = "route", .fields = route_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETROUTE,
	.new = RTM_NEWROUTE,
	.del = RTM_DELROUTE,
	.header = sizeof(struct rtmsg),
	.groups = (const uint32_t[]){ RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, 0 },
	.changes = true,
};
