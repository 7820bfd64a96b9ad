/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What filters do with the packets that they find. */
#include <errno.h>
#include <linux/tc_act/tc_bpf.h>
#include <linux/tc_act/tc_connmark.h>
#include <linux/tc_act/tc_csum.h>
#include <linux/tc_act/tc_ct.h>
#include <linux/tc_act/tc_ctinfo.h>
#include <linux/tc_act/tc_defact.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_mpls.h>
#include <linux/tc_act/tc_nat.h>
#include <linux/tc_act/tc_pedit.h>
#include <linux/tc_act/tc_sample.h>
#include <linux/tc_act/tc_skbedit.h>
#include <linux/tc_act/tc_skbmod.h>
#include <linux/tc_act/tc_tunnel_key.h>
#include <linux/tc_act/tc_vlan.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"
#include "encode.h"
#include "ethertype.h"
#include "filter-kinds.h"
#include "rate.h"
#include "traffic.h"
#include "unknown.h"

#define TOLD   .read_only = true
#define OCTETS .unit = "bytes"
#define RATE   .unit = "bytes per second"
#define ORDER  .network_order = true
#define TICKS  .unit = "hundredths of a second"

/* What becomes of the packet after an action. Jumps and chains have a number in them, and no name.
 */
static const struct netlink_words verdicts =
	NETLINK_WORDS({ (uint64_t)TC_ACT_UNSPEC, "continue" }, { TC_ACT_OK, "pass" },
		      { TC_ACT_RECLASSIFY, "reclassify" }, { TC_ACT_SHOT, "drop" },
		      { TC_ACT_PIPE, "pipe" }, { TC_ACT_STOLEN, "stolen" },
		      { TC_ACT_QUEUED, "queued" }, { TC_ACT_REPEAT, "repeat" },
		      { TC_ACT_REDIRECT, "redirect" }, { TC_ACT_TRAP, "trap" });

/* When it was made, last and first used, and when it ends: so long ago. */
#define TIMES(NUMBER)                                                             \
	PART("install", NUMBER, struct tcf_t, install, U64, TOLD, TICKS),         \
		PART("lastuse", NUMBER, struct tcf_t, lastuse, U64, TOLD, TICKS), \
		PART("expires", NUMBER, struct tcf_t, expires, U64, TOLD, TICKS), \
		PART("firstuse", NUMBER, struct tcf_t, firstuse, U64, TOLD, TICKS)

/* What the structures of all actions begin with. */
#define COMMON(NUMBER, STRUCTURE)                                                   \
	PART("index", NUMBER, STRUCTURE, index, U32),                               \
		PART("action", NUMBER, STRUCTURE, action, S32, .words = &verdicts), \
		PART("refcnt", NUMBER, STRUCTURE, refcnt, S32, TOLD),               \
		PART("bindcnt", NUMBER, STRUCTURE, bindcnt, S32, TOLD)

static const struct netlink_words redirections =
	NETLINK_WORDS({ TCA_EGRESS_REDIR, "egress-redirect" },
		      { TCA_EGRESS_MIRROR, "egress-mirror" },
		      { TCA_INGRESS_REDIR, "ingress-redirect" },
		      { TCA_INGRESS_MIRROR, "ingress-mirror" });

static const struct netlink_field mirred_fields[] = {
	COMMON(TCA_MIRRED_PARMS, struct tc_mirred),
	PART("eaction", TCA_MIRRED_PARMS, struct tc_mirred, eaction, S32, .words = &redirections),
	PART("ifindex", TCA_MIRRED_PARMS, struct tc_mirred, ifindex, U32, .unit = "interface"),
	PART("dev", TCA_MIRRED_PARMS, struct tc_mirred, ifindex, STRING, .decode = decode_device),
	ATTRIBUTE("blockid", 5, U32), /* since Linux 6.8 */
	TIMES(TCA_MIRRED_TM),
	{},
};
NESTED(mirred, "action.options.mirred");

static const struct netlink_words chances =
	NETLINK_WORDS({ PGACT_NONE, "none" }, { PGACT_NETRAND, "netrand" },
		      { PGACT_DETERM, "determ" });

