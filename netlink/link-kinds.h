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

/* decode() of the name of the interface beneath. Its number is that of another namespace where
 * there is a "link-netnsid": what has that number here is something else. */
int link_device_decode(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size);
