/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "encapsulation.h"

#include <errno.h>
#include <linux/ioam6_iptunnel.h>
#include <linux/lwtunnel.h>
#include <linux/mpls_iptunnel.h>
#include <linux/rpl_iptunnel.h>
#include <linux/seg6.h>
#include <linux/seg6_iptunnel.h>
#include <linux/seg6_local.h>
#include <linux/types.h>
#include <string.h>
#include <sys/socket.h>

#include "table.h"

/* Not in all the headers that this is built with. */
enum { ENCAP_XFRM = LWTUNNEL_ENCAP_IOAM6 + 1, XFRM_IF_ID = 1, XFRM_LINK = 2 };

const struct netlink_words encapsulation_words =
	NETLINK_WORDS({ LWTUNNEL_ENCAP_NONE, "none" }, { LWTUNNEL_ENCAP_MPLS, "mpls" },
		      { LWTUNNEL_ENCAP_IP, "ip" }, { LWTUNNEL_ENCAP_ILA, "ila" },
		      { LWTUNNEL_ENCAP_IP6, "ip6" }, { LWTUNNEL_ENCAP_SEG6, "seg6" },
		      { LWTUNNEL_ENCAP_BPF, "bpf" }, { LWTUNNEL_ENCAP_SEG6_LOCAL, "seg6local" },
		      { LWTUNNEL_ENCAP_RPL, "rpl" }, { LWTUNNEL_ENCAP_IOAM6, "ioam6" },
		      { ENCAP_XFRM, "xfrm" });

/* ---- MPLS ---- */

static const struct netlink_field label_fields[] = { ELEMENT(U32), {} };
const struct netlink_schema encapsulation_labels = { .name = "label", .fields = label_fields };

/* Of each entry of the stack the upper 20 bits. */
int decode_labels(struct decoding *decoding, const struct netlink_field *field,
		  const uint8_t *value, size_t size) {
	int r = decoding_begin_list(decoding, field, size / 4);

	for (; r == 0 && size >= 4; value += 4, size -= 4)
		r = decoding_add_number(decoding, field,
					(uint64_t)value[0] << 12 | (uint64_t)value[1] << 4 |
						value[2] >> 4);
	return r;
}

int encode_labels(struct encoding *encoding, const struct netlink_field *field, const void *data) {
	const Usher__Values *list = ((const Usher__Value *)data)->list;
	const size_t n = list ? list->n_values : 0;
	uint8_t *to = encode_put_room(encoding, field->at, 4 * n);
	int r = n > 0 ? 0 : encode_refuse(encoding, field, "is a list of labels");

	for (size_t i = 0; r == 0 && i < n; i++, to = to ? to + 4 : NULL) {
		uint64_t label = 0;

		r = encode_number(encoding, label_fields, list->values[i], &label);
		if (r == 0 && label >= 1 << 20)
			return encode_refuse(encoding, field, "a label has 20 bits");
		if (r == 0 && to) {
			to[0] = (uint8_t)(label >> 12);
			to[1] = (uint8_t)(label >> 4);
			to[2] = (uint8_t)(label << 4 | (i + 1 == n)); /* the innermost says so */
		}
	}
	return r;
}

static const struct netlink_field mpls_fields[] = {
	ATTRIBUTE("labels", MPLS_IPTUNNEL_DST, LIST, .nested = &encapsulation_labels,
		  .decode = decode_labels, .encode = encode_labels),
	ATTRIBUTE("ttl", MPLS_IPTUNNEL_TTL, U8),
	{},
};
NESTED(mpls, "encap.mpls");

/* ---- IP ---- */

static const struct netlink_words ip_flags =
	NETLINK_BITS({ 0x0001, "csum" }, { 0x0004, "key" }, { 0x0008, "seq" });

static const struct netlink_field geneve_fields[] = {
	ATTRIBUTE("class", LWTUNNEL_IP_OPT_GENEVE_CLASS, U16, .network_order = true),
	ATTRIBUTE("type", LWTUNNEL_IP_OPT_GENEVE_TYPE, U8),
	ATTRIBUTE("data", LWTUNNEL_IP_OPT_GENEVE_DATA, BYTES),
	{},
};
NESTED(geneve, "encap.opts.geneve");

static const struct netlink_field vxlan_fields[] = {
	ATTRIBUTE("gbp", LWTUNNEL_IP_OPT_VXLAN_GBP, U32),
	{},
};
NESTED(vxlan, "encap.opts.vxlan");

