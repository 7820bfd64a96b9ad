/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interfaces. */
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"
#include "encode.h"
#include "flags.h"
#include "link-kinds.h"
#include "link-statistics.h"
#include "table.h"
#include "types.h"

/* Since Linux 6.2. */
#define LINK_GSO_IPV4_MAX_SIZE          63
#define LINK_GRO_IPV4_MAX_SIZE          64
#define LINK_MAX_PACING_OFFLOAD_HORIZON 66
#define LINK_NETNS_IMMUTABLE            67
#define LINK_HEADROOM                   68
#define LINK_TAILROOM                   69

/* Besides those of RTEXT_FILTER_, of which the highest is far below. */
#define ASK_STATISTICS (UINT32_C(1) << 31)

#define DEVICE .unit = "interface"
#define SIZE   .unit = "bytes"
#define TOLD   .read_only = true

static const struct netlink_words types =
	NETLINK_WORDS({ ARPHRD_NETROM, "netrom" }, { ARPHRD_ETHER, "ether" },
		      { ARPHRD_EETHER, "eether" }, { ARPHRD_AX25, "ax25" },
		      { ARPHRD_PRONET, "pronet" }, { ARPHRD_CHAOS, "chaos" },
		      { ARPHRD_IEEE802, "ieee802" }, { ARPHRD_ARCNET, "arcnet" },
		      { ARPHRD_APPLETLK, "atalk" }, { ARPHRD_DLCI, "dlci" }, { ARPHRD_ATM, "atm" },
		      { ARPHRD_METRICOM, "metricom" }, { ARPHRD_IEEE1394, "ieee1394" },
		      { ARPHRD_INFINIBAND, "infiniband" }, { ARPHRD_SLIP, "slip" },
		      { ARPHRD_CSLIP, "cslip" }, { ARPHRD_SLIP6, "slip6" },
		      { ARPHRD_CSLIP6, "cslip6" }, { ARPHRD_RSRVD, "rsrvd" },
		      { ARPHRD_ADAPT, "adapt" }, { ARPHRD_ROSE, "rose" }, { ARPHRD_X25, "x25" },
		      { ARPHRD_HWX25, "hwx25" }, { ARPHRD_CAN, "can" }, { ARPHRD_MCTP, "mctp" },
		      { ARPHRD_PPP, "ppp" }, { ARPHRD_HDLC, "hdlc" }, { ARPHRD_LAPB, "lapb" },
		      { ARPHRD_DDCMP, "ddcmp" }, { ARPHRD_RAWHDLC, "rawhdlc" },
		      { ARPHRD_RAWIP, "rawip" }, { ARPHRD_TUNNEL, "ipip" },
		      { ARPHRD_TUNNEL6, "tunnel6" }, { ARPHRD_FRAD, "frad" },
		      { ARPHRD_SKIP, "skip" }, { ARPHRD_LOOPBACK, "loopback" },
		      { ARPHRD_LOCALTLK, "ltalk" }, { ARPHRD_FDDI, "fddi" }, { ARPHRD_BIF, "bif" },
		      { ARPHRD_SIT, "sit" }, { ARPHRD_IPDDP, "ip/ddp" }, { ARPHRD_IPGRE, "gre" },
		      { ARPHRD_PIMREG, "pimreg" }, { ARPHRD_HIPPI, "hippi" }, { ARPHRD_ASH, "ash" },
		      { ARPHRD_ECONET, "econet" }, { ARPHRD_IRDA, "irda" }, { ARPHRD_FCPP, "fcpp" },
		      { ARPHRD_FCAL, "fcal" }, { ARPHRD_FCPL, "fcpl" },
		      { ARPHRD_FCFABRIC, "fcfb0" }, { ARPHRD_IEEE802_TR, "tr" },
		      { ARPHRD_IEEE80211, "ieee802.11" },
		      { ARPHRD_IEEE80211_PRISM, "ieee802.11/prism" },
		      { ARPHRD_IEEE80211_RADIOTAP, "ieee802.11/radiotap" },
		      { ARPHRD_IEEE802154, "ieee802.15.4" },
		      { ARPHRD_IEEE802154_MONITOR, "ieee802.15.4/monitor" },
		      { ARPHRD_PHONET, "phonet" }, { ARPHRD_PHONET_PIPE, "phonet_pipe" },
		      { ARPHRD_CAIF, "caif" }, { ARPHRD_IP6GRE, "gre6" },
		      { ARPHRD_NETLINK, "netlink" }, { ARPHRD_6LOWPAN, "6lowpan" },
		      { ARPHRD_VSOCKMON, "vsockmon" }, { ARPHRD_NONE, "none" },
		      { ARPHRD_VOID, "void" });

