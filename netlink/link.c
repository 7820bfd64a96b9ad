/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interfaces. */

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "decode.h"
#include "table.h"
#include "types.h"

static const struct netlink_field link_fields[] = {
	MEMBER("ifindex", struct ifinfomsg, ifi_index, S32, .unit = "interface"),
	ATTRIBUTE("ifname", IFLA_IFNAME, STRING),
	ATTRIBUTE("mtu", IFLA_MTU, U32, .unit = "bytes"),
	{},
};

const struct netlink_type netlink_link = {
	.name = "link",
	.summary = "interfaces",
	.schema = { .name = "link", .fields = link_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETLINK,
	.new = RTM_NEWLINK,
	.del = RTM_DELLINK,
	.header = sizeof(struct ifinfomsg),
	.groups = (const uint32_t[]){ RTNLGRP_LINK, 0 },
	.keys = (const char *const[]){ "ifindex", NULL },
	.lookups = (const char *const[]){ "ifindex", "ifname", NULL },
	.flags_interruption = true,
	.changes = true,
};
