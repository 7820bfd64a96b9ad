/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bridges and their ports. Times are in hundredths of a second, as the kernel gives them. */
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <stdio.h>

#include "decode.h"
#include "ethertype.h"
#include "flags.h"
#include "link-kinds.h"
#include "table.h"

/* Since Linux 6.2. */
#define BRPORT_MAB                 40
#define BRPORT_MCAST_N_GROUPS      41
#define BRPORT_MCAST_MAX_GROUPS    42
#define BRPORT_NEIGH_VLAN_SUPPRESS 43
#define BRPORT_BACKUP_NHID         44
#define BR_FDB_N_LEARNED           48
#define BR_FDB_MAX_LEARNED         49

static const struct netlink_words port_states =
	NETLINK_WORDS({ BR_STATE_DISABLED, "disabled" }, { BR_STATE_LISTENING, "listening" },
		      { BR_STATE_LEARNING, "learning" }, { BR_STATE_FORWARDING, "forwarding" },
		      { BR_STATE_BLOCKING, "blocking" });

static const struct netlink_words options =
	NETLINK_BITS({ 1 << 0, "no-ll-learn" }, { 1 << 1, "mcast-vlan-snooping" },
		     { 1 << 2, "mst-enable" }, { 1 << 3, "mdb-offload-fail-notification" },
		     { 1 << 4, "fdb-local-vlan-0" });

/* "8000.02:00:5e:10:00:01": the priority and the address. */
static int identity_decode(struct decoding *decoding, const struct netlink_field *field,
			   const uint8_t *value, size_t size) {
	char text[sizeof("8000.02:00:5e:10:00:01")];

	if (size < sizeof(struct ifla_bridge_id))
		return 1;
	(void)snprintf(text, sizeof(text), "%02x%02x.%02x:%02x:%02x:%02x:%02x:%02x", value[0],
		       value[1], value[2], value[3], value[4], value[5], value[6], value[7]);
	return decoding_set_string(decoding, field, text);
}

static const struct netlink_field querier_fields[] = {
	ATTRIBUTE("ip-address", BRIDGE_QUERIER_IP_ADDRESS, ADDRESS),
	ATTRIBUTE("ip-port", BRIDGE_QUERIER_IP_PORT, U32, .unit = "interface"),
	ATTRIBUTE("ip-other-timer", BRIDGE_QUERIER_IP_OTHER_TIMER, U64, .unit = "centiseconds"),
	ATTRIBUTE("ipv6-address", BRIDGE_QUERIER_IPV6_ADDRESS, ADDRESS),
	ATTRIBUTE("ipv6-port", BRIDGE_QUERIER_IPV6_PORT, U32, .unit = "interface"),
	ATTRIBUTE("ipv6-other-timer", BRIDGE_QUERIER_IPV6_OTHER_TIMER, U64, .unit = "centiseconds"),
	{},
};
NESTED(querier, "link.linkinfo.bridge.mcast-querier-state");

#define TIME              .unit = "centiseconds"
#define TOLD              .read_only = true
#define IS(BITS_OR_WORDS) .words = &(BITS_OR_WORDS)

/* The others are refused, even to be taken off, where bridges have no VLANs: a row that was told
 * leaves them alone. */
static int options_encode(struct encoding *encoding, const struct netlink_field *field,
			  const void *value) {
	uint32_t set, mask;
	int r = flags_read(encoding, field, value, &set, &mask);

	if (r == 0)
		flags_put(encoding, field, set,
			  encoding->told ? set | 1 << BR_BOOLOPT_NO_LL_LEARN : mask);
	return r;
}

