/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What filters of each kind look at, and what they do with it. */
#include "filter-kinds.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <string.h>

#include "decode.h"
#include "encode.h"
#include "ethertype.h"
#include "flower.h"
#include "traffic.h"
#include "unknown.h"

#define TOLD  .read_only = true
#define ORDER .network_order = true

/* Where each kind has them. */
#define ACTIONS(NUMBER) ATTRIBUTE("actions", NUMBER, OBJECTS, .nested = &netlink_action)
#define POLICE(NUMBER)  ATTRIBUTE("police", NUMBER, OBJECT, .nested = &netlink_police)
#define CLASS(NUMBER)   ATTRIBUTE("classid", NUMBER, STRING, HANDLE)

const struct netlink_words netlink_filter_flags =
	NETLINK_BITS({ TCA_CLS_FLAGS_SKIP_HW, "skip-hw" }, { TCA_CLS_FLAGS_SKIP_SW, "skip-sw" },
		     { TCA_CLS_FLAGS_IN_HW, "in-hw" }, { TCA_CLS_FLAGS_NOT_IN_HW, "not-in-hw" },
		     { TCA_CLS_FLAGS_VERBOSE, "verbose" });

/* ---- u32 ---- */

static const struct netlink_words u32_flags =
	NETLINK_BITS({ TC_U32_TERMINAL, "terminal" }, { TC_U32_OFFSET, "offset" },
		     { TC_U32_VAROFFSET, "varoffset" }, { TC_U32_EAT, "eat" });

static const struct netlink_field key_fields[] = {
	MEMBER("mask", struct tc_u32_key, mask, U32, ORDER),
	MEMBER("val", struct tc_u32_key, val, U32, ORDER),
	MEMBER("off", struct tc_u32_key, off, S32),
	MEMBER("offmask", struct tc_u32_key, offmask, S32),
	{},
};
NESTED(key, "filter.options.u32.sel.keys", .fixed = sizeof(struct tc_u32_key), .structure = true);

static int next_key(const uint8_t **value, size_t *size, const uint8_t **ret_element,
		    size_t *ret_size, unsigned *ret_number) {
	if (*size < sizeof(struct tc_u32_key))
		return 0;
	*ret_element = *value;
	*ret_size = sizeof(struct tc_u32_key);
	*value += *ret_size;
	*size -= *ret_size;
	return 1;
}

/* The keys lie behind the structure. */
static int keys_decode(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size) {
	const size_t before = sizeof(struct tc_u32_sel);

	return size < before ? 1
			     : decoding_set_elements(decoding, field, next_key, value + before,
						     size - before);
}

static int keys_encode(struct encoding *encoding, const struct netlink_field *field,
		       const void *value) {
	const size_t header = encoding->header;
	size_t n = 0;
	int r = encode_objects(encoding, field, value, &n);

	if (r == 0 && n > UINT8_MAX)
		return encode_refuse(encoding, field, "are at most %d", UINT8_MAX);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = encode_inner(encoding, field, &key, encode_object(value, i), i + 1);
	if (r == 0 && !encoding->overflown)
		encoding->bytes[header + offsetof(struct tc_u32_sel, nkeys)] = (uint8_t)n;
	return r;
}

/* Without it nothing that is found is classified. */
static void selector_begin(struct encoding *encoding) {
	struct tc_u32_sel *header = encode_header(encoding);

	if (header)
		header->flags = TC_U32_TERMINAL;
}

#define SELECTOR(NAME, WHICH, FORM, ...) MEMBER(NAME, struct tc_u32_sel, WHICH, FORM, ##__VA_ARGS__)

static const struct netlink_field selector_fields[] = {
	SELECTOR("flags", flags, U8, .words = &u32_flags),
	SELECTOR("offshift", offshift, U8),
	SELECTOR("nkeys", nkeys, U8, TOLD),
	SELECTOR("offmask", offmask, U16, ORDER),
	SELECTOR("off", off, U16),
	SELECTOR("offoff", offoff, S16),
	SELECTOR("hoff", hoff, S16),
	SELECTOR("hmask", hmask, U32, ORDER),
	COMPUTED("keys", OBJECTS, .nested = &key, .decode = keys_decode, .encode = keys_encode),
	{},
};
NESTED(selector, "filter.options.u32.sel", .fixed = sizeof(struct tc_u32_sel), .structure = true,
       .begin = selector_begin);

