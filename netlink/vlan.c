/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VLANs of bridges and their ports, a row each, or one for a range of which all is the same.
 * The kernel tells all of a port in one message, and in another what a bridge has for a VLAN as
 * such.
 */
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "decode.h"
#include "encode.h"
#include "table.h"
#include "types.h"

#define TOLD .read_only = true
#define INFO(NAME, WHICH, FORM, ...) \
	PART(NAME, BRIDGE_VLANDB_ENTRY_INFO, struct bridge_vlan_info, WHICH, FORM, ##__VA_ARGS__)

/* Besides those of the request's flags. */
#define ASK_STATISTICS BRIDGE_VLANDB_DUMPF_STATS

static const struct netlink_words flags =
	NETLINK_BITS({ BRIDGE_VLAN_INFO_MASTER, "master" }, { BRIDGE_VLAN_INFO_PVID, "pvid" },
		     { BRIDGE_VLAN_INFO_UNTAGGED, "untagged" },
		     { BRIDGE_VLAN_INFO_RANGE_BEGIN, "range-begin" },
		     { BRIDGE_VLAN_INFO_RANGE_END, "range-end" },
		     { BRIDGE_VLAN_INFO_BRENTRY, "brentry" },
		     { BRIDGE_VLAN_INFO_ONLY_OPTS, "only-opts" });

static const struct netlink_words states =
	NETLINK_WORDS({ BR_STATE_DISABLED, "disabled" }, { BR_STATE_LISTENING, "listening" },
		      { BR_STATE_LEARNING, "learning" }, { BR_STATE_FORWARDING, "forwarding" },
		      { BR_STATE_BLOCKING, "blocking" });

static const struct netlink_field tunnel_fields[] = {
	ATTRIBUTE("id", BRIDGE_VLANDB_TINFO_ID, U32),
	ATTRIBUTE("cmd", BRIDGE_VLANDB_TINFO_CMD, U32),
	{},
};
NESTED(tunnel, "vlan.tunnel-info");

static const struct netlink_field statistics_fields[] = {
	ATTRIBUTE("rx-bytes", BRIDGE_VLANDB_STATS_RX_BYTES, U64, .unit = "bytes"),
	ATTRIBUTE("rx-packets", BRIDGE_VLANDB_STATS_RX_PACKETS, U64),
	ATTRIBUTE("tx-bytes", BRIDGE_VLANDB_STATS_TX_BYTES, U64, .unit = "bytes"),
	ATTRIBUTE("tx-packets", BRIDGE_VLANDB_STATS_TX_PACKETS, U64),
	{},
};
NESTED(statistics, "vlan.stats");

static const struct netlink_field vlan_fields[] = {
	MEMBER("ifindex", struct br_vlan_msg, ifindex, U32, .unit = "interface",
	       .filtered = NETLINK_FILTERED_BY_KERNEL),
	MEMBER("dev", struct br_vlan_msg, ifindex, STRING, .decode = decode_device),
	INFO("vid", vid, U16),
	ATTRIBUTE("vid-end", BRIDGE_VLANDB_ENTRY_RANGE, U16),
	INFO("flags", flags, U16, .words = &flags),
	ATTRIBUTE("state", BRIDGE_VLANDB_ENTRY_STATE, U8, .words = &states),
	ATTRIBUTE("mcast-router", BRIDGE_VLANDB_ENTRY_MCAST_ROUTER, U8),
	/* since Linux 6.3 */
	ATTRIBUTE("mcast-n-groups", 7, U32, TOLD),
	ATTRIBUTE("mcast-max-groups", 8, U32),
	ATTRIBUTE("neigh-suppress", 9, BOOL),
	ATTRIBUTE("tunnel-info", BRIDGE_VLANDB_ENTRY_TUNNEL_INFO, OBJECT, .nested = &tunnel),
	ATTRIBUTE("stats", BRIDGE_VLANDB_ENTRY_STATS, OBJECT, TOLD, .nested = &statistics,
		  .ask = ASK_STATISTICS),
	{},
};

/* Ranges are put together only where there are no counters. */
static int vlan_request(struct encoding *encoding, const struct netlink_type *type,
			const struct selection *selection, struct netlink_pass *pass) {
	if (pass->number > 0)
		return 1;
	pass->optional = true; /* without VLANs in its bridges a kernel has no such message */
	if (selection_ask(selection, type) & ASK_STATISTICS)
		encode_put_u32(encoding, BRIDGE_VLANDB_DUMP_FLAGS, BRIDGE_VLANDB_DUMPF_STATS);
	return 0;
}

const struct netlink_type netlink_vlan = {
	.name = "vlan",
	.summary = "the VLANs of bridges and their ports",
	.schema = { .name = "vlan", .fields = vlan_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETVLAN,
	.new = RTM_NEWVLAN,
	.del = RTM_DELVLAN,
	.header = sizeof(struct br_vlan_msg),
	.each = BRIDGE_VLANDB_ENTRY,
	.groups = (const uint32_t[]){ RTNLGRP_BRVLAN, 0 },
	.keys = (const char *const[]){ "ifindex", "vid", NULL },
	.flags_interruption = true,
	.request = vlan_request,
};
