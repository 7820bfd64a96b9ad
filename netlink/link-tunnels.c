/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tunnels: one network's packets in another's. */
#include <linux/amt.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/ip6_tunnel.h>
#include <netinet/in.h>

#include "ethertype.h"
#include "link-kinds.h"
#include "table.h"

/* Since Linux 6.2. */
#define VXLAN_LOCALBYPASS   31
#define VXLAN_LABEL_POLICY  32
#define VXLAN_RESERVED_BITS 33
#define VXLAN_MC_ROUTE      34
#define GENEVE_PORT_RANGE   15
#define GENEVE_GRO_HINT     16
#define GTP_LOCAL           7
#define GTP_LOCAL6          8

#define ORDER  .network_order = true
#define DEVICE .unit = "interface"
/* The interface that packets leave by, and its name. */
#define LINK(NUMBER)                                                     \
	ATTRIBUTE("link", NUMBER, U32, DEVICE),                          \
		ATTRIBUTE("link-dev", NUMBER, STRING, .read_only = true, \
			  .decode = link_device_decode)

static const struct netlink_words encapsulations =
	NETLINK_WORDS({ TUNNEL_ENCAP_NONE, "none" }, { TUNNEL_ENCAP_FOU, "fou" },
		      { TUNNEL_ENCAP_GUE, "gue" }, { TUNNEL_ENCAP_MPLS, "mpls" });
static const struct netlink_words encapsulation_flags =
	NETLINK_BITS({ TUNNEL_ENCAP_FLAG_CSUM, "csum" }, { TUNNEL_ENCAP_FLAG_CSUM6, "csum6" },
		     { TUNNEL_ENCAP_FLAG_REMCSUM, "remcsum" });
/* Of GRE's header, as numbers of this machine. */
static const struct netlink_words gre_flags =
	NETLINK_BITS({ 0x8000, "csum" }, { 0x4000, "routing" }, { 0x2000, "key" },
		     { 0x1000, "seq" }, { 0x0800, "strict" });
static const struct netlink_words ip6_flags =
	NETLINK_BITS({ IP6_TNL_F_IGN_ENCAP_LIMIT, "ign-encap-limit" },
		     { IP6_TNL_F_USE_ORIG_TCLASS, "use-orig-tclass" },
		     { IP6_TNL_F_USE_ORIG_FLOWLABEL, "use-orig-flowlabel" },
		     { IP6_TNL_F_MIP6_DEV, "mip6-dev" },
		     { IP6_TNL_F_RCV_DSCP_COPY, "rcv-dscp-copy" },
		     { IP6_TNL_F_USE_ORIG_FWMARK, "use-orig-fwmark" },
		     { IP6_TNL_F_ALLOW_LOCAL_REMOTE, "allow-local-remote" });
static const struct netlink_words sit_flags = NETLINK_BITS({ SIT_ISATAP, "isatap" });
static const struct netlink_words protocols =
	NETLINK_WORDS({ 0, "any" }, { IPPROTO_IPIP, "ipip" }, { IPPROTO_IPV6, "ipv6" },
		      { IPPROTO_GRE, "gre" }, { IPPROTO_MPLS, "mpls" });
static const struct netlink_words erspan_directions =
	NETLINK_WORDS({ 0, "ingress" }, { 1, "egress" });
static const struct netlink_words fragmentations =
	NETLINK_WORDS({ 0, "unset" }, { 1, "set" }, { 2, "inherit" });
static const struct netlink_words label_policies = NETLINK_WORDS({ 0, "fixed" }, { 1, "inherit" });
static const struct netlink_words gtp_roles =
	NETLINK_WORDS({ GTP_ROLE_GGSN, "ggsn" }, { GTP_ROLE_SGSN, "sgsn" });
static const struct netlink_words amt_modes = NETLINK_WORDS({ 0, "gateway" }, { 1, "relay" });