static const struct netlink_field bridge_fields[] = {
	ATTRIBUTE("forward-delay", IFLA_BR_FORWARD_DELAY, U32, TIME),
	ATTRIBUTE("hello-time", IFLA_BR_HELLO_TIME, U32, TIME),
	ATTRIBUTE("max-age", IFLA_BR_MAX_AGE, U32, TIME),
	ATTRIBUTE("ageing-time", IFLA_BR_AGEING_TIME, U32, TIME),
	ATTRIBUTE("stp-state", IFLA_BR_STP_STATE, U32),
	ATTRIBUTE("priority", IFLA_BR_PRIORITY, U16),
	ATTRIBUTE("vlan-filtering", IFLA_BR_VLAN_FILTERING, BOOL),
	ATTRIBUTE("vlan-protocol", IFLA_BR_VLAN_PROTOCOL, U16, .network_order = true,
		  .words = &netlink_ethertypes),
	ATTRIBUTE("group-fwd-mask", IFLA_BR_GROUP_FWD_MASK, U16),
	ATTRIBUTE("root-id", IFLA_BR_ROOT_ID, STRING, TOLD, .decode = identity_decode),
	ATTRIBUTE("bridge-id", IFLA_BR_BRIDGE_ID, STRING, TOLD, .decode = identity_decode),
	ATTRIBUTE("root-port", IFLA_BR_ROOT_PORT, U16, TOLD),
	ATTRIBUTE("root-path-cost", IFLA_BR_ROOT_PATH_COST, U32, TOLD),
	ATTRIBUTE("topology-change", IFLA_BR_TOPOLOGY_CHANGE, BOOL, TOLD),
	ATTRIBUTE("topology-change-detected", IFLA_BR_TOPOLOGY_CHANGE_DETECTED, BOOL, TOLD),
	ATTRIBUTE("hello-timer", IFLA_BR_HELLO_TIMER, U64, TIME, TOLD),
	ATTRIBUTE("tcn-timer", IFLA_BR_TCN_TIMER, U64, TIME, TOLD),
	ATTRIBUTE("topology-change-timer", IFLA_BR_TOPOLOGY_CHANGE_TIMER, U64, TIME, TOLD),
	ATTRIBUTE("gc-timer", IFLA_BR_GC_TIMER, U64, TIME, TOLD),
	ATTRIBUTE("group-addr", IFLA_BR_GROUP_ADDR, HARDWARE),
	FLAG("fdb-flush", IFLA_BR_FDB_FLUSH),
	ATTRIBUTE("mcast-router", IFLA_BR_MCAST_ROUTER, U8),
	ATTRIBUTE("mcast-snooping", IFLA_BR_MCAST_SNOOPING, BOOL),
	ATTRIBUTE("mcast-query-use-ifaddr", IFLA_BR_MCAST_QUERY_USE_IFADDR, BOOL),
	ATTRIBUTE("mcast-querier", IFLA_BR_MCAST_QUERIER, BOOL),
	ATTRIBUTE("mcast-hash-elasticity", IFLA_BR_MCAST_HASH_ELASTICITY, U32),
	ATTRIBUTE("mcast-hash-max", IFLA_BR_MCAST_HASH_MAX, U32),
	ATTRIBUTE("mcast-last-member-cnt", IFLA_BR_MCAST_LAST_MEMBER_CNT, U32),
	ATTRIBUTE("mcast-startup-query-cnt", IFLA_BR_MCAST_STARTUP_QUERY_CNT, U32),
	ATTRIBUTE("mcast-last-member-intvl", IFLA_BR_MCAST_LAST_MEMBER_INTVL, U64, TIME),
	ATTRIBUTE("mcast-membership-intvl", IFLA_BR_MCAST_MEMBERSHIP_INTVL, U64, TIME),
	ATTRIBUTE("mcast-querier-intvl", IFLA_BR_MCAST_QUERIER_INTVL, U64, TIME),
	ATTRIBUTE("mcast-query-intvl", IFLA_BR_MCAST_QUERY_INTVL, U64, TIME),
	ATTRIBUTE("mcast-query-response-intvl", IFLA_BR_MCAST_QUERY_RESPONSE_INTVL, U64, TIME),
	ATTRIBUTE("mcast-startup-query-intvl", IFLA_BR_MCAST_STARTUP_QUERY_INTVL, U64, TIME),
	ATTRIBUTE("nf-call-iptables", IFLA_BR_NF_CALL_IPTABLES, BOOL),
	ATTRIBUTE("nf-call-ip6tables", IFLA_BR_NF_CALL_IP6TABLES, BOOL),
	ATTRIBUTE("nf-call-arptables", IFLA_BR_NF_CALL_ARPTABLES, BOOL),
	ATTRIBUTE("vlan-default-pvid", IFLA_BR_VLAN_DEFAULT_PVID, U16),
	ATTRIBUTE("vlan-stats-enabled", IFLA_BR_VLAN_STATS_ENABLED, BOOL),
	ATTRIBUTE("mcast-stats-enabled", IFLA_BR_MCAST_STATS_ENABLED, BOOL),
	ATTRIBUTE("mcast-igmp-version", IFLA_BR_MCAST_IGMP_VERSION, U8),
	ATTRIBUTE("mcast-mld-version", IFLA_BR_MCAST_MLD_VERSION, U8),
	ATTRIBUTE("vlan-stats-per-port", IFLA_BR_VLAN_STATS_PER_PORT, BOOL),
	PART("multi-boolopt", IFLA_BR_MULTI_BOOLOPT, struct br_boolopt_multi, optval, U32,
	     IS(options), .encode = options_encode),
	ATTRIBUTE("mcast-querier-state", IFLA_BR_MCAST_QUERIER_STATE, OBJECT, TOLD,
		  .nested = &querier),
	ATTRIBUTE("fdb-n-learned", BR_FDB_N_LEARNED, U32, TOLD),
	ATTRIBUTE("fdb-max-learned", BR_FDB_MAX_LEARNED, U32),
	{},
};

const struct netlink_schema netlink_link_bridge = {
	.name = "link.linkinfo.bridge",
	.fields = bridge_fields,
};

