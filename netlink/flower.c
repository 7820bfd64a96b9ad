/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flower.h"

#include <linux/pkt_cls.h>
#include <netinet/in.h>

#include "decode.h"
#include "ethertype.h"
#include "traffic.h"

#define ORDER .network_order = true
#define TOLD  .read_only = true

static const struct netlink_words protocols =
	NETLINK_WORDS({ IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" }, { IPPROTO_SCTP, "sctp" },
		      { IPPROTO_ICMP, "icmp" }, { IPPROTO_ICMPV6, "icmpv6" }, { 115, "l2tp" },
		      { IPPROTO_GRE, "gre" }, { IPPROTO_ESP, "esp" }, { IPPROTO_AH, "ah" });
static const struct netlink_words fragments =
	NETLINK_BITS({ TCA_FLOWER_KEY_FLAGS_IS_FRAGMENT, "frag" },
		     { TCA_FLOWER_KEY_FLAGS_FRAG_IS_FIRST, "firstfrag" });
static const struct netlink_words states =
	NETLINK_BITS({ TCA_FLOWER_KEY_CT_FLAGS_NEW, "new" },
		     { TCA_FLOWER_KEY_CT_FLAGS_ESTABLISHED, "est" },
		     { TCA_FLOWER_KEY_CT_FLAGS_RELATED, "rel" },
		     { TCA_FLOWER_KEY_CT_FLAGS_TRACKED, "trk" },
		     { TCA_FLOWER_KEY_CT_FLAGS_INVALID, "inv" },
		     { TCA_FLOWER_KEY_CT_FLAGS_REPLY, "rpl" });

#define KEY(NAME, WHICH, FORM, ...) ATTRIBUTE(NAME, TCA_FLOWER_KEY_##WHICH, FORM, ##__VA_ARGS__)
/* A key, and the mask of the bits that are looked at. */
#define MASKED(NAME, WHICH, FORM, ...)                                \
	ATTRIBUTE(NAME, TCA_FLOWER_KEY_##WHICH, FORM, ##__VA_ARGS__), \
		ATTRIBUTE(NAME "-mask", TCA_FLOWER_KEY_##WHICH##_MASK, FORM, ##__VA_ARGS__)

static const struct netlink_field label_fields[] = {
	ATTRIBUTE("depth", TCA_FLOWER_KEY_MPLS_OPT_LSE_DEPTH, U8),
	ATTRIBUTE("ttl", TCA_FLOWER_KEY_MPLS_OPT_LSE_TTL, U8),
	ATTRIBUTE("bos", TCA_FLOWER_KEY_MPLS_OPT_LSE_BOS, U8),
	ATTRIBUTE("tc", TCA_FLOWER_KEY_MPLS_OPT_LSE_TC, U8),
	ATTRIBUTE("label", TCA_FLOWER_KEY_MPLS_OPT_LSE_LABEL, U32),
	{},
};
NESTED(label, "filter.options.flower.mpls", .element = TCA_FLOWER_KEY_MPLS_OPTS_LSE);

static const struct netlink_field flower_fields[] = {
	ATTRIBUTE("classid", TCA_FLOWER_CLASSID, STRING, HANDLE),
	ATTRIBUTE("indev", TCA_FLOWER_INDEV, STRING),
	ATTRIBUTE("actions", TCA_FLOWER_ACT, OBJECTS, .nested = &netlink_action),
	ATTRIBUTE("flags", TCA_FLOWER_FLAGS, U32, .words = &netlink_filter_flags),
	ATTRIBUTE("in-hw-count", TCA_FLOWER_IN_HW_COUNT, U32, TOLD),
	MASKED("eth-dst", ETH_DST, HARDWARE),
	MASKED("eth-src", ETH_SRC, HARDWARE),
	KEY("eth-type", ETH_TYPE, U16, ORDER, .words = &netlink_ethertypes),
	KEY("num-of-vlans", NUM_OF_VLANS, U8),
	KEY("vlan-id", VLAN_ID, U16),
	KEY("vlan-prio", VLAN_PRIO, U8),
	KEY("vlan-eth-type", VLAN_ETH_TYPE, U16, ORDER, .words = &netlink_ethertypes),
	KEY("cvlan-id", CVLAN_ID, U16),
	KEY("cvlan-prio", CVLAN_PRIO, U8),
	KEY("cvlan-eth-type", CVLAN_ETH_TYPE, U16, ORDER, .words = &netlink_ethertypes),
	KEY("pppoe-sid", PPPOE_SID, U16, ORDER),
	KEY("ppp-proto", PPP_PROTO, U16, ORDER),
	KEY("ip-proto", IP_PROTO, U8, .words = &protocols),
	MASKED("ipv4-src", IPV4_SRC, ADDRESS),
	MASKED("ipv4-dst", IPV4_DST, ADDRESS),
	MASKED("ipv6-src", IPV6_SRC, ADDRESS),
	MASKED("ipv6-dst", IPV6_DST, ADDRESS),
	MASKED("ip-tos", IP_TOS, U8),
	MASKED("ip-ttl", IP_TTL, U8),
	MASKED("tcp-src", TCP_SRC, U16, ORDER),
	MASKED("tcp-dst", TCP_DST, U16, ORDER),
	MASKED("tcp-flags", TCP_FLAGS, U16, ORDER),
	MASKED("udp-src", UDP_SRC, U16, ORDER),
	MASKED("udp-dst", UDP_DST, U16, ORDER),
	MASKED("sctp-src", SCTP_SRC, U16, ORDER),
	MASKED("sctp-dst", SCTP_DST, U16, ORDER),
	KEY("port-src-min", PORT_SRC_MIN, U16, ORDER),
	KEY("port-src-max", PORT_SRC_MAX, U16, ORDER),
	KEY("port-dst-min", PORT_DST_MIN, U16, ORDER),
	KEY("port-dst-max", PORT_DST_MAX, U16, ORDER),
	MASKED("icmpv4-type", ICMPV4_TYPE, U8),
	MASKED("icmpv4-code", ICMPV4_CODE, U8),
	MASKED("icmpv6-type", ICMPV6_TYPE, U8),
	MASKED("icmpv6-code", ICMPV6_CODE, U8),
	MASKED("arp-sip", ARP_SIP, ADDRESS),
	MASKED("arp-tip", ARP_TIP, ADDRESS),
	MASKED("arp-op", ARP_OP, U8),
	MASKED("arp-sha", ARP_SHA, HARDWARE),
	MASKED("arp-tha", ARP_THA, HARDWARE),
	KEY("mpls-ttl", MPLS_TTL, U8),
	KEY("mpls-bos", MPLS_BOS, U8),
	KEY("mpls-tc", MPLS_TC, U8),
	KEY("mpls-label", MPLS_LABEL, U32),
	KEY("mpls-opts", MPLS_OPTS, OBJECTS, .nested = &label),
	KEY("l2tpv3-sid", L2TPV3_SID, U32, ORDER),
	MASKED("key-flags", FLAGS, U32, ORDER, .words = &fragments),
	KEY("enc-key-id", ENC_KEY_ID, U32, ORDER),
	MASKED("enc-ipv4-src", ENC_IPV4_SRC, ADDRESS),
	MASKED("enc-ipv4-dst", ENC_IPV4_DST, ADDRESS),
	MASKED("enc-ipv6-src", ENC_IPV6_SRC, ADDRESS),
	MASKED("enc-ipv6-dst", ENC_IPV6_DST, ADDRESS),
	MASKED("enc-udp-src-port", ENC_UDP_SRC_PORT, U16, ORDER),
	MASKED("enc-udp-dst-port", ENC_UDP_DST_PORT, U16, ORDER),
	MASKED("enc-ip-tos", ENC_IP_TOS, U8),
	MASKED("enc-ip-ttl", ENC_IP_TTL, U8),
	MASKED("enc-opts", ENC_OPTS, BYTES),
	MASKED("ct-state", CT_STATE, U16, .words = &states),
	MASKED("ct-zone", CT_ZONE, U16),
	MASKED("ct-mark", CT_MARK, U32),
	MASKED("ct-labels", CT_LABELS, BYTES),
	MASKED("hash", HASH, U32),
	{},
};

const struct netlink_schema netlink_flower = {
	.name = "filter.options.flower",
	.fields = flower_fields,
};
