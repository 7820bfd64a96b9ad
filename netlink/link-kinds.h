/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a link of a certain kind has besides what every link has: "linkinfo" in a row. */
#pragma once

#include "schema.h"

extern const struct netlink_schema netlink_linkinfo;

/* By the file that they are in. */
extern const struct netlink_schema netlink_link_bridge, netlink_link_bridge_port;
extern const struct netlink_schema netlink_link_bond, netlink_link_bond_slave;
extern const struct netlink_schema netlink_link_gre, netlink_link_gre6, netlink_link_iptunnel,
	netlink_link_ip6tunnel, netlink_link_sit, netlink_link_vti, netlink_link_vxlan,
	netlink_link_geneve, netlink_link_bareudp, netlink_link_gtp, netlink_link_xfrm,
	netlink_link_amt;
extern const struct netlink_schema netlink_link_can, netlink_link_can_statistics;
