/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queues of links. */
#include "decode.h"
#include "traffic.h"
#include "types.h"

#define TOLD .read_only = true

#define SIZES(NAME, WHICH, FORM, ...) \
	PART(NAME, TCA_STAB_BASE, struct tc_sizespec, WHICH, FORM, ##__VA_ARGS__)

/* Which size a packet is taken to have on the wire. */
static const struct netlink_field sizes_fields[] = {
	SIZES("cell-log", cell_log, U8),
	SIZES("size-log", size_log, U8),
	SIZES("cell-align", cell_align, S16),
	SIZES("overhead", overhead, S32, .unit = "bytes"),
	SIZES("linklayer", linklayer, U32, .words = &netlink_link_layers),
	SIZES("mpu", mpu, U32, .unit = "bytes"),
	SIZES("mtu", mtu, U32, .unit = "bytes"),
	SIZES("tsize", tsize, U32),
	{},
};
NESTED(sizes, "qdisc.stab");

static const struct netlink_field qdisc_fields[] = {
	TRAFFIC_DEVICE,
	MEMBER("family", struct tcmsg, tcm_family, U8, TOLD),
	MEMBER("handle", struct tcmsg, tcm_handle, STRING, HANDLE),
	MEMBER("parent", struct tcmsg, tcm_parent, STRING, HANDLE),
	MEMBER("refcnt", struct tcmsg, tcm_info, U32, TOLD),
	ATTRIBUTE("kind", TCA_KIND, STRING, .encode = traffic_kind_encode),
	ATTRIBUTE("options", TCA_OPTIONS, OBJECT, .variants = netlink_qdisc_kinds,
		  .variant_by = "kind"),
	ATTRIBUTE("ingress-block", TCA_INGRESS_BLOCK, U32),
	ATTRIBUTE("egress-block", TCA_EGRESS_BLOCK, U32),
	ATTRIBUTE("hw-offload", TCA_HW_OFFLOAD, BOOL, TOLD),
	ATTRIBUTE("stab", TCA_STAB, OBJECT, TOLD, .nested = &sizes),
	ATTRIBUTE("stats", TCA_STATS2, OBJECT, TOLD, .nested = &netlink_traffic_statistics),
	ATTRIBUTE("xstats", TCA_XSTATS, OBJECT, TOLD, .variants = netlink_queue_statistics,
		  .variant_by = "kind"),
	{},
};

const struct netlink_type netlink_qdisc = {
	.name = "qdisc",
	.summary = "queueing disciplines of interfaces",
	.schema = { .name = "qdisc", .fields = qdisc_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETQDISC,
	.new = RTM_NEWQDISC,
	.del = RTM_DELQDISC,
	.header = sizeof(struct tcmsg),
	.groups = (const uint32_t[]){ RTNLGRP_TC, 0 },
	.keys = (const char *const[]){ "ifindex", "parent", "handle", NULL },
	.changes = true,
};