/* gre, gretap, erspan; and over IPv6 ip6gre, ip6gretap, ip6erspan. */
#define GRE_FIELDS                                                                                 \
	LINK(IFLA_GRE_LINK),                                                                       \
		ATTRIBUTE("iflags", IFLA_GRE_IFLAGS, U16, ORDER, .words = &gre_flags),             \
		ATTRIBUTE("oflags", IFLA_GRE_OFLAGS, U16, ORDER, .words = &gre_flags),             \
		ATTRIBUTE("ikey", IFLA_GRE_IKEY, U32, ORDER),                                      \
		ATTRIBUTE("okey", IFLA_GRE_OKEY, U32, ORDER),                                      \
		ATTRIBUTE("local", IFLA_GRE_LOCAL, ADDRESS),                                       \
		ATTRIBUTE("remote", IFLA_GRE_REMOTE, ADDRESS), ATTRIBUTE("ttl", IFLA_GRE_TTL, U8), \
		ATTRIBUTE("tos", IFLA_GRE_TOS, U8),                                                \
		ATTRIBUTE("encap-type", IFLA_GRE_ENCAP_TYPE, U16, .words = &encapsulations),       \
		ATTRIBUTE("encap-flags", IFLA_GRE_ENCAP_FLAGS, U16,                                \
			  .words = &encapsulation_flags),                                          \
		ATTRIBUTE("encap-sport", IFLA_GRE_ENCAP_SPORT, U16, ORDER),                        \
		ATTRIBUTE("encap-dport", IFLA_GRE_ENCAP_DPORT, U16, ORDER),                        \
		FLAG("collect-metadata", IFLA_GRE_COLLECT_METADATA),                               \
		ATTRIBUTE("ignore-df", IFLA_GRE_IGNORE_DF, BOOL),                                  \
		ATTRIBUTE("fwmark", IFLA_GRE_FWMARK, U32),                                         \
		ATTRIBUTE("erspan-index", IFLA_GRE_ERSPAN_INDEX, U32),                             \
		ATTRIBUTE("erspan-ver", IFLA_GRE_ERSPAN_VER, U8),                                  \
		ATTRIBUTE("erspan-dir", IFLA_GRE_ERSPAN_DIR, U8, .words = &erspan_directions),     \
		ATTRIBUTE("erspan-hwid", IFLA_GRE_ERSPAN_HWID, U16)

static const struct netlink_field gre_fields[] = {
	GRE_FIELDS,
	ATTRIBUTE("pmtudisc", IFLA_GRE_PMTUDISC, BOOL),
	{},
};

const struct netlink_schema netlink_link_gre = {
	.name = "link.linkinfo.gre",
	.fields = gre_fields,
};

static const struct netlink_field gre6_fields[] = {
	GRE_FIELDS,
	ATTRIBUTE("encap-limit", IFLA_GRE_ENCAP_LIMIT, U8),
	ATTRIBUTE("flowinfo", IFLA_GRE_FLOWINFO, U32, ORDER),
	ATTRIBUTE("flags", IFLA_GRE_FLAGS, U32, .words = &ip6_flags),
	{},
};

const struct netlink_schema netlink_link_gre6 = {
	.name = "link.linkinfo.ip6gre",
	.fields = gre6_fields,
};

/* ipip, sit, ip6tnl. */
#define IPTUN_FIELDS                                                                           \
	LINK(IFLA_IPTUN_LINK), ATTRIBUTE("local", IFLA_IPTUN_LOCAL, ADDRESS),                  \
		ATTRIBUTE("remote", IFLA_IPTUN_REMOTE, ADDRESS),                               \
		ATTRIBUTE("ttl", IFLA_IPTUN_TTL, U8), ATTRIBUTE("tos", IFLA_IPTUN_TOS, U8),    \
		ATTRIBUTE("proto", IFLA_IPTUN_PROTO, U8, .words = &protocols),                 \
		ATTRIBUTE("encap-type", IFLA_IPTUN_ENCAP_TYPE, U16, .words = &encapsulations), \
		ATTRIBUTE("encap-flags", IFLA_IPTUN_ENCAP_FLAGS, U16,                          \
			  .words = &encapsulation_flags),                                      \
		ATTRIBUTE("encap-sport", IFLA_IPTUN_ENCAP_SPORT, U16, ORDER),                  \
		ATTRIBUTE("encap-dport", IFLA_IPTUN_ENCAP_DPORT, U16, ORDER),                  \
		FLAG("collect-metadata", IFLA_IPTUN_COLLECT_METADATA),                         \
		ATTRIBUTE("fwmark", IFLA_IPTUN_FWMARK, U32)