static const struct netlink_field erspan_fields[] = {
	ATTRIBUTE("version", LWTUNNEL_IP_OPT_ERSPAN_VER, U8),
	ATTRIBUTE("index", LWTUNNEL_IP_OPT_ERSPAN_INDEX, U32, .network_order = true),
	ATTRIBUTE("direction", LWTUNNEL_IP_OPT_ERSPAN_DIR, U8),
	ATTRIBUTE("hardware-id", LWTUNNEL_IP_OPT_ERSPAN_HWID, U8),
	{},
};
NESTED(erspan, "encap.opts.erspan");

static const struct netlink_field option_fields[] = {
	/* One after another, of one kind. */
	ATTRIBUTE("geneve", LWTUNNEL_IP_OPTS_GENEVE, OBJECTS, .nested = &geneve, .repeated = true),
	ATTRIBUTE("vxlan", LWTUNNEL_IP_OPTS_VXLAN, OBJECT, .nested = &vxlan),
	ATTRIBUTE("erspan", LWTUNNEL_IP_OPTS_ERSPAN, OBJECT, .nested = &erspan),
	{},
};
NESTED(option, "encap.opts");

static const struct netlink_field ip_fields[] = {
	ATTRIBUTE("id", LWTUNNEL_IP_ID, U64, .network_order = true),
	ATTRIBUTE("src", LWTUNNEL_IP_SRC, ADDRESS),
	ATTRIBUTE("dst", LWTUNNEL_IP_DST, ADDRESS),
	ATTRIBUTE("ttl", LWTUNNEL_IP_TTL, U8),
	ATTRIBUTE("tos", LWTUNNEL_IP_TOS, U8),
	ATTRIBUTE("flags", LWTUNNEL_IP_FLAGS, U16, .network_order = true, .words = &ip_flags),
	ATTRIBUTE("opts", LWTUNNEL_IP_OPTS, OBJECT, .nested = &option),
	{},
};
NESTED(ip, "encap.ip");

static const struct netlink_field ip6_fields[] = {
	ATTRIBUTE("id", LWTUNNEL_IP6_ID, U64, .network_order = true),
	ATTRIBUTE("src", LWTUNNEL_IP6_SRC, ADDRESS),
	ATTRIBUTE("dst", LWTUNNEL_IP6_DST, ADDRESS),
	ATTRIBUTE("hoplimit", LWTUNNEL_IP6_HOPLIMIT, U8),
	ATTRIBUTE("tc", LWTUNNEL_IP6_TC, U8),
	ATTRIBUTE("flags", LWTUNNEL_IP6_FLAGS, U16, .network_order = true, .words = &ip_flags),
	ATTRIBUTE("opts", LWTUNNEL_IP6_OPTS, OBJECT, .nested = &option),
	{},
};
NESTED(ip6, "encap.ip6");

/* ---- segments ---- */

static const struct netlink_field segment_fields[] = { ELEMENT(ADDRESS), {} };
NESTED(segment, "segment");

/* A header and its segments, the last of the way the first. */
static int add_segments(struct decoding *decoding, const struct netlink_field *field,
			const uint8_t *header, size_t size) {
	struct ipv6_sr_hdr known;
	size_t n;
	int r;

	if (size < sizeof known)
		return 1;
	memcpy(&known, header, sizeof known);
	n = (size_t)known.first_segment + 1;
	if (n > (size - sizeof known) / sizeof(struct in6_addr))
		return 1;
	r = decoding_begin_list(decoding, field, n);
	for (size_t i = n; r == 0 && i-- > 0;)
		r = decoding_add_address(decoding, field, AF_INET6,
					 header + sizeof known + i * sizeof(struct in6_addr), 128);
	return r;
}

static int decode_segments(struct decoding *decoding, const struct netlink_field *field,
			   const uint8_t *value, size_t size) {
	return add_segments(decoding, field, value, size);
}

static const struct netlink_words seg6_modes =
	NETLINK_WORDS({ SEG6_IPTUN_MODE_INLINE, "inline" }, { SEG6_IPTUN_MODE_ENCAP, "encap" },
		      { SEG6_IPTUN_MODE_L2ENCAP, "l2encap" },
		      { SEG6_IPTUN_MODE_ENCAP_RED, "encap.red" },
		      { SEG6_IPTUN_MODE_L2ENCAP_RED, "l2encap.red" });

/* The way is behind the mode, in the same attribute. */
static int decode_seg6_segments(struct decoding *decoding, const struct netlink_field *field,
				const uint8_t *value, size_t size) {
	size_t skip = sizeof(struct seg6_iptunnel_encap);

	return size < skip ? 1 : add_segments(decoding, field, value + skip, size - skip);
}

static const struct netlink_field seg6_fields[] = {
	PART("mode", SEG6_IPTUNNEL_SRH, struct seg6_iptunnel_encap, mode, U32,
	     .words = &seg6_modes),
	ATTRIBUTE("segs", SEG6_IPTUNNEL_SRH, LIST, .nested = &segment,
		  .decode = decode_seg6_segments),
	{},
};
NESTED(seg6, "encap.seg6");