static const struct netlink_field gact_fields[] = {
	COMMON(TCA_GACT_PARMS, struct tc_gact),
	PART("ptype", TCA_GACT_PROB, struct tc_gact_p, ptype, U16, .words = &chances),
	PART("pval", TCA_GACT_PROB, struct tc_gact_p, pval, U16),
	PART("paction", TCA_GACT_PROB, struct tc_gact_p, paction, S32, .words = &verdicts),
	TIMES(TCA_GACT_TM),
	{},
};
NESTED(gact, "action.options.gact");

/* ---- police ---- */

#define POLICE_WIDE(NAME, WHICH, FORM, ...)                                                 \
	{                                                                                   \
		.name = NAME, .form = USHER_NETLINK_##FORM, .from = NETLINK_FROM_STRUCTURE, \
		.at = TCA_POLICE_TBF, .within = offsetof(struct tc_police, WHICH),          \
		.whole = sizeof(struct tc_police), ##__VA_ARGS__                            \
	}
#define POLICE(NAME, WHICH, FORM, ...) \
	PART(NAME, TCA_POLICE_TBF, struct tc_police, WHICH, FORM, ##__VA_ARGS__)

static int police_rate_decode(struct decoding *decoding, const struct netlink_field *field,
			      const uint8_t *value, size_t size) {
	return rate_decode(decoding, field, value, size, TCA_POLICE_RATE64);
}

static int police_peak_decode(struct decoding *decoding, const struct netlink_field *field,
			      const uint8_t *value, size_t size) {
	static const uint8_t none[sizeof(uint32_t)];

	if (size >= sizeof none && memcmp(value, none, sizeof none) == 0)
		return 1;
	return rate_decode(decoding, field, value, size, TCA_POLICE_PEAKRATE64);
}

static int police_burst_decode(struct decoding *decoding, const struct netlink_field *field,
			       const uint8_t *value, size_t size) {
	struct tc_police options;
	uint64_t rate;

	if (size + field->within < sizeof options)
		return 1;
	memcpy(&options, value - field->within, sizeof options);
	rate = rate_wide(decoding, options.rate.rate, TCA_POLICE_RATE64);
	return decoding_set_number(decoding, field, rate_ticks_to_bytes(rate, options.burst));
}

/* Rates of policing need the table of times to this day. */
static int police_rate_encode(struct encoding *encoding, const struct netlink_field *field,
			      const void *value) {
	const bool peak = field->within == offsetof(struct tc_police, peakrate.rate);
	struct tc_ratespec specification = { .linklayer = TC_LINKLAYER_ETHERNET };
	const Usher__Value *mtu = encode_member(encoding->row, "mtu");
	uint32_t table[RATE_TABLE_N];
	struct tc_police *options;
	uint64_t rate;
	int r = encode_number(encoding, field, value, &rate);

	if (r == 0 && rate == 0)
		r = encode_refuse(encoding, field, "is above 0");
	if (r != 0)
		return r;
	specification.rate =
		rate_put(encoding, peak ? TCA_POLICE_PEAKRATE64 : TCA_POLICE_RATE64, rate);
	rate_fill_table(&specification, rate,
			mtu && mtu->has_number && mtu->number < UINT32_MAX ? (uint32_t)mtu->number
									   : 0,
			table);
	options = encode_structure(encoding, TCA_POLICE_TBF, sizeof *options);
	if (options)
		*(peak ? &options->peakrate : &options->rate) = specification;
	encode_put(encoding, peak ? TCA_POLICE_PEAKRATE : TCA_POLICE_RATE, table, sizeof table);
	return 0;
}

static int police_burst_encode(struct encoding *encoding, const struct netlink_field *field,
			       const void *value) {
	const Usher__Value *rate = encode_member(encoding->row, "rate");
	struct tc_police *options;
	uint64_t burst;
	int r;

	if (!rate || !rate->has_number)
		return encode_refuse(encoding, field, "needs a rate that is a number");
	r = encode_number(encoding, field, value, &burst);
	if (r != 0)
		return r;
	options = encode_structure(encoding, TCA_POLICE_TBF, sizeof *options);
	if (options)
		options->burst = rate_bytes_to_ticks(rate->number, burst);
	return 0;
}

static const struct netlink_field police_fields[] = {
	POLICE_WIDE("rate", rate.rate, U64, RATE, .decode = police_rate_decode,
		    .encode = police_rate_encode),
	POLICE_WIDE("peakrate", peakrate.rate, U64, RATE, .decode = police_peak_decode,
		    .encode = police_rate_encode),
	POLICE_WIDE("burst", burst, U32, OCTETS, .decode = police_burst_decode,
		    .encode = police_burst_encode),
	POLICE("mtu", mtu, U32, OCTETS),
	POLICE("index", index, U32),
	POLICE("action", action, S32, .words = &verdicts),
	POLICE("overhead", rate.overhead, U16, OCTETS),
	POLICE("mpu", rate.mpu, U16, OCTETS),
	POLICE("linklayer", rate.linklayer, U8, .words = &netlink_link_layers),
	POLICE("refcnt", refcnt, S32, TOLD),
	POLICE("bindcnt", bindcnt, S32, TOLD),
	ATTRIBUTE("result", TCA_POLICE_RESULT, S32, .words = &verdicts),
	ATTRIBUTE("avrate", TCA_POLICE_AVRATE, U32, RATE),
	ATTRIBUTE("pktrate64", TCA_POLICE_PKTRATE64, U64, .unit = "packets per second"),
	ATTRIBUTE("pktburst64", TCA_POLICE_PKTBURST64, U64),
	TIMES(TCA_POLICE_TM),
	{},
};
const struct netlink_schema netlink_police = {
	.name = "action.options.police",
	.fields = police_fields,
};

/* ---- what changes packets ---- */

static const struct netlink_words vlan_actions =
	NETLINK_WORDS({ TCA_VLAN_ACT_POP, "pop" }, { TCA_VLAN_ACT_PUSH, "push" },
		      { TCA_VLAN_ACT_MODIFY, "modify" }, { TCA_VLAN_ACT_POP_ETH, "pop_eth" },
		      { TCA_VLAN_ACT_PUSH_ETH, "push_eth" });

static const struct netlink_field vlan_fields[] = {
	COMMON(TCA_VLAN_PARMS, struct tc_vlan),
	PART("v-action", TCA_VLAN_PARMS, struct tc_vlan, v_action, S32, .words = &vlan_actions),
	ATTRIBUTE("push-vlan-id", TCA_VLAN_PUSH_VLAN_ID, U16),
	ATTRIBUTE("push-vlan-protocol", TCA_VLAN_PUSH_VLAN_PROTOCOL, U16, ORDER,
		  .words = &netlink_ethertypes),
	ATTRIBUTE("push-vlan-priority", TCA_VLAN_PUSH_VLAN_PRIORITY, U8),
	ATTRIBUTE("push-eth-dst", TCA_VLAN_PUSH_ETH_DST, HARDWARE),
	ATTRIBUTE("push-eth-src", TCA_VLAN_PUSH_ETH_SRC, HARDWARE),
	TIMES(TCA_VLAN_TM),
	{},
};
NESTED(vlan, "action.options.vlan");

static const struct netlink_words edit_flags =
	NETLINK_BITS({ SKBEDIT_F_PRIORITY, "priority" },
		     { SKBEDIT_F_QUEUE_MAPPING, "queue-mapping" }, { SKBEDIT_F_MARK, "mark" },
		     { SKBEDIT_F_PTYPE, "ptype" }, { SKBEDIT_F_MASK, "mask" },
		     { SKBEDIT_F_INHERITDSFIELD, "inheritdsfield" },
		     { SKBEDIT_F_TXQ_SKBHASH, "txq-skbhash" });
static const struct netlink_words packet_types =
	NETLINK_WORDS({ 0, "host" }, { 1, "broadcast" }, { 2, "multicast" }, { 3, "otherhost" });

static const struct netlink_field skbedit_fields[] = {
	COMMON(TCA_SKBEDIT_PARMS, struct tc_skbedit),
	ATTRIBUTE("priority", TCA_SKBEDIT_PRIORITY, STRING, HANDLE),
	ATTRIBUTE("queue-mapping", TCA_SKBEDIT_QUEUE_MAPPING, U16),
	ATTRIBUTE("queue-mapping-max", TCA_SKBEDIT_QUEUE_MAPPING_MAX, U16),
	ATTRIBUTE("mark", TCA_SKBEDIT_MARK, U32),
	ATTRIBUTE("mask", TCA_SKBEDIT_MASK, U32),
	ATTRIBUTE("ptype", TCA_SKBEDIT_PTYPE, U16, .words = &packet_types),
	ATTRIBUTE("flags", TCA_SKBEDIT_FLAGS, U64, .words = &edit_flags),
	TIMES(TCA_SKBEDIT_TM),
	{},
};
NESTED(skbedit, "action.options.skbedit");

static const struct netlink_words headers =
	NETLINK_WORDS({ TCA_PEDIT_KEY_EX_HDR_TYPE_NETWORK, "network" },
		      { TCA_PEDIT_KEY_EX_HDR_TYPE_ETH, "eth" },
		      { TCA_PEDIT_KEY_EX_HDR_TYPE_IP4, "ipv4" },
		      { TCA_PEDIT_KEY_EX_HDR_TYPE_IP6, "ipv6" },
		      { TCA_PEDIT_KEY_EX_HDR_TYPE_TCP, "tcp" },
		      { TCA_PEDIT_KEY_EX_HDR_TYPE_UDP, "udp" });
static const struct netlink_words commands =
	NETLINK_WORDS({ TCA_PEDIT_KEY_EX_CMD_SET, "set" }, { TCA_PEDIT_KEY_EX_CMD_ADD, "add" });

static const struct netlink_field edit_fields[] = {
	MEMBER("mask", struct tc_pedit_key, mask, U32, ORDER),
	MEMBER("val", struct tc_pedit_key, val, U32, ORDER),
	MEMBER("off", struct tc_pedit_key, off, U32),
	MEMBER("at", struct tc_pedit_key, at, U32),
	MEMBER("offmask", struct tc_pedit_key, offmask, U32),
	MEMBER("shift", struct tc_pedit_key, shift, U32),
	{},
};
NESTED(edit, "action.options.pedit.keys", .fixed = sizeof(struct tc_pedit_key), .structure = true);

static int next_edit(const uint8_t **value, size_t *size, const uint8_t **ret_element,
		     size_t *ret_size, unsigned *ret_number) {
	if (*size < sizeof(struct tc_pedit_key))
		return 0;
	*ret_element = *value;
	*ret_size = sizeof(struct tc_pedit_key);
	*value += *ret_size;
	*size -= *ret_size;
	return 1;
}

/* The keys lie behind the structure. */
static int edits_decode(struct decoding *decoding, const struct netlink_field *field,
			const uint8_t *value, size_t size) {
	const size_t before = offsetof(struct tc_pedit_sel, keys);

	return size < before ? 1
			     : decoding_set_elements(decoding, field, next_edit, value + before,
						     size - before);
}

static const struct netlink_field header_fields[] = {
	ATTRIBUTE("htype", TCA_PEDIT_KEY_EX_HTYPE, U16, .words = &headers),
	ATTRIBUTE("cmd", TCA_PEDIT_KEY_EX_CMD, U16, .words = &commands),
	{},
};
NESTED(header, "action.options.pedit.keys-ex", .element = TCA_PEDIT_KEY_EX);

static const struct netlink_field pedit_fields[] = {
	COMMON(TCA_PEDIT_PARMS_EX, struct tc_pedit_sel),
	PART("nkeys", TCA_PEDIT_PARMS_EX, struct tc_pedit_sel, nkeys, U8, TOLD),
	ATTRIBUTE("keys", TCA_PEDIT_PARMS_EX, OBJECTS, TOLD, .nested = &edit,
		  .decode = edits_decode),
	ATTRIBUTE("keys-ex", TCA_PEDIT_KEYS_EX, OBJECTS, TOLD, .nested = &header),
	TIMES(TCA_PEDIT_TM),
	{},
};
NESTED(pedit, "action.options.pedit");

static const struct netlink_words sums =
	NETLINK_BITS({ TCA_CSUM_UPDATE_FLAG_IPV4HDR, "iph" }, { TCA_CSUM_UPDATE_FLAG_ICMP, "icmp" },
		     { TCA_CSUM_UPDATE_FLAG_IGMP, "igmp" }, { TCA_CSUM_UPDATE_FLAG_TCP, "tcp" },
		     { TCA_CSUM_UPDATE_FLAG_UDP, "udp" },
		     { TCA_CSUM_UPDATE_FLAG_UDPLITE, "udplite" },
		     { TCA_CSUM_UPDATE_FLAG_SCTP, "sctp" });

static const struct netlink_field csum_fields[] = {
	COMMON(TCA_CSUM_PARMS, struct tc_csum),
	PART("update-flags", TCA_CSUM_PARMS, struct tc_csum, update_flags, U32, .words = &sums),
	TIMES(TCA_CSUM_TM),
	{},
};
NESTED(csum, "action.options.csum");

/* An IPv4 address of a structure, in front of other members. */
static int address4_decode(struct decoding *decoding, const struct netlink_field *field,
			   const uint8_t *value, size_t size) {
	return size < 4 ? 1 : decoding_set_address(decoding, field, AF_INET, value, 32);
}

static const struct netlink_words nat_flags = NETLINK_BITS({ TCA_NAT_FLAG_EGRESS, "egress" });

#define NAT(NAME, WHICH) \
	PART(NAME, TCA_NAT_PARMS, struct tc_nat, WHICH, ADDRESS, .decode = address4_decode)

static const struct netlink_field nat_fields[] = {
	COMMON(TCA_NAT_PARMS, struct tc_nat),
	NAT("old-addr", old_addr),
	NAT("new-addr", new_addr),
	NAT("mask", mask),
	PART("flags", TCA_NAT_PARMS, struct tc_nat, flags, U32, .words = &nat_flags),
	TIMES(TCA_NAT_TM),
	{},
};
NESTED(nat, "action.options.nat");

static const struct netlink_field bpf_fields[] = {
	COMMON(TCA_ACT_BPF_PARMS, struct tc_act_bpf),
	ATTRIBUTE("ops-len", TCA_ACT_BPF_OPS_LEN, U16),
	ATTRIBUTE("ops", TCA_ACT_BPF_OPS, BYTES),
	ATTRIBUTE("fd", TCA_ACT_BPF_FD, S32, .encode = encode_file),
	ATTRIBUTE("name", TCA_ACT_BPF_NAME, STRING),
	ATTRIBUTE("tag", TCA_ACT_BPF_TAG, BYTES, TOLD),
	ATTRIBUTE("id", TCA_ACT_BPF_ID, U32, TOLD),
	TIMES(TCA_ACT_BPF_TM),
	{},
};
NESTED(bpf, "action.options.bpf");

static const struct netlink_words tracking =
	NETLINK_BITS({ TCA_CT_ACT_COMMIT, "commit" }, { TCA_CT_ACT_FORCE, "force" },
		     { TCA_CT_ACT_CLEAR, "clear" }, { TCA_CT_ACT_NAT, "nat" },
		     { TCA_CT_ACT_NAT_SRC, "nat-src" }, { TCA_CT_ACT_NAT_DST, "nat-dst" });

static const struct netlink_field ct_fields[] = {
	COMMON(TCA_CT_PARMS, struct tc_ct),
	ATTRIBUTE("ct-action", TCA_CT_ACTION, U16, .words = &tracking),
	ATTRIBUTE("zone", TCA_CT_ZONE, U16),
	ATTRIBUTE("mark", TCA_CT_MARK, U32),
	ATTRIBUTE("mark-mask", TCA_CT_MARK_MASK, U32),
	ATTRIBUTE("labels", TCA_CT_LABELS, BYTES),
	ATTRIBUTE("labels-mask", TCA_CT_LABELS_MASK, BYTES),
	ATTRIBUTE("nat-ipv4-min", TCA_CT_NAT_IPV4_MIN, ADDRESS),
	ATTRIBUTE("nat-ipv4-max", TCA_CT_NAT_IPV4_MAX, ADDRESS),
	ATTRIBUTE("nat-ipv6-min", TCA_CT_NAT_IPV6_MIN, ADDRESS),
	ATTRIBUTE("nat-ipv6-max", TCA_CT_NAT_IPV6_MAX, ADDRESS),
	ATTRIBUTE("nat-port-min", TCA_CT_NAT_PORT_MIN, U16, ORDER),
	ATTRIBUTE("nat-port-max", TCA_CT_NAT_PORT_MAX, U16, ORDER),
	TIMES(TCA_CT_TM),
	{},
};
NESTED(ct, "action.options.ct");

static const struct netlink_words tunnel_actions =
	NETLINK_WORDS({ TCA_TUNNEL_KEY_ACT_SET, "set" }, { TCA_TUNNEL_KEY_ACT_RELEASE, "unset" });

static const struct netlink_field tunnel_key_fields[] = {
	COMMON(TCA_TUNNEL_KEY_PARMS, struct tc_tunnel_key),
	PART("t-action", TCA_TUNNEL_KEY_PARMS, struct tc_tunnel_key, t_action, S32,
	     .words = &tunnel_actions),
	ATTRIBUTE("enc-ipv4-src", TCA_TUNNEL_KEY_ENC_IPV4_SRC, ADDRESS),
	ATTRIBUTE("enc-ipv4-dst", TCA_TUNNEL_KEY_ENC_IPV4_DST, ADDRESS),
	ATTRIBUTE("enc-ipv6-src", TCA_TUNNEL_KEY_ENC_IPV6_SRC, ADDRESS),
	ATTRIBUTE("enc-ipv6-dst", TCA_TUNNEL_KEY_ENC_IPV6_DST, ADDRESS),
	ATTRIBUTE("enc-key-id", TCA_TUNNEL_KEY_ENC_KEY_ID, U32, ORDER),
	ATTRIBUTE("enc-dst-port", TCA_TUNNEL_KEY_ENC_DST_PORT, U16, ORDER),
	ATTRIBUTE("no-csum", TCA_TUNNEL_KEY_NO_CSUM, BOOL),
	ATTRIBUTE("enc-opts", TCA_TUNNEL_KEY_ENC_OPTS, BYTES),
	ATTRIBUTE("enc-tos", TCA_TUNNEL_KEY_ENC_TOS, U8),
	ATTRIBUTE("enc-ttl", TCA_TUNNEL_KEY_ENC_TTL, U8),
	TIMES(TCA_TUNNEL_KEY_TM),
	{},
};
NESTED(tunnel_key, "action.options.tunnel_key");

static const struct netlink_words mpls_actions =
	NETLINK_WORDS({ TCA_MPLS_ACT_POP, "pop" }, { TCA_MPLS_ACT_PUSH, "push" },
		      { TCA_MPLS_ACT_MODIFY, "modify" }, { TCA_MPLS_ACT_DEC_TTL, "dec_ttl" },
		      { TCA_MPLS_ACT_MAC_PUSH, "mac_push" });

static const struct netlink_field mpls_fields[] = {
	COMMON(TCA_MPLS_PARMS, struct tc_mpls),
	PART("m-action", TCA_MPLS_PARMS, struct tc_mpls, m_action, S32, .words = &mpls_actions),
	ATTRIBUTE("proto", TCA_MPLS_PROTO, U16, ORDER, .words = &netlink_ethertypes),
	ATTRIBUTE("label", TCA_MPLS_LABEL, U32),
	ATTRIBUTE("tc", TCA_MPLS_TC, U8),
	ATTRIBUTE("ttl", TCA_MPLS_TTL, U8),
	ATTRIBUTE("bos", TCA_MPLS_BOS, U8),
	TIMES(TCA_MPLS_TM),
	{},
};
NESTED(mpls, "action.options.mpls");

static const struct netlink_field sample_fields[] = {
	COMMON(TCA_SAMPLE_PARMS, struct tc_sample),
	ATTRIBUTE("rate", TCA_SAMPLE_RATE, U32),
	ATTRIBUTE("trunc-size", TCA_SAMPLE_TRUNC_SIZE, U32, OCTETS),
	ATTRIBUTE("psample-group", TCA_SAMPLE_PSAMPLE_GROUP, U32),
	TIMES(TCA_SAMPLE_TM),
	{},
};
NESTED(sample, "action.options.sample");

static const struct netlink_field connmark_fields[] = {
	COMMON(TCA_CONNMARK_PARMS, struct tc_connmark),
	PART("zone", TCA_CONNMARK_PARMS, struct tc_connmark, zone, U16),
	TIMES(TCA_CONNMARK_TM),
	{},
};
NESTED(connmark, "action.options.connmark");

static const struct netlink_field ctinfo_fields[] = {
	COMMON(TCA_CTINFO_ACT, struct tc_ctinfo),
	ATTRIBUTE("zone", TCA_CTINFO_ZONE, U16),
	ATTRIBUTE("dscp-mask", TCA_CTINFO_PARMS_DSCP_MASK, U32),
	ATTRIBUTE("dscp-statemask", TCA_CTINFO_PARMS_DSCP_STATEMASK, U32),
	ATTRIBUTE("cpmark-mask", TCA_CTINFO_PARMS_CPMARK_MASK, U32),
	ATTRIBUTE("stats-dscp-set", TCA_CTINFO_STATS_DSCP_SET, U64, TOLD),
	ATTRIBUTE("stats-dscp-error", TCA_CTINFO_STATS_DSCP_ERROR, U64, TOLD),
	ATTRIBUTE("stats-cpmark-set", TCA_CTINFO_STATS_CPMARK_SET, U64, TOLD),
	TIMES(TCA_CTINFO_TM),
	{},
};
NESTED(ctinfo, "action.options.ctinfo");

static const struct netlink_field simple_fields[] = {
	COMMON(TCA_DEF_PARMS, struct tc_defact),
	ATTRIBUTE("data", TCA_DEF_DATA, STRING),
	TIMES(TCA_DEF_TM),
	{},
};
NESTED(simple, "action.options.simple");

static const struct netlink_field skbmod_fields[] = {
	COMMON(TCA_SKBMOD_PARMS, struct tc_skbmod),
	PART("flags", TCA_SKBMOD_PARMS, struct tc_skbmod, flags, U64),
	ATTRIBUTE("dmac", TCA_SKBMOD_DMAC, HARDWARE),
	ATTRIBUTE("smac", TCA_SKBMOD_SMAC, HARDWARE),
	ATTRIBUTE("etype", TCA_SKBMOD_ETYPE, U16, .words = &netlink_ethertypes),
	TIMES(TCA_SKBMOD_TM),
	{},
};
NESTED(skbmod, "action.options.skbmod");

const struct netlink_variant netlink_action_kinds[] = {
	{ "bpf", &bpf },
	{ "connmark", &connmark },
	{ "csum", &csum },
	{ "ct", &ct },
	{ "ctinfo", &ctinfo },
	{ "gact", &gact },
	{ "mirred", &mirred },
	{ "mpls", &mpls },
	{ "nat", &nat },
	{ "pedit", &pedit },
	{ "police", &netlink_police },
	{ "sample", &sample },
	{ "simple", &simple },
	{ "skbedit", &skbedit },
	{ "skbmod", &skbmod },
	{ "tunnel_key", &tunnel_key },
	{ "vlan", &vlan },
	UNKNOWN,
};

/* ---- one action ---- */

static const struct netlink_words hardware_statistics =
	NETLINK_BITS({ TCA_ACT_HW_STATS_IMMEDIATE, "immediate" },
		     { TCA_ACT_HW_STATS_DELAYED, "delayed" });
static const struct netlink_words action_flags =
	NETLINK_BITS({ TCA_ACT_FLAGS_NO_PERCPU_STATS, "no-percpu-stats" },
		     { TCA_ACT_FLAGS_SKIP_HW, "skip-hw" }, { TCA_ACT_FLAGS_SKIP_SW, "skip-sw" });

/* Actions are done in the order of their attributes' numbers. */
static int order_decode(struct decoding *decoding, const struct netlink_field *field,
			const uint8_t *value, size_t size) {
	return decoding_set_number(decoding, field, decoding->frame->number);
}

#define BITFIELD(NAME, NUMBER, ...) \
	PART(NAME, NUMBER, struct nla_bitfield32, value, U32, TOLD, ##__VA_ARGS__)

static const struct netlink_field action_fields[] = {
	COMPUTED("order", U32, .decode = order_decode),
	ATTRIBUTE("kind", TCA_ACT_KIND, STRING),
	ATTRIBUTE("options", TCA_ACT_OPTIONS, OBJECT, .variants = netlink_action_kinds,
		  .variant_by = "kind"),
	ATTRIBUTE("index", TCA_ACT_INDEX, U32),
	ATTRIBUTE("cookie", TCA_ACT_COOKIE, BYTES),
	BITFIELD("flags", TCA_ACT_FLAGS, .words = &action_flags),
	BITFIELD("hw-stats", TCA_ACT_HW_STATS, .words = &hardware_statistics),
	BITFIELD("used-hw-stats", TCA_ACT_USED_HW_STATS, .words = &hardware_statistics),
	ATTRIBUTE("in-hw-count", TCA_ACT_IN_HW_COUNT, U32, TOLD),
	ATTRIBUTE("stats", TCA_ACT_STATS, OBJECT, TOLD, .nested = &netlink_traffic_statistics),
	{},
};

const struct netlink_schema netlink_action = { .name = "action", .fields = action_fields };
