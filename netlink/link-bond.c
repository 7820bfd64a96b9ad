/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bonds and what they are made of. */
#include <linux/if_bonding.h>
#include <linux/if_link.h>

#include "link-kinds.h"
#include "table.h"

/* Since Linux 6.2. */
#define BOND_COUPLED_CONTROL       32
#define BOND_BROADCAST_NEIGH       33
#define BOND_SLAVE_ACTOR_PORT_PRIO 10
#define BOND_SLAVE_CHURN_ACTOR     11
#define BOND_SLAVE_CHURN_PARTNER   12

static const struct netlink_words modes =
	NETLINK_WORDS({ BOND_MODE_ROUNDROBIN, "balance-rr" },
		      { BOND_MODE_ACTIVEBACKUP, "active-backup" }, { BOND_MODE_XOR, "balance-xor" },
		      { BOND_MODE_BROADCAST, "broadcast" }, { BOND_MODE_8023AD, "802.3ad" },
		      { BOND_MODE_TLB, "balance-tlb" }, { BOND_MODE_ALB, "balance-alb" });
static const struct netlink_words validations =
	NETLINK_WORDS({ 0, "none" }, { 1, "active" }, { 2, "backup" }, { 3, "all" },
		      { 4, "filter" }, { 5, "filter_active" }, { 6, "filter_backup" });
static const struct netlink_words all_targets = NETLINK_WORDS({ 0, "any" }, { 1, "all" });
static const struct netlink_words reselections =
	NETLINK_WORDS({ 0, "always" }, { 1, "better" }, { 2, "failure" });
static const struct netlink_words fail_over =
	NETLINK_WORDS({ 0, "none" }, { 1, "active" }, { 2, "follow" });
static const struct netlink_words hashes =
	NETLINK_WORDS({ BOND_XMIT_POLICY_LAYER2, "layer2" },
		      { BOND_XMIT_POLICY_LAYER34, "layer3+4" },
		      { BOND_XMIT_POLICY_LAYER23, "layer2+3" },
		      { BOND_XMIT_POLICY_ENCAP23, "encap2+3" },
		      { BOND_XMIT_POLICY_ENCAP34, "encap3+4" },
		      { BOND_XMIT_POLICY_VLAN_SRCMAC, "vlan+srcmac" });
static const struct netlink_words lacp_rates = NETLINK_WORDS({ 0, "slow" }, { 1, "fast" });
static const struct netlink_words selections =
	NETLINK_WORDS({ 0, "stable" }, { 1, "bandwidth" }, { 2, "count" },
		      { 3, "actor_port_prio" });
static const struct netlink_words slave_states = NETLINK_WORDS({ 0, "active" }, { 1, "backup" });
static const struct netlink_words mii =
	NETLINK_WORDS({ BOND_LINK_UP, "up" }, { BOND_LINK_FAIL, "going-down" },
		      { BOND_LINK_DOWN, "down" }, { BOND_LINK_BACK, "going-back" });
/* Of 802.3ad, from the lowest bit. */
static const struct netlink_words port_states =
	NETLINK_BITS({ 1, "active" }, { 2, "short-timeout" }, { 4, "aggregating" },
		     { 8, "in-sync" }, { 16, "collecting" }, { 32, "distributing" },
		     { 64, "defaulted" }, { 128, "expired" });

static const struct netlink_field target_fields[] = { ELEMENT(ADDRESS), {} };
NESTED(target, "link.linkinfo.bond.target");

static const struct netlink_field aggregation_fields[] = {
	ATTRIBUTE("aggregator", IFLA_BOND_AD_INFO_AGGREGATOR, U16),
	ATTRIBUTE("num-ports", IFLA_BOND_AD_INFO_NUM_PORTS, U16),
	ATTRIBUTE("actor-key", IFLA_BOND_AD_INFO_ACTOR_KEY, U16),
	ATTRIBUTE("partner-key", IFLA_BOND_AD_INFO_PARTNER_KEY, U16),
	ATTRIBUTE("partner-mac", IFLA_BOND_AD_INFO_PARTNER_MAC, HARDWARE),
	{},
};
NESTED(aggregation, "link.linkinfo.bond.ad-info");

#define TIME .unit = "milliseconds"