static const struct netlink_field iptunnel_fields[] = {
	IPTUN_FIELDS,
	ATTRIBUTE("pmtudisc", IFLA_IPTUN_PMTUDISC, BOOL),
	{},
};

const struct netlink_schema netlink_link_iptunnel = {
	.name = "link.linkinfo.ipip",
	.fields = iptunnel_fields,
};

static const struct netlink_field sit_fields[] = {
	IPTUN_FIELDS,
	ATTRIBUTE("pmtudisc", IFLA_IPTUN_PMTUDISC, BOOL),
	ATTRIBUTE("flags", IFLA_IPTUN_FLAGS, U16, .words = &sit_flags),
	ATTRIBUTE("6rd-prefix", IFLA_IPTUN_6RD_PREFIX, ADDRESS),
	ATTRIBUTE("6rd-relay-prefix", IFLA_IPTUN_6RD_RELAY_PREFIX, ADDRESS),
	ATTRIBUTE("6rd-prefixlen", IFLA_IPTUN_6RD_PREFIXLEN, U16),
	ATTRIBUTE("6rd-relay-prefixlen", IFLA_IPTUN_6RD_RELAY_PREFIXLEN, U16),
	{},
};

const struct netlink_schema netlink_link_sit = {
	.name = "link.linkinfo.sit",
	.fields = sit_fields,
};

static const struct netlink_field ip6tunnel_fields[] = {
	IPTUN_FIELDS,
	ATTRIBUTE("encap-limit", IFLA_IPTUN_ENCAP_LIMIT, U8),
	ATTRIBUTE("flowinfo", IFLA_IPTUN_FLOWINFO, U32, ORDER),
	ATTRIBUTE("flags", IFLA_IPTUN_FLAGS, U32, .words = &ip6_flags),
	{},
};

const struct netlink_schema netlink_link_ip6tunnel = {
	.name = "link.linkinfo.ip6tnl",
	.fields = ip6tunnel_fields,
};

static const struct netlink_field vti_fields[] = {
	LINK(IFLA_VTI_LINK),
	ATTRIBUTE("ikey", IFLA_VTI_IKEY, U32, ORDER),
	ATTRIBUTE("okey", IFLA_VTI_OKEY, U32, ORDER),
	ATTRIBUTE("local", IFLA_VTI_LOCAL, ADDRESS),
	ATTRIBUTE("remote", IFLA_VTI_REMOTE, ADDRESS),
	ATTRIBUTE("fwmark", IFLA_VTI_FWMARK, U32),
	{},
};

const struct netlink_schema netlink_link_vti = {
	.name = "link.linkinfo.vti",
	.fields = vti_fields,
};

/* struct ifla_vxlan_port_range, which geneve shares. */
static const struct netlink_field ports_fields[] = {
	MEMBER("low", struct ifla_vxlan_port_range, low, U16, ORDER),
	MEMBER("high", struct ifla_vxlan_port_range, high, U16, ORDER),
	{},
};
NESTED(ports, "link.linkinfo.port-range", .fixed = sizeof(struct ifla_vxlan_port_range),
       .structure = true);