static const struct netlink_field port_fields[] = {
	ATTRIBUTE("state", IFLA_BRPORT_STATE, U8, IS(port_states)),
	ATTRIBUTE("priority", IFLA_BRPORT_PRIORITY, U16),
	ATTRIBUTE("cost", IFLA_BRPORT_COST, U32),
	ATTRIBUTE("mode", IFLA_BRPORT_MODE, BOOL),
	ATTRIBUTE("guard", IFLA_BRPORT_GUARD, BOOL),
	ATTRIBUTE("protect", IFLA_BRPORT_PROTECT, BOOL),
	ATTRIBUTE("fast-leave", IFLA_BRPORT_FAST_LEAVE, BOOL),
	ATTRIBUTE("learning", IFLA_BRPORT_LEARNING, BOOL),
	ATTRIBUTE("unicast-flood", IFLA_BRPORT_UNICAST_FLOOD, BOOL),
	ATTRIBUTE("proxyarp", IFLA_BRPORT_PROXYARP, BOOL),
	ATTRIBUTE("learning-sync", IFLA_BRPORT_LEARNING_SYNC, BOOL),
	ATTRIBUTE("proxyarp-wifi", IFLA_BRPORT_PROXYARP_WIFI, BOOL),
	ATTRIBUTE("root-id", IFLA_BRPORT_ROOT_ID, STRING, TOLD, .decode = identity_decode),
	ATTRIBUTE("bridge-id", IFLA_BRPORT_BRIDGE_ID, STRING, TOLD, .decode = identity_decode),
	ATTRIBUTE("designated-port", IFLA_BRPORT_DESIGNATED_PORT, U16, TOLD),
	ATTRIBUTE("designated-cost", IFLA_BRPORT_DESIGNATED_COST, U16, TOLD),
	ATTRIBUTE("id", IFLA_BRPORT_ID, U16, TOLD),
	ATTRIBUTE("no", IFLA_BRPORT_NO, U16, TOLD),
	ATTRIBUTE("topology-change-ack", IFLA_BRPORT_TOPOLOGY_CHANGE_ACK, BOOL, TOLD),
	ATTRIBUTE("config-pending", IFLA_BRPORT_CONFIG_PENDING, BOOL, TOLD),
	ATTRIBUTE("message-age-timer", IFLA_BRPORT_MESSAGE_AGE_TIMER, U64, TIME, TOLD),
	ATTRIBUTE("forward-delay-timer", IFLA_BRPORT_FORWARD_DELAY_TIMER, U64, TIME, TOLD),
	ATTRIBUTE("hold-timer", IFLA_BRPORT_HOLD_TIMER, U64, TIME, TOLD),
	FLAG("flush", IFLA_BRPORT_FLUSH),
	ATTRIBUTE("multicast-router", IFLA_BRPORT_MULTICAST_ROUTER, U8),
	ATTRIBUTE("mcast-flood", IFLA_BRPORT_MCAST_FLOOD, BOOL),
	ATTRIBUTE("mcast-to-ucast", IFLA_BRPORT_MCAST_TO_UCAST, BOOL),
	ATTRIBUTE("vlan-tunnel", IFLA_BRPORT_VLAN_TUNNEL, BOOL),
	ATTRIBUTE("bcast-flood", IFLA_BRPORT_BCAST_FLOOD, BOOL),
	ATTRIBUTE("group-fwd-mask", IFLA_BRPORT_GROUP_FWD_MASK, U16),
	ATTRIBUTE("neigh-suppress", IFLA_BRPORT_NEIGH_SUPPRESS, BOOL),
	ATTRIBUTE("isolated", IFLA_BRPORT_ISOLATED, BOOL),
	ATTRIBUTE("backup-port", IFLA_BRPORT_BACKUP_PORT, U32, .unit = "interface"),
	ATTRIBUTE("mrp-ring-open", IFLA_BRPORT_MRP_RING_OPEN, BOOL, TOLD),
	ATTRIBUTE("mrp-in-open", IFLA_BRPORT_MRP_IN_OPEN, BOOL, TOLD),
	ATTRIBUTE("mcast-eht-hosts-limit", IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT, U32),
	ATTRIBUTE("mcast-eht-hosts-cnt", IFLA_BRPORT_MCAST_EHT_HOSTS_CNT, U32, TOLD),
	ATTRIBUTE("locked", IFLA_BRPORT_LOCKED, BOOL),
	ATTRIBUTE("mab", BRPORT_MAB, BOOL),
	ATTRIBUTE("mcast-n-groups", BRPORT_MCAST_N_GROUPS, U32, TOLD),
	ATTRIBUTE("mcast-max-groups", BRPORT_MCAST_MAX_GROUPS, U32),
	ATTRIBUTE("neigh-vlan-suppress", BRPORT_NEIGH_VLAN_SUPPRESS, BOOL),
	ATTRIBUTE("backup-nhid", BRPORT_BACKUP_NHID, U32),
	{},
};

const struct netlink_schema netlink_link_bridge_port = {
	.name = "link.linkinfo.bridge-port",
	.fields = port_fields,
};