static const struct netlink_field bond_fields[] = {
	ATTRIBUTE("mode", IFLA_BOND_MODE, U8, .words = &modes),
	ATTRIBUTE("active-slave", IFLA_BOND_ACTIVE_SLAVE, U32, .unit = "interface"),
	ATTRIBUTE("miimon", IFLA_BOND_MIIMON, U32, TIME),
	ATTRIBUTE("updelay", IFLA_BOND_UPDELAY, U32, TIME),
	ATTRIBUTE("downdelay", IFLA_BOND_DOWNDELAY, U32, TIME),
	ATTRIBUTE("use-carrier", IFLA_BOND_USE_CARRIER, BOOL),
	ATTRIBUTE("arp-interval", IFLA_BOND_ARP_INTERVAL, U32, TIME),
	ATTRIBUTE("arp-ip-target", IFLA_BOND_ARP_IP_TARGET, LIST, .nested = &target),
	ATTRIBUTE("arp-validate", IFLA_BOND_ARP_VALIDATE, U32, .words = &validations),
	ATTRIBUTE("arp-all-targets", IFLA_BOND_ARP_ALL_TARGETS, U32, .words = &all_targets),
	ATTRIBUTE("primary", IFLA_BOND_PRIMARY, U32, .unit = "interface"),
	ATTRIBUTE("primary-reselect", IFLA_BOND_PRIMARY_RESELECT, U8, .words = &reselections),
	ATTRIBUTE("fail-over-mac", IFLA_BOND_FAIL_OVER_MAC, U8, .words = &fail_over),
	ATTRIBUTE("xmit-hash-policy", IFLA_BOND_XMIT_HASH_POLICY, U8, .words = &hashes),
	ATTRIBUTE("resend-igmp", IFLA_BOND_RESEND_IGMP, U32),
	ATTRIBUTE("num-peer-notif", IFLA_BOND_NUM_PEER_NOTIF, U8),
	ATTRIBUTE("all-slaves-active", IFLA_BOND_ALL_SLAVES_ACTIVE, BOOL),
	ATTRIBUTE("min-links", IFLA_BOND_MIN_LINKS, U32),
	ATTRIBUTE("lp-interval", IFLA_BOND_LP_INTERVAL, U32, .unit = "seconds"),
	ATTRIBUTE("packets-per-slave", IFLA_BOND_PACKETS_PER_SLAVE, U32),
	ATTRIBUTE("ad-lacp-rate", IFLA_BOND_AD_LACP_RATE, U8, .words = &lacp_rates),
	ATTRIBUTE("ad-select", IFLA_BOND_AD_SELECT, U8, .words = &selections),
	ATTRIBUTE("ad-info", IFLA_BOND_AD_INFO, OBJECT, .nested = &aggregation, .read_only = true),
	ATTRIBUTE("ad-actor-sys-prio", IFLA_BOND_AD_ACTOR_SYS_PRIO, U16),
	ATTRIBUTE("ad-user-port-key", IFLA_BOND_AD_USER_PORT_KEY, U16),
	ATTRIBUTE("ad-actor-system", IFLA_BOND_AD_ACTOR_SYSTEM, HARDWARE),
	ATTRIBUTE("tlb-dynamic-lb", IFLA_BOND_TLB_DYNAMIC_LB, BOOL),
	ATTRIBUTE("peer-notif-delay", IFLA_BOND_PEER_NOTIF_DELAY, U32, TIME),
	ATTRIBUTE("ad-lacp-active", IFLA_BOND_AD_LACP_ACTIVE, BOOL),
	ATTRIBUTE("missed-max", IFLA_BOND_MISSED_MAX, U8),
	ATTRIBUTE("ns-ip6-target", IFLA_BOND_NS_IP6_TARGET, LIST, .nested = &target),
	ATTRIBUTE("coupled-control", BOND_COUPLED_CONTROL, BOOL),
	ATTRIBUTE("broadcast-neigh", BOND_BROADCAST_NEIGH, BOOL),
	{},
};

const struct netlink_schema netlink_link_bond = {
	.name = "link.linkinfo.bond",
	.fields = bond_fields,
};

#define TOLD .read_only = true

static const struct netlink_field slave_fields[] = {
	ATTRIBUTE("state", IFLA_BOND_SLAVE_STATE, U8, TOLD, .words = &slave_states),
	ATTRIBUTE("mii-status", IFLA_BOND_SLAVE_MII_STATUS, U8, TOLD, .words = &mii),
	ATTRIBUTE("link-failure-count", IFLA_BOND_SLAVE_LINK_FAILURE_COUNT, U32, TOLD),
	ATTRIBUTE("perm-hwaddr", IFLA_BOND_SLAVE_PERM_HWADDR, HARDWARE, TOLD),
	ATTRIBUTE("queue-id", IFLA_BOND_SLAVE_QUEUE_ID, U16),
	ATTRIBUTE("ad-aggregator-id", IFLA_BOND_SLAVE_AD_AGGREGATOR_ID, U16, TOLD),
	ATTRIBUTE("ad-actor-oper-port-state", IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE, U8, TOLD,
		  .words = &port_states),
	ATTRIBUTE("ad-partner-oper-port-state", IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE, U16,
		  TOLD, .words = &port_states),
	ATTRIBUTE("prio", IFLA_BOND_SLAVE_PRIO, S32),
	ATTRIBUTE("actor-port-prio", BOND_SLAVE_ACTOR_PORT_PRIO, U16),
	ATTRIBUTE("churn-actor-state", BOND_SLAVE_CHURN_ACTOR, U8, TOLD),
	ATTRIBUTE("churn-partner-state", BOND_SLAVE_CHURN_PARTNER, U8, TOLD),
	{},
};

const struct netlink_schema netlink_link_bond_slave = {
	.name = "link.linkinfo.bond-slave",
	.fields = slave_fields,
};
