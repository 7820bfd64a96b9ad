/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nexthops: ways that routes lead, by a number of their own, and groups of them. */

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include "decode.h"
#include "encapsulation.h"
#include "route.h"
#include "table.h"
#include "types.h"
#include "words.h"

#define TOLD   .read_only = true
#define DEVICE .unit = "interface"

static const struct netlink_words kinds =
	NETLINK_WORDS({ NEXTHOP_GRP_TYPE_MPATH, "mpath" }, { NEXTHOP_GRP_TYPE_RES, "resilient" });

static const struct netlink_field member_fields[] = {
	MEMBER("id", struct nexthop_grp, id, U32),
	WEIGHT(struct nexthop_grp, weight),
	{},
};
NESTED(member, "nexthop.group", .fixed = sizeof(struct nexthop_grp), .structure = true);

static const struct netlink_field resilient_fields[] = {
	ATTRIBUTE("buckets", NHA_RES_GROUP_BUCKETS, U16),
	ATTRIBUTE("idle-timer", NHA_RES_GROUP_IDLE_TIMER, U32, .unit = "centiseconds"),
	ATTRIBUTE("unbalanced-timer", NHA_RES_GROUP_UNBALANCED_TIMER, U32, .unit = "centiseconds"),
	ATTRIBUTE("unbalanced-time", NHA_RES_GROUP_UNBALANCED_TIME, U64, TOLD,
		  .unit = "centiseconds"),
	{},
};
NESTED(resilient, "nexthop.res-group");

static const struct netlink_field nexthop_fields[] = {
	ATTRIBUTE("id", NHA_ID, U32),
	MEMBER("family", struct nhmsg, nh_family, U8, .words = &words_family,
	       .filtered = NETLINK_FILTERED_BY_KERNEL),
	MEMBER("scope", struct nhmsg, nh_scope, U8, TOLD, .words = &words_scope),
	MEMBER("protocol", struct nhmsg, nh_protocol, U8, .words = &words_protocol),
	MEMBER("flags", struct nhmsg, nh_flags, U32, .words = &words_next_hop),
	ATTRIBUTE("oif", NHA_OIF, U32, DEVICE, .filtered = NETLINK_FILTERED_BY_KERNEL),
	ATTRIBUTE("dev", NHA_OIF, STRING, .decode = decode_device),
	ATTRIBUTE("gateway", NHA_GATEWAY, ADDRESS),
	ATTRIBUTE("encap-type", NHA_ENCAP_TYPE, U16, .words = &encapsulation_words),
	ATTRIBUTE("encap", NHA_ENCAP, OBJECT, .variants = encapsulation_variants,
		  .variant_by = "encap-type"),
	ATTRIBUTE("group", NHA_GROUP, OBJECTS, .nested = &member),
	ATTRIBUTE("group-type", NHA_GROUP_TYPE, U16, .words = &kinds),
	ATTRIBUTE("res-group", NHA_RES_GROUP, OBJECT, .nested = &resilient),
	FLAG("blackhole", NHA_BLACKHOLE),
	FLAG("fdb", NHA_FDB),
	ATTRIBUTE("master", NHA_MASTER, U32, TOLD, DEVICE, .filtered = NETLINK_FILTERED_BY_KERNEL),
	{},
};

const struct netlink_type netlink_nexthop = {
	.name = "nexthop",
	.summary = "nexthops and groups of them",
	.schema = { .name = "nexthop", .fields = nexthop_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETNEXTHOP,
	.new = RTM_NEWNEXTHOP,
	.del = RTM_DELNEXTHOP,
	.header = sizeof(struct nhmsg),
	.groups = (const uint32_t[]){ RTNLGRP_NEXTHOP, 0 },
	.keys = (const char *const[]){ "id", NULL },
	.own_table = true,
	.lookups = (const char *const[]){ "id", NULL },
	.flags_interruption = true,
	.changes = true,
};
