/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that can be asked for. */

#include "types.h"

#include "schema.h"

const struct netlink_type *const netlink_types[] = {
	&netlink_address,
	&netlink_class,
	&netlink_conntrack,
	&netlink_ethtool_channels,
	&netlink_ethtool_coalesce,
	&netlink_ethtool_debug,
	&netlink_ethtool_eee,
	&netlink_ethtool_features,
	&netlink_ethtool_fec,
	&netlink_ethtool_linkinfo,
	&netlink_ethtool_linkmodes,
	&netlink_ethtool_linkstate,
	&netlink_ethtool_module,
	&netlink_ethtool_pause,
	&netlink_ethtool_privflags,
	&netlink_ethtool_rings,
	&netlink_ethtool_strings,
	&netlink_ethtool_tsinfo,
	&netlink_ethtool_wol,
	&netlink_fdb,
	&netlink_filter,
	&netlink_generic_family,
	&netlink_link,
	&netlink_link_stats,
	&netlink_namespace_id,
	&netlink_neighbour,
	&netlink_nexthop,
	&netlink_qdisc,
	&netlink_route,
	&netlink_route_get,
	&netlink_rule,
	&netlink_socket,
	&netlink_vlan,
	&netlink_wireguard,
};
const size_t netlink_types_n = sizeof netlink_types / sizeof *netlink_types;