static const struct netlink_field u32_fields[] = {
	CLASS(TCA_U32_CLASSID),
	ATTRIBUTE("hash", TCA_U32_HASH, U32),
	ATTRIBUTE("link", TCA_U32_LINK, U32),
	ATTRIBUTE("divisor", TCA_U32_DIVISOR, U32),
	ATTRIBUTE("sel", TCA_U32_SEL, OBJECT, .nested = &selector),
	POLICE(TCA_U32_POLICE),
	ACTIONS(TCA_U32_ACT),
	ATTRIBUTE("indev", TCA_U32_INDEV, STRING),
	PART("rcnt", TCA_U32_PCNT, struct tc_u32_pcnt, rcnt, U64, TOLD),
	PART("rhit", TCA_U32_PCNT, struct tc_u32_pcnt, rhit, U64, TOLD),
	PART("mark", TCA_U32_MARK, struct tc_u32_mark, val, U32),
	PART("mark-mask", TCA_U32_MARK, struct tc_u32_mark, mask, U32),
	PART("mark-success", TCA_U32_MARK, struct tc_u32_mark, success, U32, TOLD),
	ATTRIBUTE("flags", TCA_U32_FLAGS, U32, .words = &netlink_filter_flags),
	{},
};
NESTED(u32, "filter.options.u32");

/* ---- flow ---- */

static const struct netlink_words flow_keys =
	NETLINK_BITS({ 1 << FLOW_KEY_SRC, "src" }, { 1 << FLOW_KEY_DST, "dst" },
		     { 1 << FLOW_KEY_PROTO, "proto" }, { 1 << FLOW_KEY_PROTO_SRC, "proto-src" },
		     { 1 << FLOW_KEY_PROTO_DST, "proto-dst" }, { 1 << FLOW_KEY_IIF, "iif" },
		     { 1 << FLOW_KEY_PRIORITY, "priority" }, { 1 << FLOW_KEY_MARK, "mark" },
		     { 1 << FLOW_KEY_NFCT, "nfct" }, { 1 << FLOW_KEY_NFCT_SRC, "nfct-src" },
		     { 1 << FLOW_KEY_NFCT_DST, "nfct-dst" },
		     { 1 << FLOW_KEY_NFCT_PROTO_SRC, "nfct-proto-src" },
		     { 1 << FLOW_KEY_NFCT_PROTO_DST, "nfct-proto-dst" },
		     { 1 << FLOW_KEY_RTCLASSID, "rt-classid" }, { 1 << FLOW_KEY_SKUID, "sk-uid" },
		     { 1 << FLOW_KEY_SKGID, "sk-gid" }, { 1 << FLOW_KEY_VLAN_TAG, "vlan-tag" },
		     { 1 << FLOW_KEY_RXHASH, "rxhash" });
static const struct netlink_words flow_modes =
	NETLINK_WORDS({ FLOW_MODE_MAP, "map" }, { FLOW_MODE_HASH, "hash" });

static const struct netlink_field flow_fields[] = {
	ATTRIBUTE("keys", TCA_FLOW_KEYS, U32, .words = &flow_keys),
	ATTRIBUTE("mode", TCA_FLOW_MODE, U32, .words = &flow_modes),
	ATTRIBUTE("baseclass", TCA_FLOW_BASECLASS, STRING, HANDLE),
	ATTRIBUTE("rshift", TCA_FLOW_RSHIFT, U32),
	ATTRIBUTE("addend", TCA_FLOW_ADDEND, U32),
	ATTRIBUTE("mask", TCA_FLOW_MASK, U32),
	ATTRIBUTE("xor", TCA_FLOW_XOR, U32),
	ATTRIBUTE("divisor", TCA_FLOW_DIVISOR, U32),
	ACTIONS(TCA_FLOW_ACT),
	POLICE(TCA_FLOW_POLICE),
	ATTRIBUTE("ematches", TCA_FLOW_EMATCHES, BYTES),
	ATTRIBUTE("perturb", TCA_FLOW_PERTURB, U32, .unit = "seconds"),
	{},
};
NESTED(flow, "filter.options.flow");

/* ---- the small ones ---- */

static const struct netlink_field matchall_fields[] = {
	CLASS(TCA_MATCHALL_CLASSID),
	ACTIONS(TCA_MATCHALL_ACT),
	ATTRIBUTE("flags", TCA_MATCHALL_FLAGS, U32, .words = &netlink_filter_flags),
	PART("rhit", TCA_MATCHALL_PCNT, struct tc_matchall_pcnt, rhit, U64, TOLD),
	{},
};
NESTED(matchall, "filter.options.matchall");

