/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link-kinds.h"

#include <linux/can/vxcan.h>
#include <linux/if_link.h>
#include <linux/if_macsec.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "encode.h"
#include "ethertype.h"
#include "flags.h"
#include "table.h"
#include "unknown.h"

/* Since Linux 6.2. */
#define HSR_INTERLINK    8
#define NETKIT_PEER_INFO 1
#define BATADV_ALGORITHM 1
#define OVPN_MODE        1

#define DEVICE .unit = "interface"
#define TOLD   .read_only = true

/* The other end of a pair, which is made with it; the kernel does not tell of it there. */
static const struct netlink_field peer_fields[] = {
	MEMBER("ifindex", struct ifinfomsg, ifi_index, S32, DEVICE),
	ATTRIBUTE("ifname", IFLA_IFNAME, STRING),
	ATTRIBUTE("address", IFLA_ADDRESS, HARDWARE),
	ATTRIBUTE("mtu", IFLA_MTU, U32, .unit = "bytes"),
	ATTRIBUTE("txqlen", IFLA_TXQLEN, U32),
	ATTRIBUTE("num-tx-queues", IFLA_NUM_TX_QUEUES, U32),
	ATTRIBUTE("num-rx-queues", IFLA_NUM_RX_QUEUES, U32),
	ATTRIBUTE("group", IFLA_GROUP, U32),
	ATTRIBUTE("net-ns-fd", IFLA_NET_NS_FD, U32, .encode = encode_file),
	{},
};
NESTED(peer, "link.linkinfo.peer", .fixed = sizeof(struct ifinfomsg));

static const struct netlink_field veth_fields[] = {
	ATTRIBUTE("peer", VETH_INFO_PEER, OBJECT, .nested = &peer),
	{},
};
NESTED(veth, "link.linkinfo.veth");

static const struct netlink_field vxcan_fields[] = {
	ATTRIBUTE("peer", VXCAN_INFO_PEER, OBJECT, .nested = &peer),
	{},
};
NESTED(vxcan, "link.linkinfo.vxcan");

static const struct netlink_words netkit_policies =
	NETLINK_WORDS({ 0, "forward" }, { 2, "blackhole" });
static const struct netlink_words netkit_modes = NETLINK_WORDS({ 0, "l2" }, { 1, "l3" });
static const struct netlink_words netkit_scrubs = NETLINK_WORDS({ 0, "none" }, { 1, "default" });

static const struct netlink_field netkit_fields[] = {
	ATTRIBUTE("peer", NETKIT_PEER_INFO, OBJECT, .nested = &peer),
	ATTRIBUTE("primary", 2, BOOL, TOLD),
	ATTRIBUTE("policy", 3, U32, .words = &netkit_policies),
	ATTRIBUTE("peer-policy", 4, U32, .words = &netkit_policies),
	ATTRIBUTE("mode", 5, U32, .words = &netkit_modes),
	ATTRIBUTE("scrub", 6, U32, .words = &netkit_scrubs),
	ATTRIBUTE("peer-scrub", 7, U32, .words = &netkit_scrubs),
	ATTRIBUTE("headroom", 8, U16, .unit = "bytes"),
	ATTRIBUTE("tailroom", 9, U16, .unit = "bytes"),
	{},
};
NESTED(netkit, "link.linkinfo.netkit");

static const struct netlink_words vlan_flags =
	NETLINK_BITS({ 0x1, "reorder-hdr" }, { 0x2, "gvrp" }, { 0x4, "loose-binding" },
		     { 0x8, "mvrp" }, { 0x10, "bridge-binding" });

static const struct netlink_field priority_fields[] = {
	MEMBER("from", struct ifla_vlan_qos_mapping, from, U32),
	MEMBER("to", struct ifla_vlan_qos_mapping, to, U32),
	{},
};
NESTED(priority, "link.linkinfo.vlan.qos", .fixed = sizeof(struct ifla_vlan_qos_mapping),
       .element = IFLA_VLAN_QOS_MAPPING);

static const struct netlink_field vlan_fields[] = {
	ATTRIBUTE("id", IFLA_VLAN_ID, U16),
	ATTRIBUTE("protocol", IFLA_VLAN_PROTOCOL, U16, .network_order = true,
		  .words = &netlink_ethertypes),
	PART("flags", IFLA_VLAN_FLAGS, struct ifla_vlan_flags, flags, U32, .words = &vlan_flags,
	     .encode = flags_encode),
	ATTRIBUTE("egress-qos", IFLA_VLAN_EGRESS_QOS, OBJECTS, .nested = &priority),
	ATTRIBUTE("ingress-qos", IFLA_VLAN_INGRESS_QOS, OBJECTS, .nested = &priority),
	{},
};
NESTED(vlan, "link.linkinfo.vlan");

