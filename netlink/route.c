/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes, and the one that a packet would take. */

#include "route.h"

#include <errno.h>
#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "encapsulation.h"
#include "encode.h"
#include "names.h"
#include "table.h"
#include "types.h"
#include "words.h"

static const struct netlink_words types =
	NETLINK_WORDS({ RTN_UNSPEC, "unspec" }, { RTN_UNICAST, "unicast" }, { RTN_LOCAL, "local" },
		      { RTN_BROADCAST, "broadcast" }, { RTN_ANYCAST, "anycast" },
		      { RTN_MULTICAST, "multicast" }, { RTN_BLACKHOLE, "blackhole" },
		      { RTN_UNREACHABLE, "unreachable" }, { RTN_PROHIBIT, "prohibit" },
		      { RTN_THROW, "throw" }, { RTN_NAT, "nat" }, { RTN_XRESOLVE, "xresolve" });

static const struct netlink_words preferences =
	NETLINK_WORDS({ ICMPV6_ROUTER_PREF_MEDIUM, "medium" }, { ICMPV6_ROUTER_PREF_HIGH, "high" },
		      { ICMPV6_ROUTER_PREF_INVALID, "invalid" }, { ICMPV6_ROUTER_PREF_LOW, "low" });

static const struct netlink_words protocols =
	NETLINK_WORDS({ IPPROTO_ICMP, "icmp" }, { IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" },
		      { IPPROTO_ICMPV6, "ipv6-icmp" }, { IPPROTO_SCTP, "sctp" });

static const struct netlink_words features =
	NETLINK_BITS({ RTAX_FEATURE_ECN, "ecn" }, { RTAX_FEATURE_SACK, "sack" },
		     { RTAX_FEATURE_TIMESTAMP, "timestamp" }, { RTAX_FEATURE_ALLFRAG, "allfrag" },
		     { 1 << 4, "tcp_usec_ts" });

static const struct netlink_words locks =
	NETLINK_BITS({ 1 << RTAX_MTU, "mtu" }, { 1 << RTAX_WINDOW, "window" },
		     { 1 << RTAX_RTT, "rtt" }, { 1 << RTAX_RTTVAR, "rttvar" },
		     { 1 << RTAX_SSTHRESH, "ssthresh" }, { 1 << RTAX_CWND, "cwnd" },
		     { 1 << RTAX_ADVMSS, "advmss" }, { 1 << RTAX_REORDERING, "reordering" },
		     { 1 << RTAX_HOPLIMIT, "hoplimit" }, { 1 << RTAX_INITCWND, "initcwnd" },
		     { 1 << RTAX_RTO_MIN, "rto-min" }, { 1 << RTAX_INITRWND, "initrwnd" });

static const struct netlink_field metrics_fields[] = {
	ATTRIBUTE("lock", RTAX_LOCK, U32, .words = &locks),
	ATTRIBUTE("mtu", RTAX_MTU, U32, .unit = "bytes"),
	ATTRIBUTE("window", RTAX_WINDOW, U32, .unit = "bytes"),
	ATTRIBUTE("rtt", RTAX_RTT, U32, .unit = "1/8 milliseconds"),
	ATTRIBUTE("rttvar", RTAX_RTTVAR, U32, .unit = "1/4 milliseconds"),
	ATTRIBUTE("ssthresh", RTAX_SSTHRESH, U32, .unit = "packets"),
	ATTRIBUTE("cwnd", RTAX_CWND, U32, .unit = "packets"),
	ATTRIBUTE("advmss", RTAX_ADVMSS, U32, .unit = "bytes"),
	ATTRIBUTE("reordering", RTAX_REORDERING, U32),
	ATTRIBUTE("hoplimit", RTAX_HOPLIMIT, U32),
	ATTRIBUTE("initcwnd", RTAX_INITCWND, U32, .unit = "packets"),
	ATTRIBUTE("features", RTAX_FEATURES, U32, .words = &features),
	ATTRIBUTE("rto-min", RTAX_RTO_MIN, U32, .unit = "milliseconds"),
	ATTRIBUTE("initrwnd", RTAX_INITRWND, U32, .unit = "packets"),
	ATTRIBUTE("quickack", RTAX_QUICKACK, U32),
	ATTRIBUTE("cc-algo", RTAX_CC_ALGO, STRING),
	ATTRIBUTE("fastopen-no-cookie", RTAX_FASTOPEN_NO_COOKIE, U32),
	{},
};
NESTED(metrics, "route.metrics");

static const struct netlink_field cacheinfo_fields[] = {
	MEMBER("clntref", struct rta_cacheinfo, rta_clntref, U32),
	MEMBER("lastuse", struct rta_cacheinfo, rta_lastuse, U32, .unit = "1/100 seconds"),
	MEMBER("expires", struct rta_cacheinfo, rta_expires, S32, .unit = "1/100 seconds"),
	MEMBER("error", struct rta_cacheinfo, rta_error, U32),
	MEMBER("used", struct rta_cacheinfo, rta_used, U32),
	MEMBER("id", struct rta_cacheinfo, rta_id, U32),
	MEMBER("ts", struct rta_cacheinfo, rta_ts, U32),
	MEMBER("tsage", struct rta_cacheinfo, rta_tsage, U32),
	{},
};
NESTED(cacheinfo, "route.cacheinfo", .structure = true);

static const struct netlink_field forwarded_fields[] = {
	MEMBER("packets", struct rta_mfc_stats, mfcs_packets, U64, .unit = "packets"),
	MEMBER("bytes", struct rta_mfc_stats, mfcs_bytes, U64, .unit = "bytes"),
	MEMBER("wrong-if", struct rta_mfc_stats, mfcs_wrong_if, U64, .unit = "packets"),
	{},
};
NESTED(forwarded, "route.mfc-stats", .structure = true);

int decode_via(struct decoding *decoding, const struct netlink_field *field, const uint8_t *value,
	       size_t size) {
	uint16_t family;

	if (size < sizeof family)
		return 1;
	memcpy(&family, value, sizeof family);
	value += sizeof family;
	size -= sizeof family;
	if (size < (family == AF_INET ? 4U : 16U))
		return 1;
	return decoding_set_address(decoding, field, family, value, 128);
}

int encode_via(struct encoding *encoding, const struct netlink_field *field, const void *value) {
	struct usher_netlink_address address;
	int r = encode_address(encoding, field, value, &address);
	const size_t size = r == 0 && address.family == AF_INET ? 4 : 16;
	const uint16_t family = r == 0 ? address.family : 0;
	uint8_t *to = r == 0 ? encode_put_room(encoding, field->at, sizeof family + size) : NULL;

	if (to) {
		memcpy(to, &family, sizeof family);
		memcpy(to + sizeof family, address.bytes, size);
	}
	return r;
}

/* What only the kernel says of a way is not said to it. */
static int encode_flags(struct encoding *encoding, const struct netlink_field *field,
			const void *value) {
	uint64_t number;
	int r = encode_number(encoding, field, value, &number);
	uint32_t flags;

	if (r != 0 || encoding->overflown)
		return r;
	flags = (uint32_t)number & (encoding->told ? RTNH_F_ONLINK | RTNH_F_PERVASIVE : UINT32_MAX);
	if (field->width == 1)
		((uint8_t *)encode_header(encoding))[field->at] = (uint8_t)flags;
	else
		memcpy((uint8_t *)encode_header(encoding) + field->at, &flags, sizeof flags);
	return 0;
}

/* ---- several next hops ---- */

static int next_hop(const uint8_t **value, size_t *size, const uint8_t **ret, size_t *ret_size,
		    unsigned *ret_number) {
	struct rtnexthop hop;
	size_t whole;

	if (*size < sizeof hop)
		return 0;
	memcpy(&hop, *value, sizeof hop);
	if (hop.rtnh_len < sizeof hop || hop.rtnh_len > *size)
		return -EBADMSG;
	*ret = *value;
	*ret_size = hop.rtnh_len;
	*ret_number = 0;
	whole = RTNH_ALIGN((size_t)hop.rtnh_len);
	if (whole > *size)
		whole = *size;
	*value += whole;
	*size -= whole;
	return 1;
}

static int decode_multipath(struct decoding *decoding, const struct netlink_field *field,
			    const uint8_t *value, size_t size) {
	return decoding_set_elements(decoding, field, next_hop, value, size);
}

/* The kernel counts from 0 what people count from 1. */
int decode_weight(struct decoding *decoding, const struct netlink_field *field,
		  const uint8_t *value, size_t size) {
	return size < 1 ? 1 : decoding_set_number(decoding, field, *value + UINT64_C(1));
}

int encode_weight(struct encoding *encoding, const struct netlink_field *field, const void *value) {
	uint64_t weight;
	int r = encode_number(encoding, field, value, &weight);

	if (r == 0 && (weight < 1 || weight > 256))
		return encode_refuse(encoding, field, "1 to 256");
	if (r == 0 && !encoding->overflown)
		((uint8_t *)encode_header(encoding))[field->at] = (uint8_t)(weight - 1);
	return r;
}

static const struct netlink_field hop_fields[] = {
	MEMBER("oif", struct rtnexthop, rtnh_ifindex, U32, .unit = "interface"),
	MEMBER("dev", struct rtnexthop, rtnh_ifindex, STRING, .decode = decode_device),
	WEIGHT(struct rtnexthop, rtnh_hops),
	MEMBER("flags", struct rtnexthop, rtnh_flags, U8, .words = &words_next_hop,
	       .encode = encode_flags),
	ATTRIBUTE("gateway", RTA_GATEWAY, ADDRESS),
	ATTRIBUTE("via", RTA_VIA, ADDRESS, .decode = decode_via, .encode = encode_via),
	ATTRIBUTE("flow", RTA_FLOW, U32),
	ATTRIBUTE("encap-type", RTA_ENCAP_TYPE, U16, .words = &encapsulation_words),
	ATTRIBUTE("encap", RTA_ENCAP, OBJECT, .variants = encapsulation_variants,
		  .variant_by = "encap-type"),
	ATTRIBUTE("newdst", RTA_NEWDST, LIST, .nested = &encapsulation_labels,
		  .decode = decode_labels, .encode = encode_labels),
	{},
};
NESTED(hop, "route.multipath", .fixed = sizeof(struct rtnexthop));

/* Each says how long it is with all that is in it. */
static int encode_multipath(struct encoding *encoding, const struct netlink_field *field,
			    const void *value) {
	const size_t nest = encode_nest_plain(encoding, field->at);
	size_t n = 0;
	int r = encode_objects(encoding, field, value, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		const size_t begin = encoding->size;
		struct rtnexthop *head = (void *)(encoding->bytes + begin);

		r = encode_inner(encoding, field, &hop, encode_object(value, i), i + 1);
		if (r == 0 && !encoding->overflown)
			head->rtnh_len = (uint16_t)(encoding->size - begin);
	}
	encode_nest_end(encoding, nest);
	return r;
}

/* ---- routes ---- */

static int decode_mpls_labels(struct decoding *decoding, const struct netlink_field *field,
			      const uint8_t *value, size_t size) {
	return decoding->message[0] == AF_MPLS ? decode_labels(decoding, field, value, size) : 1;
}

#define ROUTE_FIELDS                                                                            \
	MEMBER("family", struct rtmsg, rtm_family, U8, .words = &words_family,                  \
	       .filtered = NETLINK_FILTERED_BY_KERNEL),                                         \
		ATTRIBUTE("dst", RTA_DST, PREFIX, .always = true,                               \
			  .decode = decode_destination_prefix, .encode = encode_destination),   \
		ATTRIBUTE("src", RTA_SRC, PREFIX, .decode = decode_source_prefix,               \
			  .encode = encode_source),                                             \
		MEMBER("tos", struct rtmsg, rtm_tos, U8),                                       \
		ATTRIBUTE("table", RTA_TABLE, U32, .words = &words_table,                       \
			  .filtered = NETLINK_FILTERED_BY_KERNEL),                              \
		MEMBER("protocol", struct rtmsg, rtm_protocol, U8, .words = &words_protocol,    \
		       .filtered = NETLINK_FILTERED_BY_KERNEL),                                 \
		MEMBER("scope", struct rtmsg, rtm_scope, U8, .words = &words_scope),            \
		MEMBER("type", struct rtmsg, rtm_type, U8, .words = &types,                     \
		       .filtered = NETLINK_FILTERED_BY_KERNEL),                                 \
		MEMBER("flags", struct rtmsg, rtm_flags, U32, .words = &words_next_hop,         \
		       .encode = encode_flags),                                                 \
		ATTRIBUTE("oif", RTA_OIF, U32, .unit = "interface",                             \
			  .filtered = NETLINK_FILTERED_BY_KERNEL),                              \
		ATTRIBUTE("dev", RTA_OIF, STRING, .decode = decode_device,                      \
			  .filtered = NETLINK_FILTERED_SPECIALLY),                              \
		ATTRIBUTE("iif", RTA_IIF, U32, .unit = "interface"),                            \
		ATTRIBUTE("gateway", RTA_GATEWAY, ADDRESS),                                     \
		ATTRIBUTE("via", RTA_VIA, ADDRESS, .decode = decode_via, .encode = encode_via), \
		ATTRIBUTE("priority", RTA_PRIORITY, U32),                                       \
		ATTRIBUTE("prefsrc", RTA_PREFSRC, ADDRESS),                                     \
		ATTRIBUTE("metrics", RTA_METRICS, OBJECT, .nested = &metrics),                  \
		ATTRIBUTE("multipath", RTA_MULTIPATH, OBJECTS, .nested = &hop,                  \
			  .decode = decode_multipath, .encode = encode_multipath),              \
		ATTRIBUTE("nh-id", RTA_NH_ID, U32), ATTRIBUTE("flow", RTA_FLOW, U32),           \
		ATTRIBUTE("encap-type", RTA_ENCAP_TYPE, U16, .words = &encapsulation_words),    \
		ATTRIBUTE("encap", RTA_ENCAP, OBJECT, .variants = encapsulation_variants,       \
			  .variant_by = "encap-type"),                                          \
		ATTRIBUTE("labels", RTA_DST, LIST, .nested = &encapsulation_labels,             \
			  .decode = decode_mpls_labels, .encode = encode_labels),               \
		ATTRIBUTE("newdst", RTA_NEWDST, LIST, .nested = &encapsulation_labels,          \
			  .decode = decode_labels, .encode = encode_labels),                    \
		ATTRIBUTE("ttl-propagate", RTA_TTL_PROPAGATE, U8),                              \
		ATTRIBUTE("pref", RTA_PREF, U8, .words = &preferences),                         \
		ATTRIBUTE("expires", RTA_EXPIRES, U32, .unit = "seconds"),                      \
		ATTRIBUTE("mark", RTA_MARK, U32), ATTRIBUTE("uid", RTA_UID, U32),               \
		ATTRIBUTE("ip-proto", RTA_IP_PROTO, U8, .words = &protocols),                   \
		ATTRIBUTE("sport", RTA_SPORT, U16, .network_order = true),                      \
		ATTRIBUTE("dport", RTA_DPORT, U16, .network_order = true),                      \
		ATTRIBUTE("mfc-stats", RTA_MFC_STATS, OBJECT, .nested = &forwarded,             \
			  .read_only = true),                                                   \
		ATTRIBUTE("cacheinfo", RTA_CACHEINFO, OBJECT, .nested = &cacheinfo,             \
			  .read_only = true)

static const struct netlink_field route_fields[] = { ROUTE_FIELDS, {} };

/* That one of them is too large to be told, the kernel says only to who asks for those of all
 * families; else that is the end, with no error. Those of IPv4 come first. */
static int request_routes(struct encoding *encoding, const struct netlink_type *type,
			  const struct selection *selection, struct netlink_pass *pass) {
	struct rtmsg *header = encode_header(encoding);

	if (pass->number > 0)
		return 1;
	if (header->rtm_family == AF_INET)
		header->rtm_family = AF_UNSPEC;
	return 0;
}

const struct netlink_type netlink_route = {
	.name = "route",
	.summary = "routes of all tables",
	.schema = { .name = "route", .fields = route_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETROUTE,
	.new = RTM_NEWROUTE,
	.del = RTM_DELROUTE,
	.header = sizeof(struct rtmsg),
	.groups =
		(const uint32_t[]){ RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_MPLS_ROUTE, 0 },
	.keys = (const char *const[]){ "family", "table", "dst", "src", "tos", "priority", "oif",
				       "gateway", "nh-id", "labels", NULL },
	.own_table = true,
	.changes = true,
	.request = request_routes,
};

/* ---- the one for a packet ---- */

static int decode_nothing(struct decoding *decoding, const struct netlink_field *field,
			  const uint8_t *value, size_t size) {
	return 1;
}

static const struct netlink_field route_get_fields[] = {
	ROUTE_FIELDS,
	/* Of the question only: which route it is, not what would become of the packet. */
	COMPUTED("fibmatch", BOOL, .decode = decode_nothing),
	{},
};

static const struct selection_value *put_number(struct encoding *encoding,
						const struct netlink_type *type,
						const struct selection *selection,
						const char *field, uint16_t attribute,
						size_t width) {
	const struct selection_value *value = selection_value(selection, type, field);
	uint16_t port;

	if (!value)
		return NULL;
	port = htons((uint16_t)value->number);
	if (width == 1)
		encode_put_u8(encoding, attribute, (uint8_t)value->number);
	else if (width == 2)
		encode_put(encoding, attribute, &port, sizeof port);
	else
		encode_put_u32(encoding, attribute, (uint32_t)value->number);
	selection_set_by_kernel(selection, type, field);
	return value;
}

/* 0: it is not said; its length goes into the fixed part. */
static uint8_t put_address(struct encoding *encoding, const struct netlink_type *type,
			   const struct selection *selection, const char *field, uint16_t attribute,
			   struct rtmsg *header, uint8_t *ret_length) {
	const struct selection_value *value = selection_value(selection, type, field);

	if (!value)
		return 0;
	*ret_length = value->address.family == AF_INET ? 32 : 128;
	header->rtm_family = value->address.family;
	encode_put(encoding, attribute, value->address.bytes, *ret_length / 8);
	selection_set_by_kernel(selection, type, field);
	return value->address.family;
}

static int request_route(struct encoding *encoding, const struct netlink_type *type,
			 const struct selection *selection, struct netlink_pass *pass) {
	struct rtmsg *header = encode_header(encoding);
	const struct selection_value *value;
	uint8_t source, destination;

	if (pass->number > 0)
		return 1;
	source = put_address(encoding, type, selection, "src", RTA_SRC, header,
			     &header->rtm_src_len);
	destination = put_address(encoding, type, selection, "dst", RTA_DST, header,
				  &header->rtm_dst_len);
	if (source != 0 && destination != source)
		return -EAFNOSUPPORT;
	value = selection_value(selection, type, "tos");
	if (value)
		header->rtm_tos = (uint8_t)value->number;
	value = selection_value(selection, type, "fibmatch");
	if (value && value->number)
		header->rtm_flags |= RTM_F_FIB_MATCH;
	value = selection_value(selection, type, "dev");
	if (value && encoding->names) {
		uint32_t index = names_index(encoding->names, (const char *)value->bytes);

		if (index == 0)
			return -ENODEV;
		encode_put_u32(encoding, RTA_OIF, index);
	}
	(void)put_number(encoding, type, selection, "oif", RTA_OIF, 4);
	(void)put_number(encoding, type, selection, "iif", RTA_IIF, 4);
	(void)put_number(encoding, type, selection, "mark", RTA_MARK, 4);
	/* rules may be about users, and we are another one */
	if (!put_number(encoding, type, selection, "uid", RTA_UID, 4))
		encode_put_u32(encoding, RTA_UID, pass->uid);
	(void)put_number(encoding, type, selection, "ip-proto", RTA_IP_PROTO, 1);
	(void)put_number(encoding, type, selection, "sport", RTA_SPORT, 2);
	(void)put_number(encoding, type, selection, "dport", RTA_DPORT, 2);
	/* Which table it is in is told only who asks for it; of IPv6 it always is, and nobody may.
	 */
	if (destination == AF_INET)
		header->rtm_flags |= RTM_F_LOOKUP_TABLE;
	return 0;
}

const struct netlink_type netlink_route_get = {
	.name = "route-get",
	.summary = "the route that a packet would take",
	.schema = { .name = "route-get", .fields = route_get_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETROUTE,
	.new = RTM_NEWROUTE,
	.del = RTM_DELROUTE,
	.header = sizeof(struct rtmsg),
	.lookups = (const char *const[]){ "dst", NULL },
	.lookup_only = true,
	.asked = (const char *const[]){ "dst", "src", "tos", "dev", "oif", "iif", "mark", "uid",
					"ip-proto", "sport", "dport", "fibmatch", NULL },
	.request = request_route,
};