static const struct netlink_words bpf_flags =
	NETLINK_BITS({ TCA_BPF_FLAG_ACT_DIRECT, "direct-action" });

static const struct netlink_field bpf_fields[] = {
	CLASS(TCA_BPF_CLASSID),
	ACTIONS(TCA_BPF_ACT),
	POLICE(TCA_BPF_POLICE),
	ATTRIBUTE("ops-len", TCA_BPF_OPS_LEN, U16),
	ATTRIBUTE("ops", TCA_BPF_OPS, BYTES),
	ATTRIBUTE("fd", TCA_BPF_FD, S32, .encode = encode_file),
	ATTRIBUTE("name", TCA_BPF_NAME, STRING),
	ATTRIBUTE("flags", TCA_BPF_FLAGS, U32, .words = &bpf_flags),
	ATTRIBUTE("flags-gen", TCA_BPF_FLAGS_GEN, U32, .words = &netlink_filter_flags),
	ATTRIBUTE("tag", TCA_BPF_TAG, BYTES, TOLD),
	ATTRIBUTE("id", TCA_BPF_ID, U32, TOLD),
	{},
};
NESTED(bpf, "filter.options.bpf");

static const struct netlink_field basic_fields[] = {
	CLASS(TCA_BASIC_CLASSID),
	ATTRIBUTE("ematches", TCA_BASIC_EMATCHES, BYTES),
	ACTIONS(TCA_BASIC_ACT),
	POLICE(TCA_BASIC_POLICE),
	PART("rcnt", TCA_BASIC_PCNT, struct tc_basic_pcnt, rcnt, U64, TOLD),
	PART("rhit", TCA_BASIC_PCNT, struct tc_basic_pcnt, rhit, U64, TOLD),
	{},
};
NESTED(basic, "filter.options.basic");

static const struct netlink_field fw_fields[] = {
	CLASS(TCA_FW_CLASSID),
	POLICE(TCA_FW_POLICE),
	ATTRIBUTE("indev", TCA_FW_INDEV, STRING),
	ACTIONS(TCA_FW_ACT),
	ATTRIBUTE("mask", TCA_FW_MASK, U32),
	{},
};
NESTED(fw, "filter.options.fw");

static const struct netlink_field cgroup_fields[] = {
	ACTIONS(TCA_CGROUP_ACT),
	POLICE(TCA_CGROUP_POLICE),
	ATTRIBUTE("ematches", TCA_CGROUP_EMATCHES, BYTES),
	{},
};
NESTED(cgroup, "filter.options.cgroup");

static const struct netlink_field route_fields[] = {
	CLASS(TCA_ROUTE4_CLASSID),
	ATTRIBUTE("to", TCA_ROUTE4_TO, U32),
	ATTRIBUTE("from", TCA_ROUTE4_FROM, U32),
	ATTRIBUTE("iif", TCA_ROUTE4_IIF, U32, .unit = "interface"),
	POLICE(TCA_ROUTE4_POLICE),
	ACTIONS(TCA_ROUTE4_ACT),
	{},
};
NESTED(route, "filter.options.route");

static const struct netlink_field tcindex_fields[] = {
	ATTRIBUTE("hash", TCA_TCINDEX_HASH, U32),
	ATTRIBUTE("mask", TCA_TCINDEX_MASK, U16),
	ATTRIBUTE("shift", TCA_TCINDEX_SHIFT, U32),
	ATTRIBUTE("fall-through", TCA_TCINDEX_FALL_THROUGH, U32),
	CLASS(TCA_TCINDEX_CLASSID),
	POLICE(TCA_TCINDEX_POLICE),
	ACTIONS(TCA_TCINDEX_ACT),
	{},
};
NESTED(tcindex, "filter.options.tcindex");

const struct netlink_variant netlink_filter_kinds[] = {
	{ "basic", &basic },
	{ "bpf", &bpf },
	{ "cgroup", &cgroup },
	{ "flow", &flow },
	{ "flower", &netlink_flower },
	{ "fw", &fw },
	{ "matchall", &matchall },
	{ "route", &route },
	{ "tcindex", &tcindex },
	{ "u32", &u32 },
	UNKNOWN,
};