static const struct netlink_words macvlan_modes =
	NETLINK_WORDS({ MACVLAN_MODE_PRIVATE, "private" }, { MACVLAN_MODE_VEPA, "vepa" },
		      { MACVLAN_MODE_BRIDGE, "bridge" }, { MACVLAN_MODE_PASSTHRU, "passthru" },
		      { MACVLAN_MODE_SOURCE, "source" });
static const struct netlink_words macvlan_flags =
	NETLINK_BITS({ MACVLAN_FLAG_NOPROMISC, "nopromisc" }, { MACVLAN_FLAG_NODST, "nodst" });
static const struct netlink_words macvlan_changes =
	NETLINK_WORDS({ MACVLAN_MACADDR_ADD, "add" }, { MACVLAN_MACADDR_DEL, "del" },
		      { MACVLAN_MACADDR_FLUSH, "flush" }, { MACVLAN_MACADDR_SET, "set" });

static const struct netlink_field source_fields[] = { ELEMENT(HARDWARE, .at = IFLA_MACVLAN_MACADDR),
						      {} };
NESTED(source, "link.linkinfo.macvlan.macaddr-data");

static const struct netlink_field macvlan_fields[] = {
	ATTRIBUTE("mode", IFLA_MACVLAN_MODE, U32, .words = &macvlan_modes),
	ATTRIBUTE("flags", IFLA_MACVLAN_FLAGS, U16, .words = &macvlan_flags),
	ATTRIBUTE("macaddr-mode", IFLA_MACVLAN_MACADDR_MODE, U32, .words = &macvlan_changes),
	ATTRIBUTE("macaddr", IFLA_MACVLAN_MACADDR, HARDWARE),
	ATTRIBUTE("macaddr-data", IFLA_MACVLAN_MACADDR_DATA, LIST, .nested = &source),
	ATTRIBUTE("macaddr-count", IFLA_MACVLAN_MACADDR_COUNT, U32, TOLD),
	ATTRIBUTE("bc-queue-len", IFLA_MACVLAN_BC_QUEUE_LEN, U32),
	ATTRIBUTE("bc-queue-len-used", IFLA_MACVLAN_BC_QUEUE_LEN_USED, U32, TOLD),
	ATTRIBUTE("bc-cutoff", 9, S32),
	{},
};
NESTED(macvlan, "link.linkinfo.macvlan");

static const struct netlink_words ipvlan_modes =
	NETLINK_WORDS({ IPVLAN_MODE_L2, "l2" }, { IPVLAN_MODE_L3, "l3" },
		      { IPVLAN_MODE_L3S, "l3s" });
static const struct netlink_words ipvlan_flags =
	NETLINK_BITS({ IPVLAN_F_PRIVATE, "private" }, { IPVLAN_F_VEPA, "vepa" });

static const struct netlink_field ipvlan_fields[] = {
	ATTRIBUTE("mode", IFLA_IPVLAN_MODE, U16, .words = &ipvlan_modes),
	ATTRIBUTE("flags", IFLA_IPVLAN_FLAGS, U16, .words = &ipvlan_flags),
	{},
};
NESTED(ipvlan, "link.linkinfo.ipvlan");

static const struct netlink_field vrf_fields[] = {
	ATTRIBUTE("table", IFLA_VRF_TABLE, U32),
	{},
};
NESTED(vrf, "link.linkinfo.vrf");

static const struct netlink_field vrf_port_fields[] = {
	ATTRIBUTE("table", IFLA_VRF_PORT_TABLE, U32, TOLD),
	{},
};
NESTED(vrf_port, "link.linkinfo.vrf-port");

static const struct netlink_words tun_types = NETLINK_WORDS({ 1, "tun" }, { 2, "tap" });

/* What can be set, tun.c makes it of. */
static const struct netlink_field tun_fields[] = {
	ATTRIBUTE("owner", IFLA_TUN_OWNER, U32),
	ATTRIBUTE("group", IFLA_TUN_GROUP, U32),
	ATTRIBUTE("type", IFLA_TUN_TYPE, U8, .words = &tun_types),
	ATTRIBUTE("pi", IFLA_TUN_PI, BOOL),
	ATTRIBUTE("vnet-hdr", IFLA_TUN_VNET_HDR, BOOL),
	ATTRIBUTE("persist", IFLA_TUN_PERSIST, BOOL, TOLD),
	ATTRIBUTE("multi-queue", IFLA_TUN_MULTI_QUEUE, BOOL),
	ATTRIBUTE("num-queues", IFLA_TUN_NUM_QUEUES, U32, TOLD),
	ATTRIBUTE("num-disabled-queues", IFLA_TUN_NUM_DISABLED_QUEUES, U32, TOLD),
	{},
};
NESTED(tun, "link.linkinfo.tun");