static const struct netlink_words seg6local_actions =
	NETLINK_WORDS({ SEG6_LOCAL_ACTION_UNSPEC, "unspec" }, { SEG6_LOCAL_ACTION_END, "End" },
		      { SEG6_LOCAL_ACTION_END_X, "End.X" }, { SEG6_LOCAL_ACTION_END_T, "End.T" },
		      { SEG6_LOCAL_ACTION_END_DX2, "End.DX2" },
		      { SEG6_LOCAL_ACTION_END_DX6, "End.DX6" },
		      { SEG6_LOCAL_ACTION_END_DX4, "End.DX4" },
		      { SEG6_LOCAL_ACTION_END_DT6, "End.DT6" },
		      { SEG6_LOCAL_ACTION_END_DT4, "End.DT4" },
		      { SEG6_LOCAL_ACTION_END_B6, "End.B6" },
		      { SEG6_LOCAL_ACTION_END_B6_ENCAP, "End.B6.Encaps" },
		      { SEG6_LOCAL_ACTION_END_BM, "End.BM" }, { SEG6_LOCAL_ACTION_END_S, "End.S" },
		      { SEG6_LOCAL_ACTION_END_AS, "End.AS" },
		      { SEG6_LOCAL_ACTION_END_AM, "End.AM" },
		      { SEG6_LOCAL_ACTION_END_BPF, "End.BPF" },
		      { SEG6_LOCAL_ACTION_END_DT46, "End.DT46" });

static const struct netlink_field program_fields[] = {
	ATTRIBUTE("name", LWT_BPF_PROG_NAME, STRING),
	{},
};
NESTED(program, "encap.program");

static const struct netlink_field seg6local_fields[] = {
	ATTRIBUTE("action", SEG6_LOCAL_ACTION, U32, .words = &seg6local_actions),
	ATTRIBUTE("segs", SEG6_LOCAL_SRH, LIST, .nested = &segment, .decode = decode_segments),
	ATTRIBUTE("table", SEG6_LOCAL_TABLE, U32),
	ATTRIBUTE("vrftable", SEG6_LOCAL_VRFTABLE, U32),
	ATTRIBUTE("nh4", SEG6_LOCAL_NH4, ADDRESS),
	ATTRIBUTE("nh6", SEG6_LOCAL_NH6, ADDRESS),
	ATTRIBUTE("iif", SEG6_LOCAL_IIF, U32, .unit = "interface"),
	ATTRIBUTE("oif", SEG6_LOCAL_OIF, U32, .unit = "interface"),
	ATTRIBUTE("bpf", SEG6_LOCAL_BPF, OBJECT, .nested = &program),
	{},
};
NESTED(seg6local, "encap.seg6local");

/* ---- others ---- */

static const struct netlink_field bpf_fields[] = {
	ATTRIBUTE("in", LWT_BPF_IN, OBJECT, .nested = &program),
	ATTRIBUTE("out", LWT_BPF_OUT, OBJECT, .nested = &program),
	ATTRIBUTE("xmit", LWT_BPF_XMIT, OBJECT, .nested = &program),
	ATTRIBUTE("headroom", LWT_BPF_XMIT_HEADROOM, U32, .unit = "bytes"),
	{},
};
NESTED(bpf, "encap.bpf");

static const struct netlink_field xfrm_fields[] = {
	ATTRIBUTE("if-id", XFRM_IF_ID, U32),
	ATTRIBUTE("link", XFRM_LINK, U32, .unit = "interface"),
	{},
};
NESTED(xfrm, "encap.xfrm");

static const struct netlink_field ioam6_fields[] = {
	ATTRIBUTE("mode", IOAM6_IPTUNNEL_MODE, U8),
	ATTRIBUTE("tundst", IOAM6_IPTUNNEL_DST, ADDRESS),
	ATTRIBUTE("trace", IOAM6_IPTUNNEL_TRACE, BYTES),
	{},
};
NESTED(ioam6, "encap.ioam6");

static const struct netlink_field rpl_fields[] = {
	ATTRIBUTE("srh", RPL_IPTUNNEL_SRH, BYTES),
	{},
};
NESTED(rpl, "encap.rpl");

const struct netlink_variant encapsulation_variants[] = {
	{ "mpls", &mpls },
	{ "ip", &ip },
	{ "ip6", &ip6 },
	{ "seg6", &seg6 },
	{ "seg6local", &seg6local },
	{ "bpf", &bpf },
	{ "xfrm", &xfrm },
	{ "ioam6", &ioam6 },
	{ "rpl", &rpl },
	{},
};
