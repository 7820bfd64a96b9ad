/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "link-stats": the counters of links without the links. The kernel needs a quarter of the time. */
#include "link-statistics.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/mpls.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "decode.h"
#include "encode.h"
#include "table.h"
#include "types.h"

#define SIZE                      .unit = "bytes"
#define COUNTER(NAME, WHICH, ...) MEMBER(NAME, struct rtnl_link_stats64, WHICH, U64, ##__VA_ARGS__)

static const struct netlink_field counters_fields[] = {
	COUNTER("rx-packets", rx_packets),
	COUNTER("tx-packets", tx_packets),
	COUNTER("rx-bytes", rx_bytes, SIZE),
	COUNTER("tx-bytes", tx_bytes, SIZE),
	COUNTER("rx-errors", rx_errors),
	COUNTER("tx-errors", tx_errors),
	COUNTER("rx-dropped", rx_dropped),
	COUNTER("tx-dropped", tx_dropped),
	COUNTER("multicast", multicast),
	COUNTER("collisions", collisions),
	COUNTER("rx-length-errors", rx_length_errors),
	COUNTER("rx-over-errors", rx_over_errors),
	COUNTER("rx-crc-errors", rx_crc_errors),
	COUNTER("rx-frame-errors", rx_frame_errors),
	COUNTER("rx-fifo-errors", rx_fifo_errors),
	COUNTER("rx-missed-errors", rx_missed_errors),
	COUNTER("tx-aborted-errors", tx_aborted_errors),
	COUNTER("tx-carrier-errors", tx_carrier_errors),
	COUNTER("tx-fifo-errors", tx_fifo_errors),
	COUNTER("tx-heartbeat-errors", tx_heartbeat_errors),
	COUNTER("tx-window-errors", tx_window_errors),
	COUNTER("rx-compressed", rx_compressed),
	COUNTER("tx-compressed", tx_compressed),
	COUNTER("rx-nohandler", rx_nohandler),
	COUNTER("rx-otherhost-dropped", rx_otherhost_dropped),
	{},
};

const struct netlink_schema netlink_link_statistics = {
	.name = "link.stats64",
	.fields = counters_fields,
	.fixed = sizeof(struct rtnl_link_stats64),
	.structure = true,
};

/* ---- of bridges and their ports ---- */

static const struct netlink_words vlan_flags =
	NETLINK_BITS({ BRIDGE_VLAN_INFO_MASTER, "master" }, { BRIDGE_VLAN_INFO_PVID, "pvid" },
		     { BRIDGE_VLAN_INFO_UNTAGGED, "untagged" },
		     { BRIDGE_VLAN_INFO_BRENTRY, "brentry" });

static const struct netlink_field vlan_fields[] = {
	MEMBER("vid", struct bridge_vlan_xstats, vid, U16),
	MEMBER("flags", struct bridge_vlan_xstats, flags, U16, .words = &vlan_flags),
	MEMBER("rx-bytes", struct bridge_vlan_xstats, rx_bytes, U64, SIZE),
	MEMBER("rx-packets", struct bridge_vlan_xstats, rx_packets, U64),
	MEMBER("tx-bytes", struct bridge_vlan_xstats, tx_bytes, U64, SIZE),
	MEMBER("tx-packets", struct bridge_vlan_xstats, tx_packets, U64),
	{},
};
NESTED(vlan, "link-stats.bridge.vlan", .fixed = sizeof(struct bridge_vlan_xstats),
       .structure = true);

#define STP(NAME, WHICH) PART(NAME, BRIDGE_XSTATS_STP, struct bridge_stp_xstats, WHICH, U64)
/* [0] is what came in, [1] what went out */
#define MULTICAST(NAME, WHICH)                                                                  \
	{ .name = NAME "-rx",                                                                   \
	  .form = USHER_NETLINK_U64,                                                            \
	  .from = NETLINK_FROM_STRUCTURE,                                                       \
	  .at = BRIDGE_XSTATS_MCAST,                                                            \
	  .within = offsetof(struct br_mcast_stats, WHICH[0]),                                  \
	  .whole = sizeof(struct br_mcast_stats) },                                             \
	{                                                                                       \
		.name = NAME "-tx", .form = USHER_NETLINK_U64, .from = NETLINK_FROM_STRUCTURE,  \
		.at = BRIDGE_XSTATS_MCAST, .within = offsetof(struct br_mcast_stats, WHICH[1]), \
		.whole = sizeof(struct br_mcast_stats)                                          \
	}