static const struct netlink_words flags =
	NETLINK_BITS({ IFF_UP, "up" }, { IFF_BROADCAST, "broadcast" }, { IFF_DEBUG, "debug" },
		     { IFF_LOOPBACK, "loopback" }, { IFF_POINTOPOINT, "pointopoint" },
		     { IFF_NOTRAILERS, "notrailers" }, { IFF_RUNNING, "running" },
		     { IFF_NOARP, "noarp" }, { IFF_PROMISC, "promisc" },
		     { IFF_ALLMULTI, "allmulti" }, { IFF_MASTER, "master" }, { IFF_SLAVE, "slave" },
		     { IFF_MULTICAST, "multicast" }, { IFF_PORTSEL, "portsel" },
		     { IFF_AUTOMEDIA, "automedia" }, { IFF_DYNAMIC, "dynamic" },
		     { IFF_LOWER_UP, "lower-up" }, { IFF_DORMANT, "dormant" },
		     { IFF_ECHO, "echo" });

static const struct netlink_words states =
	NETLINK_WORDS({ IF_OPER_UNKNOWN, "unknown" }, { IF_OPER_NOTPRESENT, "notpresent" },
		      { IF_OPER_DOWN, "down" }, { IF_OPER_LOWERLAYERDOWN, "lowerlayerdown" },
		      { IF_OPER_TESTING, "testing" }, { IF_OPER_DORMANT, "dormant" },
		      { IF_OPER_UP, "up" });

static const struct netlink_words link_modes =
	NETLINK_WORDS({ IF_LINK_MODE_DEFAULT, "default" }, { IF_LINK_MODE_DORMANT, "dormant" },
		      { IF_LINK_MODE_TESTING, "testing" });

static const struct netlink_words generation_modes =
	NETLINK_WORDS({ IN6_ADDR_GEN_MODE_EUI64, "eui64" }, { IN6_ADDR_GEN_MODE_NONE, "none" },
		      { IN6_ADDR_GEN_MODE_STABLE_PRIVACY, "stable_secret" },
		      { IN6_ADDR_GEN_MODE_RANDOM, "random" });

static const struct netlink_words attachments =
	NETLINK_WORDS({ XDP_ATTACHED_NONE, "none" }, { XDP_ATTACHED_DRV, "drv" },
		      { XDP_ATTACHED_SKB, "skb" }, { XDP_ATTACHED_HW, "hw" },
		      { XDP_ATTACHED_MULTI, "multi" });

static const struct netlink_words xdp_flags =
	NETLINK_BITS({ XDP_FLAGS_UPDATE_IF_NOEXIST, "update-if-noexist" },
		     { XDP_FLAGS_SKB_MODE, "skb-mode" }, { XDP_FLAGS_DRV_MODE, "drv-mode" },
		     { XDP_FLAGS_HW_MODE, "hw-mode" }, { XDP_FLAGS_REPLACE, "replace" });

/* What each protocol has about the interface. */