static const struct netlink_field vxlan_fields[] = {
	ATTRIBUTE("id", IFLA_VXLAN_ID, U32),
	ATTRIBUTE("group", IFLA_VXLAN_GROUP, ADDRESS),
	ATTRIBUTE("group6", IFLA_VXLAN_GROUP6, ADDRESS),
	LINK(IFLA_VXLAN_LINK),
	ATTRIBUTE("local", IFLA_VXLAN_LOCAL, ADDRESS),
	ATTRIBUTE("local6", IFLA_VXLAN_LOCAL6, ADDRESS),
	ATTRIBUTE("ttl", IFLA_VXLAN_TTL, U8),
	FLAG("ttl-inherit", IFLA_VXLAN_TTL_INHERIT),
	ATTRIBUTE("tos", IFLA_VXLAN_TOS, U8),
	ATTRIBUTE("df", IFLA_VXLAN_DF, U8, .words = &fragmentations),
	ATTRIBUTE("label", IFLA_VXLAN_LABEL, U32, ORDER),
	ATTRIBUTE("label-policy", VXLAN_LABEL_POLICY, U32, .words = &label_policies),
	ATTRIBUTE("learning", IFLA_VXLAN_LEARNING, BOOL),
	ATTRIBUTE("ageing", IFLA_VXLAN_AGEING, U32, .unit = "seconds"),
	ATTRIBUTE("limit", IFLA_VXLAN_LIMIT, U32),
	ATTRIBUTE("port", IFLA_VXLAN_PORT, U16, ORDER),
	ATTRIBUTE("port-range", IFLA_VXLAN_PORT_RANGE, OBJECT, .nested = &ports),
	ATTRIBUTE("proxy", IFLA_VXLAN_PROXY, BOOL),
	ATTRIBUTE("rsc", IFLA_VXLAN_RSC, BOOL),
	ATTRIBUTE("l2miss", IFLA_VXLAN_L2MISS, BOOL),
	ATTRIBUTE("l3miss", IFLA_VXLAN_L3MISS, BOOL),
	ATTRIBUTE("udp-csum", IFLA_VXLAN_UDP_CSUM, BOOL),
	ATTRIBUTE("udp-zero-csum6-tx", IFLA_VXLAN_UDP_ZERO_CSUM6_TX, BOOL),
	ATTRIBUTE("udp-zero-csum6-rx", IFLA_VXLAN_UDP_ZERO_CSUM6_RX, BOOL),
	ATTRIBUTE("remcsum-tx", IFLA_VXLAN_REMCSUM_TX, BOOL),
	ATTRIBUTE("remcsum-rx", IFLA_VXLAN_REMCSUM_RX, BOOL),
	FLAG("remcsum-nopartial", IFLA_VXLAN_REMCSUM_NOPARTIAL),
	FLAG("gbp", IFLA_VXLAN_GBP),
	FLAG("gpe", IFLA_VXLAN_GPE),
	ATTRIBUTE("collect-metadata", IFLA_VXLAN_COLLECT_METADATA, BOOL),
	ATTRIBUTE("vnifilter", IFLA_VXLAN_VNIFILTER, BOOL),
	ATTRIBUTE("localbypass", VXLAN_LOCALBYPASS, BOOL),
	ATTRIBUTE("reserved-bits", VXLAN_RESERVED_BITS, BYTES),
	ATTRIBUTE("mc-route", VXLAN_MC_ROUTE, BOOL),
	{},
};

const struct netlink_schema netlink_link_vxlan = {
	.name = "link.linkinfo.vxlan",
	.fields = vxlan_fields,
};