static const struct netlink_field bridge_fields[] = {
	ATTRIBUTE("vlan", BRIDGE_XSTATS_VLAN, OBJECTS, .nested = &vlan, .repeated = true),
	MULTICAST("igmp-v1queries", igmp_v1queries),
	MULTICAST("igmp-v2queries", igmp_v2queries),
	MULTICAST("igmp-v3queries", igmp_v3queries),
	MULTICAST("igmp-leaves", igmp_leaves),
	MULTICAST("igmp-v1reports", igmp_v1reports),
	MULTICAST("igmp-v2reports", igmp_v2reports),
	MULTICAST("igmp-v3reports", igmp_v3reports),
	PART("igmp-parse-errors", BRIDGE_XSTATS_MCAST, struct br_mcast_stats, igmp_parse_errors,
	     U64),
	MULTICAST("mld-v1queries", mld_v1queries),
	MULTICAST("mld-v2queries", mld_v2queries),
	MULTICAST("mld-leaves", mld_leaves),
	MULTICAST("mld-v1reports", mld_v1reports),
	MULTICAST("mld-v2reports", mld_v2reports),
	PART("mld-parse-errors", BRIDGE_XSTATS_MCAST, struct br_mcast_stats, mld_parse_errors, U64),
	MULTICAST("mcast-bytes", mcast_bytes),
	MULTICAST("mcast-packets", mcast_packets),
	STP("transition-blk", transition_blk),
	STP("transition-fwd", transition_fwd),
	STP("rx-bpdu", rx_bpdu),
	STP("tx-bpdu", tx_bpdu),
	STP("rx-tcn", rx_tcn),
	STP("tx-tcn", tx_tcn),
	{},
};
NESTED(bridge, "link-stats.bridge");

static const struct netlink_field bond_3ad_fields[] = {
	ATTRIBUTE("lacpdu-rx", 0, U64),         ATTRIBUTE("lacpdu-tx", 1, U64),
	ATTRIBUTE("lacpdu-unknown-rx", 2, U64), ATTRIBUTE("lacpdu-illegal-rx", 3, U64),
	ATTRIBUTE("marker-rx", 4, U64),         ATTRIBUTE("marker-tx", 5, U64),
	ATTRIBUTE("marker-resp-rx", 6, U64),    ATTRIBUTE("marker-resp-tx", 7, U64),
	ATTRIBUTE("marker-unknown-rx", 8, U64), {},
};
NESTED(bond_3ad, "link-stats.bond.3ad");

static const struct netlink_field bond_fields[] = {
	ATTRIBUTE("3ad", 1, OBJECT, .nested = &bond_3ad), /* BOND_XSTATS_3AD */
	{},
};
NESTED(bond, "link-stats.bond");

static const struct netlink_field special_fields[] = {
	ATTRIBUTE("bridge", LINK_XSTATS_TYPE_BRIDGE, OBJECT, .nested = &bridge),
	ATTRIBUTE("bond", LINK_XSTATS_TYPE_BOND, OBJECT, .nested = &bond),
	{},
};
NESTED(special, "link-stats.xstats");

/* ---- of what hardware does by itself ---- */