#define SETTING4(NAME, WHICH)                                                         \
	{                                                                             \
		.name = NAME, .form = USHER_NETLINK_S32, .from = NETLINK_FROM_HEADER, \
		.at = 4 * (IPV4_DEVCONF_##WHICH - 1)                                  \
	}

static const struct netlink_field settings4_fields[] = {
	SETTING4("forwarding", FORWARDING),
	SETTING4("mc-forwarding", MC_FORWARDING),
	SETTING4("proxy-arp", PROXY_ARP),
	SETTING4("accept-redirects", ACCEPT_REDIRECTS),
	SETTING4("secure-redirects", SECURE_REDIRECTS),
	SETTING4("send-redirects", SEND_REDIRECTS),
	SETTING4("shared-media", SHARED_MEDIA),
	SETTING4("rp-filter", RP_FILTER),
	SETTING4("accept-source-route", ACCEPT_SOURCE_ROUTE),
	SETTING4("bootp-relay", BOOTP_RELAY),
	SETTING4("log-martians", LOG_MARTIANS),
	SETTING4("tag", TAG),
	SETTING4("arpfilter", ARPFILTER),
	SETTING4("medium-id", MEDIUM_ID),
	SETTING4("noxfrm", NOXFRM),
	SETTING4("nopolicy", NOPOLICY),
	SETTING4("force-igmp-version", FORCE_IGMP_VERSION),
	SETTING4("arp-announce", ARP_ANNOUNCE),
	SETTING4("arp-ignore", ARP_IGNORE),
	SETTING4("promote-secondaries", PROMOTE_SECONDARIES),
	SETTING4("arp-accept", ARP_ACCEPT),
	SETTING4("arp-notify", ARP_NOTIFY),
	SETTING4("accept-local", ACCEPT_LOCAL),
	SETTING4("src-vmark", SRC_VMARK),
	SETTING4("proxy-arp-pvlan", PROXY_ARP_PVLAN),
	SETTING4("route-localnet", ROUTE_LOCALNET),
	SETTING4("igmpv2-unsolicited-report-interval", IGMPV2_UNSOLICITED_REPORT_INTERVAL),
	SETTING4("igmpv3-unsolicited-report-interval", IGMPV3_UNSOLICITED_REPORT_INTERVAL),
	SETTING4("ignore-routes-with-linkdown", IGNORE_ROUTES_WITH_LINKDOWN),
	SETTING4("drop-unicast-in-l2-multicast", DROP_UNICAST_IN_L2_MULTICAST),
	SETTING4("drop-gratuitous-arp", DROP_GRATUITOUS_ARP),
	SETTING4("bc-forwarding", BC_FORWARDING),
	SETTING4("arp-evict-nocarrier", ARP_EVICT_NOCARRIER),
	{},
};
NESTED(settings4, "link.af-spec.inet.conf", .fixed = 4 * IPV4_DEVCONF_MAX, .structure = true);

static const struct netlink_field inet_fields[] = {
	ATTRIBUTE("conf", IFLA_INET_CONF, OBJECT, TOLD, .nested = &settings4),
	{},
};
NESTED(inet, "link.af-spec.inet");

#define SETTING6(NAME, WHICH)                                                         \
	{                                                                             \
		.name = NAME, .form = USHER_NETLINK_S32, .from = NETLINK_FROM_HEADER, \
		.at = 4 * DEVCONF_##WHICH                                             \
	}

static const struct netlink_field settings6_fields[] = {
	SETTING6("forwarding", FORWARDING),
	SETTING6("hop-limit", HOPLIMIT),
	SETTING6("mtu", MTU6),
	SETTING6("accept-ra", ACCEPT_RA),
	SETTING6("accept-redirects", ACCEPT_REDIRECTS),
	SETTING6("autoconf", AUTOCONF),
	SETTING6("dad-transmits", DAD_TRANSMITS),
	SETTING6("router-solicitations", RTR_SOLICITS),
	SETTING6("router-solicitation-interval", RTR_SOLICIT_INTERVAL),
	SETTING6("router-solicitation-delay", RTR_SOLICIT_DELAY),
	SETTING6("use-tempaddr", USE_TEMPADDR),
	SETTING6("temp-valid-lft", TEMP_VALID_LFT),
	SETTING6("temp-prefered-lft", TEMP_PREFERED_LFT),
	SETTING6("regen-max-retry", REGEN_MAX_RETRY),
	SETTING6("max-desync-factor", MAX_DESYNC_FACTOR),
	SETTING6("max-addresses", MAX_ADDRESSES),
	SETTING6("force-mld-version", FORCE_MLD_VERSION),
	SETTING6("accept-ra-defrtr", ACCEPT_RA_DEFRTR),
	SETTING6("accept-ra-pinfo", ACCEPT_RA_PINFO),
	SETTING6("accept-ra-rtr-pref", ACCEPT_RA_RTR_PREF),
	SETTING6("router-probe-interval", RTR_PROBE_INTERVAL),
	SETTING6("accept-ra-rt-info-max-plen", ACCEPT_RA_RT_INFO_MAX_PLEN),
	SETTING6("proxy-ndp", PROXY_NDP),
	SETTING6("optimistic-dad", OPTIMISTIC_DAD),
	SETTING6("accept-source-route", ACCEPT_SOURCE_ROUTE),
	SETTING6("mc-forwarding", MC_FORWARDING),
	SETTING6("disable-ipv6", DISABLE_IPV6),
	SETTING6("accept-dad", ACCEPT_DAD),
	SETTING6("force-tllao", FORCE_TLLAO),
	SETTING6("ndisc-notify", NDISC_NOTIFY),
	SETTING6("mldv1-unsolicited-report-interval", MLDV1_UNSOLICITED_REPORT_INTERVAL),
	SETTING6("mldv2-unsolicited-report-interval", MLDV2_UNSOLICITED_REPORT_INTERVAL),
	SETTING6("suppress-frag-ndisc", SUPPRESS_FRAG_NDISC),
	SETTING6("accept-ra-from-local", ACCEPT_RA_FROM_LOCAL),
	SETTING6("use-optimistic", USE_OPTIMISTIC),
	SETTING6("accept-ra-mtu", ACCEPT_RA_MTU),
	SETTING6("use-oif-addrs-only", USE_OIF_ADDRS_ONLY),
	SETTING6("accept-ra-min-hop-limit", ACCEPT_RA_MIN_HOP_LIMIT),
	SETTING6("ignore-routes-with-linkdown", IGNORE_ROUTES_WITH_LINKDOWN),
	SETTING6("drop-unicast-in-l2-multicast", DROP_UNICAST_IN_L2_MULTICAST),
	SETTING6("drop-unsolicited-na", DROP_UNSOLICITED_NA),
	SETTING6("keep-addr-on-down", KEEP_ADDR_ON_DOWN),
	SETTING6("router-solicitation-max-interval", RTR_SOLICIT_MAX_INTERVAL),
	SETTING6("seg6-enabled", SEG6_ENABLED),
	SETTING6("seg6-require-hmac", SEG6_REQUIRE_HMAC),
	SETTING6("enhanced-dad", ENHANCED_DAD),
	SETTING6("addr-gen-mode", ADDR_GEN_MODE),
	SETTING6("disable-policy", DISABLE_POLICY),
	SETTING6("accept-ra-rt-info-min-plen", ACCEPT_RA_RT_INFO_MIN_PLEN),
	SETTING6("ndisc-tclass", NDISC_TCLASS),
	SETTING6("rpl-seg-enabled", RPL_SEG_ENABLED),
	SETTING6("ra-defrtr-metric", RA_DEFRTR_METRIC),
	SETTING6("ioam6-enabled", IOAM6_ENABLED),
	SETTING6("ioam6-id", IOAM6_ID),
	SETTING6("ioam6-id-wide", IOAM6_ID_WIDE),
	SETTING6("ndisc-evict-nocarrier", NDISC_EVICT_NOCARRIER),
	SETTING6("accept-untracked-na", ACCEPT_UNTRACKED_NA),
	{},
};
NESTED(settings6, "link.af-spec.inet6.conf", .fixed = 4 * (DEVCONF_ACCEPT_UNTRACKED_NA + 1),
       .structure = true);

static const struct netlink_field inet6_fields[] = {
	/* of RFC 4861: IF_RA_ and the like, which no header has */
	ATTRIBUTE("flags", IFLA_INET6_FLAGS, U32, TOLD),
	ATTRIBUTE("conf", IFLA_INET6_CONF, OBJECT, TOLD, .nested = &settings6),
	PART("max-reasm-len", IFLA_INET6_CACHEINFO, struct ifla_cacheinfo, max_reasm_len, U32, TOLD,
	     SIZE),
	PART("reachable-time", IFLA_INET6_CACHEINFO, struct ifla_cacheinfo, reachable_time, U32,
	     TOLD, .unit = "milliseconds"),
	PART("retrans-time", IFLA_INET6_CACHEINFO, struct ifla_cacheinfo, retrans_time, U32, TOLD,
	     .unit = "milliseconds"),
	ATTRIBUTE("token", IFLA_INET6_TOKEN, ADDRESS),
	ATTRIBUTE("addr-gen-mode", IFLA_INET6_ADDR_GEN_MODE, U8, .words = &generation_modes),
	ATTRIBUTE("ra-mtu", IFLA_INET6_RA_MTU, U32, TOLD, SIZE),
	{},
};
NESTED(inet6, "link.af-spec.inet6");

static const struct netlink_field mctp_fields[] = {
	ATTRIBUTE("net", IFLA_MCTP_NET, U32),
	{},
};
NESTED(mctp, "link.af-spec.mctp");

static const struct netlink_field families_fields[] = {
	ATTRIBUTE("inet", AF_INET, OBJECT, .nested = &inet),
	ATTRIBUTE("inet6", AF_INET6, OBJECT, .nested = &inet6),
	ATTRIBUTE("mctp", AF_MCTP, OBJECT, .nested = &mctp),
	{},
};
NESTED(families, "link.af-spec");

/* What a card has of functions for virtual machines. */

static const struct netlink_words vf_states =
	NETLINK_WORDS({ IFLA_VF_LINK_STATE_AUTO, "auto" }, { IFLA_VF_LINK_STATE_ENABLE, "enable" },
		      { IFLA_VF_LINK_STATE_DISABLE, "disable" });

/* Hardware addresses lie in 32 bytes whatever their length is. */
static int vf_address_decode(struct decoding *decoding, const struct netlink_field *field,
			     const uint8_t *value, size_t size) {
	const uint8_t *message = decoding->message;
	const size_t length =
		((const struct ifinfomsg *)(const void *)message)->ifi_type == ARPHRD_INFINIBAND
			? 20
			: 6;

	return size < length ? 1 : decoding_set_bytes(decoding, field, value, length);
}

static const struct netlink_field vf_statistics_fields[] = {
	ATTRIBUTE("rx-packets", IFLA_VF_STATS_RX_PACKETS, U64),
	ATTRIBUTE("tx-packets", IFLA_VF_STATS_TX_PACKETS, U64),
	ATTRIBUTE("rx-bytes", IFLA_VF_STATS_RX_BYTES, U64, SIZE),
	ATTRIBUTE("tx-bytes", IFLA_VF_STATS_TX_BYTES, U64, SIZE),
	ATTRIBUTE("broadcast", IFLA_VF_STATS_BROADCAST, U64),
	ATTRIBUTE("multicast", IFLA_VF_STATS_MULTICAST, U64),
	ATTRIBUTE("rx-dropped", IFLA_VF_STATS_RX_DROPPED, U64),
	ATTRIBUTE("tx-dropped", IFLA_VF_STATS_TX_DROPPED, U64),
	{},
};
NESTED(vf_statistics, "link.vfinfo-list.stats");

#define MEGABITS .unit = "megabits per second"

static const struct netlink_field vf_fields[] = {
	PART("vf", IFLA_VF_MAC, struct ifla_vf_mac, vf, U32),
	PART("mac", IFLA_VF_MAC, struct ifla_vf_mac, mac, HARDWARE, .decode = vf_address_decode),
	ATTRIBUTE("broadcast", IFLA_VF_BROADCAST, HARDWARE, .decode = vf_address_decode),
	PART("vlan", IFLA_VF_VLAN, struct ifla_vf_vlan, vlan, U32),
	PART("qos", IFLA_VF_VLAN, struct ifla_vf_vlan, qos, U32),
	PART("tx-rate", IFLA_VF_TX_RATE, struct ifla_vf_tx_rate, rate, U32, MEGABITS),
	PART("min-tx-rate", IFLA_VF_RATE, struct ifla_vf_rate, min_tx_rate, U32, MEGABITS),
	PART("max-tx-rate", IFLA_VF_RATE, struct ifla_vf_rate, max_tx_rate, U32, MEGABITS),
	PART("spoofchk", IFLA_VF_SPOOFCHK, struct ifla_vf_spoofchk, setting, U32),
	PART("link-state", IFLA_VF_LINK_STATE, struct ifla_vf_link_state, link_state, U32,
	     .words = &vf_states),
	PART("rss-query-en", IFLA_VF_RSS_QUERY_EN, struct ifla_vf_rss_query_en, setting, U32),
	PART("trust", IFLA_VF_TRUST, struct ifla_vf_trust, setting, U32),
	ATTRIBUTE("stats", IFLA_VF_STATS, OBJECT, .nested = &vf_statistics),
	{},
};
NESTED(vf, "link.vfinfo-list", .element = IFLA_VF_INFO);

static const struct netlink_field map_fields[] = {
	MEMBER("mem-start", struct rtnl_link_ifmap, mem_start, U64),
	MEMBER("mem-end", struct rtnl_link_ifmap, mem_end, U64),
	MEMBER("base-addr", struct rtnl_link_ifmap, base_addr, U64),
	MEMBER("irq", struct rtnl_link_ifmap, irq, U16),
	MEMBER("dma", struct rtnl_link_ifmap, dma, U8),
	MEMBER("port", struct rtnl_link_ifmap, port, U8),
	{},
};
NESTED(map, "link.map", .fixed = sizeof(struct rtnl_link_ifmap), .structure = true);

static const struct netlink_field xdp_fields[] = {
	ATTRIBUTE("attached", IFLA_XDP_ATTACHED, U8, TOLD, .words = &attachments),
	ATTRIBUTE("flags", IFLA_XDP_FLAGS, U32, .words = &xdp_flags),
	ATTRIBUTE("prog-id", IFLA_XDP_PROG_ID, U32, TOLD),
	ATTRIBUTE("drv-prog-id", IFLA_XDP_DRV_PROG_ID, U32, TOLD),
	ATTRIBUTE("skb-prog-id", IFLA_XDP_SKB_PROG_ID, U32, TOLD),
	ATTRIBUTE("hw-prog-id", IFLA_XDP_HW_PROG_ID, U32, TOLD),
	ATTRIBUTE("fd", IFLA_XDP_FD, S32, .encode = encode_file),
	{},
};
NESTED(xdp, "link.xdp");

static const struct netlink_field names_fields[] = {
	ELEMENT(STRING, .at = IFLA_ALT_IFNAME),
	{},
};
NESTED(names, "link.alt-names");

int link_device_decode(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size) {
	const uint8_t *other;
	size_t n;

	if (netlink_attribute(decoding->message, decoding->size, sizeof(struct ifinfomsg),
			      IFLA_LINK_NETNSID, &other, &n))
		return 1;
	return decode_device(decoding, field, value, size);
}

/* What can be set at all; a number says all of it. */
#define SETTABLE                                                                        \
	(IFF_UP | IFF_DEBUG | IFF_NOTRAILERS | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | \
	 IFF_MULTICAST | IFF_PORTSEL | IFF_AUTOMEDIA | IFF_DYNAMIC)

static int link_flags_encode(struct encoding *encoding, const struct netlink_field *field,
			     const void *value) {
	struct ifinfomsg *header = encode_header(encoding);
	uint32_t set, mask;
	int r = flags_read(encoding, field, value, &set, &mask);

	if (r != 0 || encoding->overflown)
		return r;
	header->ifi_flags = set;
	header->ifi_change = mask == UINT32_MAX ? SETTABLE : mask;
	return 0;
}

static const struct netlink_field link_fields[] = {
	MEMBER("ifindex", struct ifinfomsg, ifi_index, S32, DEVICE),
	ATTRIBUTE("ifname", IFLA_IFNAME, STRING),
	ATTRIBUTE("alt-names", IFLA_PROP_LIST, LIST, .nested = &names,
		  .filtered = NETLINK_FILTERED_SPECIALLY),
	MEMBER("type", struct ifinfomsg, ifi_type, U16, TOLD, .words = &types),
	MEMBER("flags", struct ifinfomsg, ifi_flags, U32, .words = &flags,
	       .encode = link_flags_encode),
	ATTRIBUTE("mtu", IFLA_MTU, U32, SIZE),
	ATTRIBUTE("min-mtu", IFLA_MIN_MTU, U32, TOLD, SIZE),
	ATTRIBUTE("max-mtu", IFLA_MAX_MTU, U32, TOLD, SIZE),
	ATTRIBUTE("master", IFLA_MASTER, U32, DEVICE, .filtered = NETLINK_FILTERED_BY_KERNEL),
	ATTRIBUTE("master-dev", IFLA_MASTER, STRING, .decode = decode_device),
	ATTRIBUTE("link", IFLA_LINK, U32, DEVICE),
	ATTRIBUTE("link-dev", IFLA_LINK, STRING, TOLD, .decode = link_device_decode),
	ATTRIBUTE("link-netnsid", IFLA_LINK_NETNSID, S32),
	ATTRIBUTE("address", IFLA_ADDRESS, HARDWARE),
	ATTRIBUTE("broadcast", IFLA_BROADCAST, HARDWARE),
	ATTRIBUTE("perm-address", IFLA_PERM_ADDRESS, HARDWARE, TOLD),
	ATTRIBUTE("operstate", IFLA_OPERSTATE, U8, .words = &states),
	ATTRIBUTE("linkmode", IFLA_LINKMODE, U8, .words = &link_modes),
	ATTRIBUTE("carrier", IFLA_CARRIER, BOOL),
	ATTRIBUTE("carrier-changes", IFLA_CARRIER_CHANGES, U32, TOLD),
	ATTRIBUTE("carrier-up-count", IFLA_CARRIER_UP_COUNT, U32, TOLD),
	ATTRIBUTE("carrier-down-count", IFLA_CARRIER_DOWN_COUNT, U32, TOLD),
	ATTRIBUTE("qdisc", IFLA_QDISC, STRING, TOLD),
	ATTRIBUTE("txqlen", IFLA_TXQLEN, U32),
	ATTRIBUTE("group", IFLA_GROUP, U32),
	ATTRIBUTE("promiscuity", IFLA_PROMISCUITY, U32, TOLD),
	ATTRIBUTE("allmulti", IFLA_ALLMULTI, U32, TOLD),
	ATTRIBUTE("num-tx-queues", IFLA_NUM_TX_QUEUES, U32),
	ATTRIBUTE("num-rx-queues", IFLA_NUM_RX_QUEUES, U32),
	ATTRIBUTE("gso-max-size", IFLA_GSO_MAX_SIZE, U32, SIZE),
	ATTRIBUTE("gso-max-segs", IFLA_GSO_MAX_SEGS, U32),
	ATTRIBUTE("gro-max-size", IFLA_GRO_MAX_SIZE, U32, SIZE),
	ATTRIBUTE("gso-ipv4-max-size", LINK_GSO_IPV4_MAX_SIZE, U32, SIZE),
	ATTRIBUTE("gro-ipv4-max-size", LINK_GRO_IPV4_MAX_SIZE, U32, SIZE),
	ATTRIBUTE("tso-max-size", IFLA_TSO_MAX_SIZE, U32, TOLD, SIZE),
	ATTRIBUTE("tso-max-segs", IFLA_TSO_MAX_SEGS, U32, TOLD),
	ATTRIBUTE("max-pacing-offload-horizon", LINK_MAX_PACING_OFFLOAD_HORIZON, U64, TOLD),
	ATTRIBUTE("headroom", LINK_HEADROOM, U16, TOLD, SIZE),
	ATTRIBUTE("tailroom", LINK_TAILROOM, U16, TOLD, SIZE),
	ATTRIBUTE("ifalias", IFLA_IFALIAS, STRING),
	ATTRIBUTE("linkinfo", IFLA_LINKINFO, OBJECT, .nested = &netlink_linkinfo),
	ATTRIBUTE("af-spec", IFLA_AF_SPEC, OBJECT, .nested = &families),
	ATTRIBUTE("map", IFLA_MAP, OBJECT, TOLD, .nested = &map),
	ATTRIBUTE("xdp", IFLA_XDP, OBJECT, .nested = &xdp),
	ATTRIBUTE("proto-down", IFLA_PROTO_DOWN, BOOL),
	ATTRIBUTE("phys-port-id", IFLA_PHYS_PORT_ID, BYTES, TOLD),
	ATTRIBUTE("phys-port-name", IFLA_PHYS_PORT_NAME, STRING, TOLD),
	ATTRIBUTE("phys-switch-id", IFLA_PHYS_SWITCH_ID, BYTES, TOLD),
	ATTRIBUTE("parent-dev-name", IFLA_PARENT_DEV_NAME, STRING, TOLD),
	ATTRIBUTE("parent-dev-bus-name", IFLA_PARENT_DEV_BUS_NAME, STRING, TOLD),
	ATTRIBUTE("num-vf", IFLA_NUM_VF, U32, TOLD, .ask = RTEXT_FILTER_VF),
	ATTRIBUTE("vfinfo-list", IFLA_VFINFO_LIST, OBJECTS, TOLD, .nested = &vf,
		  .ask = RTEXT_FILTER_VF),
	ATTRIBUTE("netns-immutable", LINK_NETNS_IMMUTABLE, BOOL, TOLD),
	ATTRIBUTE("new-netnsid", IFLA_NEW_NETNSID, S32, TOLD),
	ATTRIBUTE("new-ifindex", IFLA_NEW_IFINDEX, S32, TOLD),
	ATTRIBUTE("stats64", IFLA_STATS64, OBJECT, TOLD, .nested = &netlink_link_statistics,
		  .ask = ASK_STATISTICS),
	/* where Change puts the link; the kernel does not tell */
	ATTRIBUTE("net-ns-fd", IFLA_NET_NS_FD, U32, .encode = encode_file),
	{},
};

/*
 * The kernel makes room for the longest link only if it is asked for something extended; else one
 * with many names ends the dump. So there is always a bit: without statistics the one that leaves
 * them out, with them one that means nothing where a bridge's ports are not asked for.
 */
static int link_request(struct encoding *encoding, const struct netlink_type *type,
			const struct selection *selection, struct netlink_pass *pass) {
	const uint32_t ask = selection_ask(selection, type);
	const struct selection_value *kind = selection_value(selection, type, "linkinfo.kind");
	const struct selection_value *name = selection_value(selection, type, "alt-names");
	const uint32_t statistics =
		ask & ASK_STATISTICS ? RTEXT_FILTER_MST : RTEXT_FILTER_SKIP_STATS;

	if (pass->number > 0)
		return 1;
	encode_put_u32(encoding, IFLA_EXT_MASK, (ask & RTEXT_FILTER_VF) | statistics);
	if (pass->one && name && strcmp(selection_lookup(selection, type), "alt-names") == 0) {
		encode_put_string(encoding, IFLA_ALT_IFNAME, (const char *)name->bytes);
		selection_set_by_kernel(selection, type, "alt-names");
	}
	if (kind && !pass->one) {
		const size_t nest = encode_nest(encoding, IFLA_LINKINFO);

		encode_put(encoding, IFLA_INFO_KIND, kind->bytes, kind->size);
		encode_nest_end(encoding, nest);
		selection_set_by_kernel(selection, type, "linkinfo.kind");
	}
	return 0;
}

/* That a port leaves its bridge is told as the removal of a link, too: of the bridge's family. */
static bool is_link(const uint8_t *header, size_t size) {
	return header[0] == AF_UNSPEC;
}

const struct netlink_type netlink_link = {
	.name = "link",
	.summary = "interfaces",
	.schema = { .name = "link", .fields = link_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETLINK,
	.new = RTM_NEWLINK,
	.del = RTM_DELLINK,
	.header = sizeof(struct ifinfomsg),
	.groups = (const uint32_t[]){ RTNLGRP_LINK, 0 },
	.keys = (const char *const[]){ "ifindex", NULL },
	.own_table = true,
	.lookups = (const char *const[]){ "ifindex", "ifname", "alt-names", NULL },
	.flags_interruption = true,
	.changes = true,
	.request = link_request,
	.is_one = is_link,
};