static const struct netlink_words hsr_protocols =
	NETLINK_WORDS({ HSR_PROTOCOL_HSR, "hsr" }, { HSR_PROTOCOL_PRP, "prp" });

static const struct netlink_field hsr_fields[] = {
	ATTRIBUTE("slave1", IFLA_HSR_SLAVE1, U32, DEVICE),
	ATTRIBUTE("slave2", IFLA_HSR_SLAVE2, U32, DEVICE),
	ATTRIBUTE("interlink", HSR_INTERLINK, U32, DEVICE),
	ATTRIBUTE("multicast-spec", IFLA_HSR_MULTICAST_SPEC, U8),
	ATTRIBUTE("supervision-addr", IFLA_HSR_SUPERVISION_ADDR, HARDWARE, TOLD),
	ATTRIBUTE("seq-nr", IFLA_HSR_SEQ_NR, U16, TOLD),
	ATTRIBUTE("version", IFLA_HSR_VERSION, U8),
	ATTRIBUTE("protocol", IFLA_HSR_PROTOCOL, U8, .words = &hsr_protocols),
	{},
};
NESTED(hsr, "link.linkinfo.hsr");

static const struct netlink_words ciphers =
	NETLINK_WORDS({ MACSEC_DEFAULT_CIPHER_ID, "gcm-aes-128" },
		      { MACSEC_CIPHER_ID_GCM_AES_128, "gcm-aes-128" },
		      { MACSEC_CIPHER_ID_GCM_AES_256, "gcm-aes-256" },
		      { MACSEC_CIPHER_ID_GCM_AES_XPN_128, "gcm-aes-xpn-128" },
		      { MACSEC_CIPHER_ID_GCM_AES_XPN_256, "gcm-aes-xpn-256" });
static const struct netlink_words macsec_validations =
	NETLINK_WORDS({ MACSEC_VALIDATE_DISABLED, "disabled" }, { MACSEC_VALIDATE_CHECK, "check" },
		      { MACSEC_VALIDATE_STRICT, "strict" });
static const struct netlink_words macsec_offloads =
	NETLINK_WORDS({ MACSEC_OFFLOAD_OFF, "off" }, { MACSEC_OFFLOAD_PHY, "phy" },
		      { MACSEC_OFFLOAD_MAC, "mac" });

static const struct netlink_field macsec_fields[] = {
	ATTRIBUTE("sci", IFLA_MACSEC_SCI, U64, .network_order = true),
	ATTRIBUTE("port", IFLA_MACSEC_PORT, U16, .network_order = true),
	ATTRIBUTE("icv-len", IFLA_MACSEC_ICV_LEN, U8),
	ATTRIBUTE("cipher-suite", IFLA_MACSEC_CIPHER_SUITE, U64, .words = &ciphers),
	ATTRIBUTE("window", IFLA_MACSEC_WINDOW, U32),
	ATTRIBUTE("encoding-sa", IFLA_MACSEC_ENCODING_SA, U8),
	ATTRIBUTE("encrypt", IFLA_MACSEC_ENCRYPT, BOOL),
	ATTRIBUTE("protect", IFLA_MACSEC_PROTECT, BOOL),
	ATTRIBUTE("inc-sci", IFLA_MACSEC_INC_SCI, BOOL),
	ATTRIBUTE("es", IFLA_MACSEC_ES, BOOL),
	ATTRIBUTE("scb", IFLA_MACSEC_SCB, BOOL),
	ATTRIBUTE("replay-protect", IFLA_MACSEC_REPLAY_PROTECT, BOOL),
	ATTRIBUTE("validation", IFLA_MACSEC_VALIDATION, U8, .words = &macsec_validations),
	ATTRIBUTE("offload", IFLA_MACSEC_OFFLOAD, U8, .words = &macsec_offloads),
	{},
};
NESTED(macsec, "link.linkinfo.macsec");

static const struct netlink_words ipoib_modes =
	NETLINK_WORDS({ IPOIB_MODE_DATAGRAM, "datagram" }, { IPOIB_MODE_CONNECTED, "connected" });

static const struct netlink_field ipoib_fields[] = {
	ATTRIBUTE("pkey", IFLA_IPOIB_PKEY, U16),
	ATTRIBUTE("mode", IFLA_IPOIB_MODE, U16, .words = &ipoib_modes),
	ATTRIBUTE("umcast", IFLA_IPOIB_UMCAST, U16),
	{},
};
NESTED(ipoib, "link.linkinfo.ipoib");