static const struct netlink_field geneve_fields[] = {
	ATTRIBUTE("id", IFLA_GENEVE_ID, U32),
	ATTRIBUTE("remote", IFLA_GENEVE_REMOTE, ADDRESS),
	ATTRIBUTE("remote6", IFLA_GENEVE_REMOTE6, ADDRESS),
	ATTRIBUTE("ttl", IFLA_GENEVE_TTL, U8),
	ATTRIBUTE("ttl-inherit", IFLA_GENEVE_TTL_INHERIT, BOOL),
	ATTRIBUTE("tos", IFLA_GENEVE_TOS, U8),
	ATTRIBUTE("df", IFLA_GENEVE_DF, U8, .words = &fragmentations),
	ATTRIBUTE("label", IFLA_GENEVE_LABEL, U32, ORDER),
	ATTRIBUTE("port", IFLA_GENEVE_PORT, U16, ORDER),
	ATTRIBUTE("port-range", GENEVE_PORT_RANGE, OBJECT, .nested = &ports),
	FLAG("collect-metadata", IFLA_GENEVE_COLLECT_METADATA),
	ATTRIBUTE("udp-csum", IFLA_GENEVE_UDP_CSUM, BOOL),
	ATTRIBUTE("udp-zero-csum6-tx", IFLA_GENEVE_UDP_ZERO_CSUM6_TX, BOOL),
	ATTRIBUTE("udp-zero-csum6-rx", IFLA_GENEVE_UDP_ZERO_CSUM6_RX, BOOL),
	FLAG("inner-proto-inherit", IFLA_GENEVE_INNER_PROTO_INHERIT),
	FLAG("gro-hint", GENEVE_GRO_HINT),
	{},
};

const struct netlink_schema netlink_link_geneve = {
	.name = "link.linkinfo.geneve",
	.fields = geneve_fields,
};

static const struct netlink_field bareudp_fields[] = {
	ATTRIBUTE("port", IFLA_BAREUDP_PORT, U16, ORDER),
	ATTRIBUTE("ethertype", IFLA_BAREUDP_ETHERTYPE, U16, ORDER, .words = &netlink_ethertypes),
	ATTRIBUTE("srcport-min", IFLA_BAREUDP_SRCPORT_MIN, U16),
	FLAG("multiproto-mode", IFLA_BAREUDP_MULTIPROTO_MODE),
	{},
};

const struct netlink_schema netlink_link_bareudp = {
	.name = "link.linkinfo.bareudp",
	.fields = bareudp_fields,
};

static const struct netlink_field gtp_fields[] = {
	ATTRIBUTE("pdp-hashsize", IFLA_GTP_PDP_HASHSIZE, U32),
	ATTRIBUTE("role", IFLA_GTP_ROLE, U32, .words = &gtp_roles),
	ATTRIBUTE("create-sockets", IFLA_GTP_CREATE_SOCKETS, BOOL),
	ATTRIBUTE("restart-count", IFLA_GTP_RESTART_COUNT, U8),
	ATTRIBUTE("local", GTP_LOCAL, ADDRESS),
	ATTRIBUTE("local6", GTP_LOCAL6, ADDRESS),
	{},
};

const struct netlink_schema netlink_link_gtp = {
	.name = "link.linkinfo.gtp",
	.fields = gtp_fields,
};

static const struct netlink_field xfrm_fields[] = {
	LINK(IFLA_XFRM_LINK),
	ATTRIBUTE("if-id", IFLA_XFRM_IF_ID, U32),
	FLAG("collect-metadata", IFLA_XFRM_COLLECT_METADATA),
	{},
};

const struct netlink_schema netlink_link_xfrm = {
	.name = "link.linkinfo.xfrm",
	.fields = xfrm_fields,
};

static const struct netlink_field amt_fields[] = {
	ATTRIBUTE("mode", IFLA_AMT_MODE, U32, .words = &amt_modes),
	ATTRIBUTE("relay-port", IFLA_AMT_RELAY_PORT, U16, ORDER),
	ATTRIBUTE("gateway-port", IFLA_AMT_GATEWAY_PORT, U16, ORDER),
	LINK(IFLA_AMT_LINK),
	ATTRIBUTE("local-ip", IFLA_AMT_LOCAL_IP, ADDRESS),
	ATTRIBUTE("remote-ip", IFLA_AMT_REMOTE_IP, ADDRESS),
	ATTRIBUTE("discovery-ip", IFLA_AMT_DISCOVERY_IP, ADDRESS),
	ATTRIBUTE("max-tunnels", IFLA_AMT_MAX_TUNNELS, U32),
	{},
};

const struct netlink_schema netlink_link_amt = {
	.name = "link.linkinfo.amt",
	.fields = amt_fields,
};
