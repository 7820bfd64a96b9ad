/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The types, each in the file of its name. */
#pragma once

#include "schema.h"

extern const struct netlink_type netlink_address;
extern const struct netlink_type netlink_class;
extern const struct netlink_type netlink_conntrack;
extern const struct netlink_type netlink_ethtool_channels;
extern const struct netlink_type netlink_ethtool_coalesce;
extern const struct netlink_type netlink_ethtool_debug;
extern const struct netlink_type netlink_ethtool_eee;
extern const struct netlink_type netlink_ethtool_features;
extern const struct netlink_type netlink_ethtool_fec;
extern const struct netlink_type netlink_ethtool_linkinfo;
extern const struct netlink_type netlink_ethtool_linkmodes;
extern const struct netlink_type netlink_ethtool_linkstate;
extern const struct netlink_type netlink_ethtool_module;
extern const struct netlink_type netlink_ethtool_pause;
extern const struct netlink_type netlink_ethtool_privflags;
extern const struct netlink_type netlink_ethtool_rings;
extern const struct netlink_type netlink_ethtool_strings;
extern const struct netlink_type netlink_ethtool_tsinfo;
extern const struct netlink_type netlink_ethtool_wol;
extern const struct netlink_type netlink_fdb;
extern const struct netlink_type netlink_filter;
extern const struct netlink_type netlink_generic_family;
extern const struct netlink_type netlink_link;
extern const struct netlink_type netlink_link_stats;
extern const struct netlink_type netlink_namespace_id;
extern const struct netlink_type netlink_neighbour;
extern const struct netlink_type netlink_nexthop;
extern const struct netlink_type netlink_qdisc;
extern const struct netlink_type netlink_route;
extern const struct netlink_type netlink_route_get;
extern const struct netlink_type netlink_rule;
extern const struct netlink_type netlink_socket;
extern const struct netlink_type netlink_vlan;
extern const struct netlink_type netlink_wireguard;
