/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules: which packet is routed by which table. */

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "decode.h"
#include "encode.h"
#include "table.h"
#include "types.h"
#include "words.h"

/* Since Linux 6.2. */
#define RULE_DSCP           26
#define RULE_FLOWLABEL      27
#define RULE_FLOWLABEL_MASK 28
#define RULE_SPORT_MASK     29
#define RULE_DPORT_MASK     30
#define RULE_DSCP_MASK      31

#define TOLD .read_only = true

static const struct netlink_words actions =
	NETLINK_WORDS({ FR_ACT_UNSPEC, "unspec" }, { FR_ACT_TO_TBL, "to-tbl" },
		      { FR_ACT_GOTO, "goto" }, { FR_ACT_NOP, "nop" },
		      { FR_ACT_BLACKHOLE, "blackhole" }, { FR_ACT_UNREACHABLE, "unreachable" },
		      { FR_ACT_PROHIBIT, "prohibit" });

static const struct netlink_words transports =
	NETLINK_WORDS({ IPPROTO_ICMP, "icmp" }, { IPPROTO_IGMP, "igmp" }, { IPPROTO_IPIP, "ipip" },
		      { IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" }, { IPPROTO_DCCP, "dccp" },
		      { IPPROTO_IPV6, "ipv6" }, { IPPROTO_GRE, "gre" }, { IPPROTO_ESP, "esp" },
		      { IPPROTO_AH, "ah" }, { IPPROTO_ICMPV6, "ipv6-icmp" },
		      { IPPROTO_SCTP, "sctp" }, { IPPROTO_UDPLITE, "udplite" });

static const struct netlink_words flags =
	NETLINK_BITS({ FIB_RULE_PERMANENT, "permanent" }, { FIB_RULE_INVERT, "invert" },
		     { FIB_RULE_UNRESOLVED, "unresolved" },
		     { FIB_RULE_IIF_DETACHED, "iif-detached" },
		     { FIB_RULE_OIF_DETACHED, "oif-detached" },
		     { FIB_RULE_FIND_SADDR, "find-saddr" });

/* By a value that nobody means the kernel says that there is none. */
static int length_decode(struct decoding *decoding, const struct netlink_field *field,
			 const uint8_t *value, size_t size) {
	uint32_t number = UINT32_MAX;

	if (size >= sizeof number)
		memcpy(&number, value, sizeof number);
	return number == UINT32_MAX ? 1 : decoding_set_number(decoding, field, number);
}

/* Of the first of all the kernel says none. */
static int priority_decode(struct decoding *decoding, const struct netlink_field *field,
			   const uint8_t *value, size_t size) {
	uint32_t priority = 0;

	if (size >= sizeof priority)
		memcpy(&priority, value, sizeof priority);
	return decoding_set_number(decoding, field, priority);
}

static const struct netlink_field ids_fields[] = {
	MEMBER("start", struct fib_rule_uid_range, start, U32),
	MEMBER("end", struct fib_rule_uid_range, end, U32),
	{},
};
NESTED(ids, "rule.uid-range", .fixed = sizeof(struct fib_rule_uid_range), .structure = true);

static const struct netlink_field ports_fields[] = {
	MEMBER("start", struct fib_rule_port_range, start, U16),
	MEMBER("end", struct fib_rule_port_range, end, U16),
	{},
};
NESTED(ports, "rule.port-range", .fixed = sizeof(struct fib_rule_port_range), .structure = true);

static const struct netlink_field rule_fields[] = {
	MEMBER("family", struct fib_rule_hdr, family, U8, .words = &words_family,
	       .filtered = NETLINK_FILTERED_BY_KERNEL),
	ATTRIBUTE("priority", FRA_PRIORITY, U32, .always = true, .decode = priority_decode),
	ATTRIBUTE("src", FRA_SRC, PREFIX, .decode = decode_source_prefix, .encode = encode_source),
	ATTRIBUTE("dst", FRA_DST, PREFIX, .decode = decode_destination_prefix,
		  .encode = encode_destination),
	ATTRIBUTE("iif", FRA_IIFNAME, STRING),
	ATTRIBUTE("oif", FRA_OIFNAME, STRING),
	ATTRIBUTE("fwmark", FRA_FWMARK, U32),
	ATTRIBUTE("fwmask", FRA_FWMASK, U32),
	MEMBER("tos", struct fib_rule_hdr, tos, U8),
	MEMBER("action", struct fib_rule_hdr, action, U8, .words = &actions),
	ATTRIBUTE("table", FRA_TABLE, U32, .words = &words_table),
	ATTRIBUTE("goto", FRA_GOTO, U32),
	ATTRIBUTE("flow", FRA_FLOW, U32),
	ATTRIBUTE("tun-id", FRA_TUN_ID, U64, .network_order = true),
	ATTRIBUTE("l3mdev", FRA_L3MDEV, BOOL),
	ATTRIBUTE("protocol", FRA_PROTOCOL, U8, .words = &words_protocol),
	ATTRIBUTE("ipproto", FRA_IP_PROTO, U8, .words = &transports),
	ATTRIBUTE("sport", FRA_SPORT_RANGE, OBJECT, .nested = &ports),
	ATTRIBUTE("dport", FRA_DPORT_RANGE, OBJECT, .nested = &ports),
	ATTRIBUTE("sport-mask", RULE_SPORT_MASK, U16),
	ATTRIBUTE("dport-mask", RULE_DPORT_MASK, U16),
	ATTRIBUTE("uid-range", FRA_UID_RANGE, OBJECT, .nested = &ids),
	ATTRIBUTE("dscp", RULE_DSCP, U8),
	ATTRIBUTE("dscp-mask", RULE_DSCP_MASK, U8),
	ATTRIBUTE("flowlabel", RULE_FLOWLABEL, U32, .network_order = true),
	ATTRIBUTE("flowlabel-mask", RULE_FLOWLABEL_MASK, U32, .network_order = true),
	ATTRIBUTE("suppress-prefixlength", FRA_SUPPRESS_PREFIXLEN, U32, .decode = length_decode),
	ATTRIBUTE("suppress-ifgroup", FRA_SUPPRESS_IFGROUP, U32, .decode = length_decode),
	MEMBER("flags", struct fib_rule_hdr, flags, U32, .words = &flags),
	{},
};

const struct netlink_type netlink_rule = {
	.name = "rule",
	.summary = "rules by which a packet's table is found",
	.schema = { .name = "rule", .fields = rule_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETRULE,
	.new = RTM_NEWRULE,
	.del = RTM_DELRULE,
	.header = sizeof(struct fib_rule_hdr),
	.groups = (const uint32_t[]){ RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, 0 },
	.keys = (const char *const[]){ "family", "priority", "src", "dst", "iif", "oif", "fwmark",
				       "fwmask", "tos", "action", "table", "goto", "tun-id",
				       "l3mdev", "ipproto", "sport", "dport", "uid-range", NULL },
	.changes = true,
};