#define HARDWARE_COUNTER(NAME, WHICH, ...) \
	MEMBER(NAME, struct rtnl_hw_stats64, WHICH, U64, ##__VA_ARGS__)

static const struct netlink_field hardware_fields[] = {
	HARDWARE_COUNTER("rx-packets", rx_packets),   HARDWARE_COUNTER("tx-packets", tx_packets),
	HARDWARE_COUNTER("rx-bytes", rx_bytes, SIZE), HARDWARE_COUNTER("tx-bytes", tx_bytes, SIZE),
	HARDWARE_COUNTER("rx-errors", rx_errors),     HARDWARE_COUNTER("tx-errors", tx_errors),
	HARDWARE_COUNTER("rx-dropped", rx_dropped),   HARDWARE_COUNTER("tx-dropped", tx_dropped),
	HARDWARE_COUNTER("multicast", multicast),     {},
};
NESTED(hardware, "link-stats.hardware", .fixed = sizeof(struct rtnl_hw_stats64), .structure = true);

static const struct netlink_field state_fields[] = {
	ATTRIBUTE("request", IFLA_OFFLOAD_XSTATS_HW_S_INFO_REQUEST, BOOL),
	ATTRIBUTE("used", IFLA_OFFLOAD_XSTATS_HW_S_INFO_USED, BOOL),
	{},
};
NESTED(state, "link-stats.offload-xstats.hw-s-info.state");

static const struct netlink_field states_fields[] = {
	ATTRIBUTE("l3-stats", IFLA_OFFLOAD_XSTATS_L3_STATS, OBJECT, .nested = &state),
	{},
};
NESTED(states, "link-stats.offload-xstats.hw-s-info");

static const struct netlink_field offload_fields[] = {
	ATTRIBUTE("cpu-hit", IFLA_OFFLOAD_XSTATS_CPU_HIT, OBJECT,
		  .nested = &netlink_link_statistics),
	ATTRIBUTE("hw-s-info", IFLA_OFFLOAD_XSTATS_HW_S_INFO, OBJECT, .nested = &states),
	ATTRIBUTE("l3-stats", IFLA_OFFLOAD_XSTATS_L3_STATS, OBJECT, .nested = &hardware),
	{},
};
NESTED(offload, "link-stats.offload-xstats");

static const struct netlink_field mpls_counters_fields[] = {
	MEMBER("rx-packets", struct mpls_link_stats, rx_packets, U64),
	MEMBER("tx-packets", struct mpls_link_stats, tx_packets, U64),
	MEMBER("rx-bytes", struct mpls_link_stats, rx_bytes, U64, SIZE),
	MEMBER("tx-bytes", struct mpls_link_stats, tx_bytes, U64, SIZE),
	MEMBER("rx-errors", struct mpls_link_stats, rx_errors, U64),
	MEMBER("tx-errors", struct mpls_link_stats, tx_errors, U64),
	MEMBER("rx-dropped", struct mpls_link_stats, rx_dropped, U64),
	MEMBER("tx-dropped", struct mpls_link_stats, tx_dropped, U64),
	MEMBER("rx-noroute", struct mpls_link_stats, rx_noroute, U64),
	{},
};
NESTED(mpls_counters, "link-stats.af-spec.mpls.link", .fixed = sizeof(struct mpls_link_stats),
       .structure = true);

static const struct netlink_field mpls_fields[] = {
	ATTRIBUTE("link", MPLS_STATS_LINK, OBJECT, .nested = &mpls_counters),
	{},
};
NESTED(mpls, "link-stats.af-spec.mpls");

static const struct netlink_field families_fields[] = {
	ATTRIBUTE("mpls", AF_MPLS, OBJECT, .nested = &mpls),
	{},
};
NESTED(families, "link-stats.af-spec");

#define GROUP(NAME, NUMBER, ...) \
	ATTRIBUTE(NAME, NUMBER, OBJECT, .ask = IFLA_STATS_FILTER_BIT(NUMBER), ##__VA_ARGS__)

static const struct netlink_field link_stats_fields[] = {
	MEMBER("ifindex", struct if_stats_msg, ifindex, U32, .unit = "interface"),
	MEMBER("dev", struct if_stats_msg, ifindex, STRING, .decode = decode_device),
	GROUP("stats64", IFLA_STATS_LINK_64, .nested = &netlink_link_statistics),
	GROUP("xstats", IFLA_STATS_LINK_XSTATS, .nested = &special),
	GROUP("xstats-slave", IFLA_STATS_LINK_XSTATS_SLAVE, .nested = &special),
	GROUP("offload-xstats", IFLA_STATS_LINK_OFFLOAD_XSTATS, .nested = &offload),
	GROUP("af-spec", IFLA_STATS_AF_SPEC, .nested = &families),
	{},
};

/* Groups of counters that nobody asked for are not asked of the kernel; it wants one at least. */
static int link_stats_request(struct encoding *encoding, const struct netlink_type *type,
			      const struct selection *selection, struct netlink_pass *pass) {
	struct if_stats_msg *header = encode_header(encoding);
	const uint32_t ask = selection_ask(selection, type);

	if (pass->number > 0)
		return 1;
	header->filter_mask = ask ?: IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
	return 0;
}

const struct netlink_type netlink_link_stats = {
	.name = "link-stats",
	.summary = "the counters of interfaces",
	.schema = { .name = "link-stats", .fields = link_stats_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETSTATS,
	.new = RTM_NEWSTATS,
	.header = sizeof(struct if_stats_msg),
	.groups = (const uint32_t[]){ RTNLGRP_STATS, 0 },
	.keys = (const char *const[]){ "ifindex", NULL },
	.own_table = true,
	.lookups = (const char *const[]){ "ifindex", NULL },
	.flags_interruption = true,
	.request = link_stats_request,
};