static const struct netlink_words rmnet_flags =
	NETLINK_BITS({ RMNET_FLAGS_INGRESS_DEAGGREGATION, "ingress-deaggregation" },
		     { RMNET_FLAGS_INGRESS_MAP_COMMANDS, "ingress-commands" },
		     { RMNET_FLAGS_INGRESS_MAP_CKSUMV4, "ingress-chksumv4" },
		     { RMNET_FLAGS_EGRESS_MAP_CKSUMV4, "egress-chksumv4" },
		     { RMNET_FLAGS_INGRESS_MAP_CKSUMV5, "ingress-chksumv5" },
		     { RMNET_FLAGS_EGRESS_MAP_CKSUMV5, "egress-chksumv5" });

static const struct netlink_field rmnet_fields[] = {
	ATTRIBUTE("mux-id", IFLA_RMNET_MUX_ID, U16),
	PART("flags", IFLA_RMNET_FLAGS, struct ifla_rmnet_flags, flags, U32, .words = &rmnet_flags,
	     .encode = flags_encode),
	{},
};
NESTED(rmnet, "link.linkinfo.rmnet");

static const struct netlink_field batadv_fields[] = {
	ATTRIBUTE("algo-name", BATADV_ALGORITHM, STRING),
	{},
};
NESTED(batadv, "link.linkinfo.batadv");

static const struct netlink_field dsa_fields[] = {
	ATTRIBUTE("conduit", IFLA_DSA_MASTER, U32, DEVICE),
	{},
};
NESTED(dsa, "link.linkinfo.dsa");

static const struct netlink_words ovpn_modes = NETLINK_WORDS({ 0, "p2p" }, { 1, "mp" });

static const struct netlink_field ovpn_fields[] = {
	ATTRIBUTE("mode", OVPN_MODE, U8, .words = &ovpn_modes),
	{},
};
NESTED(ovpn, "link.linkinfo.ovpn");

static const struct netlink_variant kinds[] = {
	{ "amt", &netlink_link_amt },
	{ "bareudp", &netlink_link_bareudp },
	{ "batadv", &batadv },
	{ "bond", &netlink_link_bond },
	{ "bridge", &netlink_link_bridge },
	{ "can", &netlink_link_can },
	{ "dsa", &dsa },
	{ "erspan", &netlink_link_gre },
	{ "geneve", &netlink_link_geneve },
	{ "gre", &netlink_link_gre },
	{ "gretap", &netlink_link_gre },
	{ "gtp", &netlink_link_gtp },
	{ "hsr", &hsr },
	{ "ip6erspan", &netlink_link_gre6 },
	{ "ip6gre", &netlink_link_gre6 },
	{ "ip6gretap", &netlink_link_gre6 },
	{ "ip6tnl", &netlink_link_ip6tunnel },
	{ "ipip", &netlink_link_iptunnel },
	{ "ipoib", &ipoib },
	{ "ipvlan", &ipvlan },
	{ "ipvtap", &ipvlan },
	{ "macsec", &macsec },
	{ "macvlan", &macvlan },
	{ "macvtap", &macvlan },
	{ "netkit", &netkit },
	{ "ovpn", &ovpn },
	{ "rmnet", &rmnet },
	{ "sit", &netlink_link_sit },
	{ "tun", &tun },
	{ "veth", &veth },
	{ "vlan", &vlan },
	{ "vrf", &vrf },
	{ "vti", &netlink_link_vti },
	{ "vti6", &netlink_link_vti },
	{ "vxcan", &vxcan },
	{ "vxlan", &netlink_link_vxlan },
	{ "xfrm", &netlink_link_xfrm },
	UNKNOWN,
};

static const struct netlink_variant statistics[] = {
	{ "can", &netlink_link_can_statistics },
	UNKNOWN,
};

static const struct netlink_variant ports[] = {
	{ "bond", &netlink_link_bond_slave },
	{ "bridge", &netlink_link_bridge_port },
	{ "vrf", &vrf_port },
	UNKNOWN,
};

static const struct netlink_field linkinfo_fields[] = {
	ATTRIBUTE("kind", IFLA_INFO_KIND, STRING, .filtered = NETLINK_FILTERED_BY_KERNEL),
	ATTRIBUTE("data", IFLA_INFO_DATA, OBJECT, .variants = kinds, .variant_by = "kind"),
	ATTRIBUTE("xstats", IFLA_INFO_XSTATS, OBJECT, TOLD, .variants = statistics,
		  .variant_by = "kind"),
	ATTRIBUTE("slave-kind", IFLA_INFO_SLAVE_KIND, STRING),
	ATTRIBUTE("slave-data", IFLA_INFO_SLAVE_DATA, OBJECT, .variants = ports,
		  .variant_by = "slave-kind"),
	{},
};

const struct netlink_schema netlink_linkinfo = {
	.name = "link.linkinfo",
	.fields = linkinfo_fields,
};
