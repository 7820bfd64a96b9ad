/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections that netfilter tracks. All numbers are in the order of the network. */
#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"
#include "encode.h"
#include "selection.h"
#include "table.h"
#include "types.h"

static const struct netlink_words families =
	NETLINK_WORDS({ AF_INET, "inet" }, { AF_INET6, "inet6" });

static const struct netlink_words protocols =
	NETLINK_WORDS({ IPPROTO_ICMP, "icmp" }, { IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" },
		      { IPPROTO_DCCP, "dccp" }, { IPPROTO_GRE, "gre" },
		      { IPPROTO_ICMPV6, "icmpv6" }, { IPPROTO_SCTP, "sctp" },
		      { IPPROTO_UDPLITE, "udplite" });

static const struct netlink_words statuses =
	NETLINK_BITS({ IPS_EXPECTED, "expected" }, { IPS_SEEN_REPLY, "seen-reply" },
		     { IPS_ASSURED, "assured" }, { IPS_CONFIRMED, "confirmed" },
		     { IPS_SRC_NAT, "src-nat" }, { IPS_DST_NAT, "dst-nat" },
		     { IPS_SEQ_ADJUST, "seq-adjust" }, { IPS_SRC_NAT_DONE, "src-nat-done" },
		     { IPS_DST_NAT_DONE, "dst-nat-done" }, { IPS_DYING, "dying" },
		     { IPS_FIXED_TIMEOUT, "fixed-timeout" }, { IPS_TEMPLATE, "template" },
		     { IPS_UNTRACKED, "untracked" }, { IPS_HELPER, "helper" },
		     { IPS_OFFLOAD, "offload" }, { IPS_HW_OFFLOAD, "hw-offload" });

static const struct netlink_words tcp_states =
	NETLINK_WORDS({ TCP_CONNTRACK_NONE, "none" }, { TCP_CONNTRACK_SYN_SENT, "syn-sent" },
		      { TCP_CONNTRACK_SYN_RECV, "syn-recv" },
		      { TCP_CONNTRACK_ESTABLISHED, "established" },
		      { TCP_CONNTRACK_FIN_WAIT, "fin-wait" },
		      { TCP_CONNTRACK_CLOSE_WAIT, "close-wait" },
		      { TCP_CONNTRACK_LAST_ACK, "last-ack" },
		      { TCP_CONNTRACK_TIME_WAIT, "time-wait" }, { TCP_CONNTRACK_CLOSE, "close" },
		      { TCP_CONNTRACK_SYN_SENT2, "syn-sent2" }, { TCP_CONNTRACK_IGNORE, "ignore" },
		      { TCP_CONNTRACK_RETRANS, "retrans" }, { TCP_CONNTRACK_UNACK, "unack" });

static const struct netlink_words tcp_flags =
	NETLINK_BITS({ IP_CT_TCP_FLAG_WINDOW_SCALE, "window-scale" },
		     { IP_CT_TCP_FLAG_SACK_PERM, "sack-perm" },
		     { IP_CT_TCP_FLAG_CLOSE_INIT, "close-init" },
		     { IP_CT_TCP_FLAG_BE_LIBERAL, "be-liberal" },
		     { IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED, "unacked" },
		     { IP_CT_TCP_FLAG_MAXACK_SET, "maxack" },
		     { IP_CT_EXP_CHALLENGE_ACK, "challenge-ack" },
		     { IP_CT_TCP_SIMULTANEOUS_OPEN, "simultaneous-open" });

static const struct netlink_words dccp_states =
	NETLINK_WORDS({ 0, "none" }, { 1, "request" }, { 2, "respond" }, { 3, "partopen" },
		      { 4, "open" }, { 5, "closereq" }, { 6, "closing" }, { 7, "timewait" },
		      { 8, "ignore" }, { 9, "invalid" });

static const struct netlink_words dccp_roles = NETLINK_WORDS({ 0, "client" }, { 1, "server" });

static const struct netlink_words sctp_states =
	NETLINK_WORDS({ 0, "none" }, { 1, "closed" }, { 2, "cookie-wait" }, { 3, "cookie-echoed" },
		      { 4, "established" }, { 5, "shutdown-sent" }, { 6, "shutdown-received" },
		      { 7, "shutdown-ack-sent" }, { 8, "heartbeat-sent" },
		      { 9, "heartbeat-acked" });

/* ---- a tuple: what it is told in is two levels, and of addresses two of a kind ---- */

static int decode_address(struct decoding *decoding, const struct netlink_field *field,
			  const uint8_t *value, size_t size, unsigned v4, unsigned v6) {
	const uint8_t *address;
	size_t n;

	if (netlink_attribute(value, size, 0, v4, &address, &n) && n >= 4)
		return decoding_set_address(decoding, field, AF_INET, address, 32);
	if (netlink_attribute(value, size, 0, v6, &address, &n) && n >= 16)
		return decoding_set_address(decoding, field, AF_INET6, address, 128);
	return 1;
}

static int decode_source(struct decoding *decoding, const struct netlink_field *field,
			 const uint8_t *value, size_t size) {
	return decode_address(decoding, field, value, size, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
}

static int decode_destination(struct decoding *decoding, const struct netlink_field *field,
			      const uint8_t *value, size_t size) {
	return decode_address(decoding, field, value, size, CTA_IP_V4_DST, CTA_IP_V6_DST);
}

/* The attribute in the attribute whose number is `within`. */
static int decode_inner(struct decoding *decoding, const struct netlink_field *field,
			const uint8_t *value, size_t size) {
	const uint8_t *inner;
	size_t n;

	if (!netlink_attribute(value, size, 0, field->within, &inner, &n))
		return 1;
	return decoding_set_plain(decoding, field, inner, n);
}

#define PROTOCOL(NAME, WHICH, FORM, ...)                                    \
	ATTRIBUTE(NAME, CTA_TUPLE_PROTO, FORM, .within = CTA_PROTO_##WHICH, \
		  .decode = decode_inner, .network_order = true, ##__VA_ARGS__)

static const struct netlink_field tuple_fields[] = {
	ATTRIBUTE("src", CTA_TUPLE_IP, ADDRESS, .decode = decode_source),
	ATTRIBUTE("dst", CTA_TUPLE_IP, ADDRESS, .decode = decode_destination),
	PROTOCOL("protocol", NUM, U8, .words = &protocols),
	PROTOCOL("sport", SRC_PORT, U16),
	PROTOCOL("dport", DST_PORT, U16),
	PROTOCOL("icmp-id", ICMP_ID, U16),
	PROTOCOL("icmp-type", ICMP_TYPE, U8),
	PROTOCOL("icmp-code", ICMP_CODE, U8),
	PROTOCOL("icmp-id", ICMPV6_ID, U16),
	PROTOCOL("icmp-type", ICMPV6_TYPE, U8),
	PROTOCOL("icmp-code", ICMPV6_CODE, U8),
	ATTRIBUTE("zone", CTA_TUPLE_ZONE, U16, .network_order = true),
	{},
};
NESTED(tuple, "conntrack.tuple");

/* ---- the rest ---- */

static const struct netlink_field counters_fields[] = {
	ATTRIBUTE("packets", CTA_COUNTERS_PACKETS, U64, .network_order = true, .unit = "packets"),
	ATTRIBUTE("bytes", CTA_COUNTERS_BYTES, U64, .network_order = true, .unit = "bytes"),
	{},
};
NESTED(counters, "conntrack.counters");

static const struct netlink_field tcp_fields[] = {
	ATTRIBUTE("state", CTA_PROTOINFO_TCP_STATE, U8, .words = &tcp_states),
	ATTRIBUTE("wscale-original", CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, U8),
	ATTRIBUTE("wscale-reply", CTA_PROTOINFO_TCP_WSCALE_REPLY, U8),
	PART("flags-original", CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, struct nf_ct_tcp_flags, flags, U8,
	     .words = &tcp_flags),
	PART("flags-reply", CTA_PROTOINFO_TCP_FLAGS_REPLY, struct nf_ct_tcp_flags, flags, U8,
	     .words = &tcp_flags),
	{},
};
NESTED(tcp, "conntrack.protoinfo.tcp");

static const struct netlink_field dccp_fields[] = {
	ATTRIBUTE("state", CTA_PROTOINFO_DCCP_STATE, U8, .words = &dccp_states),
	ATTRIBUTE("role", CTA_PROTOINFO_DCCP_ROLE, U8, .words = &dccp_roles),
	ATTRIBUTE("handshake-seq", CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ, U64, .network_order = true),
	{},
};
NESTED(dccp, "conntrack.protoinfo.dccp");

static const struct netlink_field sctp_fields[] = {
	ATTRIBUTE("state", CTA_PROTOINFO_SCTP_STATE, U8, .words = &sctp_states),
	ATTRIBUTE("vtag-original", CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, U32, .network_order = true),
	ATTRIBUTE("vtag-reply", CTA_PROTOINFO_SCTP_VTAG_REPLY, U32, .network_order = true),
	{},
};
NESTED(sctp, "conntrack.protoinfo.sctp");

static const struct netlink_field protoinfo_fields[] = {
	ATTRIBUTE("tcp", CTA_PROTOINFO_TCP, OBJECT, .nested = &tcp),
	ATTRIBUTE("dccp", CTA_PROTOINFO_DCCP, OBJECT, .nested = &dccp),
	ATTRIBUTE("sctp", CTA_PROTOINFO_SCTP, OBJECT, .nested = &sctp),
	{},
};
NESTED(protoinfo, "conntrack.protoinfo");

static const struct netlink_field seqadj_fields[] = {
	ATTRIBUTE("correction-pos", CTA_SEQADJ_CORRECTION_POS, U32, .network_order = true),
	ATTRIBUTE("offset-before", CTA_SEQADJ_OFFSET_BEFORE, S32, .network_order = true),
	ATTRIBUTE("offset-after", CTA_SEQADJ_OFFSET_AFTER, S32, .network_order = true),
	{},
};
NESTED(seqadj, "conntrack.seq-adj");

static const struct netlink_field synproxy_fields[] = {
	ATTRIBUTE("isn", CTA_SYNPROXY_ISN, U32, .network_order = true),
	ATTRIBUTE("its", CTA_SYNPROXY_ITS, U32, .network_order = true),
	ATTRIBUTE("tsoff", CTA_SYNPROXY_TSOFF, U32, .network_order = true),
	{},
};
NESTED(synproxy, "conntrack.synproxy");

static const struct netlink_field timestamp_fields[] = {
	ATTRIBUTE("start", CTA_TIMESTAMP_START, U64, .network_order = true, .unit = "nanoseconds"),
	ATTRIBUTE("stop", CTA_TIMESTAMP_STOP, U64, .network_order = true, .unit = "nanoseconds"),
	{},
};
NESTED(timestamp, "conntrack.timestamp");

static const struct netlink_field fields[] = {
	MEMBER("family", struct nfgenmsg, nfgen_family, U8, .words = &families,
	       .filtered = NETLINK_FILTERED_SPECIALLY),
	ATTRIBUTE("tuple-orig", CTA_TUPLE_ORIG, OBJECT, .nested = &tuple),
	ATTRIBUTE("tuple-reply", CTA_TUPLE_REPLY, OBJECT, .nested = &tuple),
	ATTRIBUTE("tuple-master", CTA_TUPLE_MASTER, OBJECT, .nested = &tuple),
	ATTRIBUTE("status", CTA_STATUS, U32, .network_order = true, .words = &statuses),
	ATTRIBUTE("protoinfo", CTA_PROTOINFO, OBJECT, .nested = &protoinfo),
	ATTRIBUTE("help", CTA_HELP, STRING, .within = CTA_HELP_NAME, .decode = decode_inner),
	ATTRIBUTE("timeout", CTA_TIMEOUT, U32, .network_order = true, .unit = "seconds"),
	ATTRIBUTE("mark", CTA_MARK, U32, .network_order = true,
		  .filtered = NETLINK_FILTERED_SPECIALLY),
	ATTRIBUTE("counters-orig", CTA_COUNTERS_ORIG, OBJECT, .nested = &counters),
	ATTRIBUTE("counters-reply", CTA_COUNTERS_REPLY, OBJECT, .nested = &counters),
	ATTRIBUTE("use", CTA_USE, U32, .network_order = true),
	ATTRIBUTE("id", CTA_ID, U32, .network_order = true),
	ATTRIBUTE("zone", CTA_ZONE, U16, .network_order = true),
	ATTRIBUTE("secctx", CTA_SECCTX, STRING, .within = CTA_SECCTX_NAME, .decode = decode_inner),
	ATTRIBUTE("timestamp", CTA_TIMESTAMP, OBJECT, .nested = &timestamp),
	ATTRIBUTE("labels", CTA_LABELS, BYTES),
	ATTRIBUTE("seq-adj-orig", CTA_SEQ_ADJ_ORIG, OBJECT, .nested = &seqadj),
	ATTRIBUTE("seq-adj-reply", CTA_SEQ_ADJ_REPLY, OBJECT, .nested = &seqadj),
	ATTRIBUTE("synproxy", CTA_SYNPROXY, OBJECT, .nested = &synproxy),
	{},
};

static int request(struct encoding *encoding, const struct netlink_type *type,
		   const struct selection *selection, struct netlink_pass *pass) {
	struct nfgenmsg *header = encode_header(encoding);
	const struct selection_value *value;

	if (pass->number > 0)
		return 1;
	value = selection_value(selection, type, "family");
	if (value && value->number <= UINT8_MAX) {
		header->nfgen_family = (uint8_t)value->number;
		selection_set_by_kernel(selection, type, "family");
	}
	value = selection_value(selection, type, "mark");
	if (value) {
		encode_put_u32(encoding, CTA_MARK, htonl((uint32_t)value->number));
		encode_put_u32(encoding, CTA_MARK_MASK, UINT32_MAX);
		selection_set_by_kernel(selection, type, "mark");
	}
	return 0;
}

static const uint32_t groups[] = { NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE,
				   NFNLGRP_CONNTRACK_DESTROY, 0 };
static const char *const keys[] = { "id", NULL };

const struct netlink_type netlink_conntrack = {
	.name = "conntrack",
	.summary = "connections that netfilter tracks",
	.schema = { .name = "conntrack", .fields = fields },
	.protocol = NETLINK_NETFILTER,
	.get = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
	.new = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW,
	.del = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
	.header = sizeof(struct nfgenmsg),
	.groups = groups,
	.keys = keys,
	.privileged = true,
	.request = request,
};
