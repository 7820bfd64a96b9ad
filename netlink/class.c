/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The classes of queues. */
#include <linux/pkt_sched.h>
#include <string.h>

#include "decode.h"
#include "encode.h"
#include "rate.h"
#include "traffic.h"
#include "types.h"
#include "unknown.h"

#define TOLD   .read_only = true
#define OCTETS .unit = "bytes"
#define RATE   .unit = "bytes per second"

/* ---- htb ---- */

enum { BURST_DEFAULT = 1600 }; /* what tc(8) gives: a packet, and some */

/* As wide as the form, whatever the member is: its hooks read and write it. */
#define HTB_WIDE(NAME, WHICH, FORM, ...)                                                    \
	{                                                                                   \
		.name = NAME, .form = USHER_NETLINK_##FORM, .from = NETLINK_FROM_STRUCTURE, \
		.at = TCA_HTB_PARMS, .within = offsetof(struct tc_htb_opt, WHICH),          \
		.whole = sizeof(struct tc_htb_opt), ##__VA_ARGS__                           \
	}
#define HTB(NAME, WHICH, FORM, ...) \
	PART(NAME, TCA_HTB_PARMS, struct tc_htb_opt, WHICH, FORM, ##__VA_ARGS__)

static bool htb_is_ceil(const struct netlink_field *field) {
	return field->within == offsetof(struct tc_htb_opt, ceil.rate) ||
	       field->within == offsetof(struct tc_htb_opt, cbuffer);
}

static int htb_rate_decode(struct decoding *decoding, const struct netlink_field *field,
			   const uint8_t *value, size_t size) {
	return rate_decode(decoding, field, value, size,
			   htb_is_ceil(field) ? TCA_HTB_CEIL64 : TCA_HTB_RATE64);
}

static int htb_burst_decode(struct decoding *decoding, const struct netlink_field *field,
			    const uint8_t *value, size_t size) {
	struct tc_htb_opt options;
	uint64_t rate;

	if (size + field->within < sizeof options)
		return 1;
	memcpy(&options, value - field->within, sizeof options);
	rate = htb_is_ceil(field) ? rate_wide(decoding, options.ceil.rate, TCA_HTB_CEIL64)
				  : rate_wide(decoding, options.rate.rate, TCA_HTB_RATE64);
	return decoding_set_number(decoding, field,
				   rate_ticks_to_bytes(rate, htb_is_ceil(field) ? options.cbuffer
										: options.buffer));
}

/* The number that the row has under a name, or else another. */
static int number_or(struct encoding *encoding, const char *name, uint64_t other, uint64_t *ret) {
	const struct netlink_field *field = netlink_field_find(encoding->schema, name);
	const Usher__Value *value = encode_member(encoding->row, name);

	*ret = other;
	return value && field ? encode_number(encoding, field, value, ret) : 0;
}

/*
 * The ceiling is the rate unless it is said, and bursts are times that depend on them. The link
 * layer must be named, else the kernel looks for it in a table of times.
 */
static int htb_rate_encode(struct encoding *encoding, const struct netlink_field *field,
			   const void *value) {
	struct tc_htb_opt options = { 0 }, *to;
	uint64_t rate, ceil, burst, cburst, overhead, mpu, layer;
	int r = encode_number(encoding, field, value, &rate);

	if (r == 0 && rate == 0)
		r = encode_refuse(encoding, field, "is above 0");
	r = r ?: number_or(encoding, "ceil", rate, &ceil);
	r = r ?: number_or(encoding, "burst", BURST_DEFAULT, &burst);
	r = r ?: number_or(encoding, "cburst", BURST_DEFAULT, &cburst);
	r = r ?: number_or(encoding, "overhead", 0, &overhead);
	r = r ?: number_or(encoding, "mpu", 0, &mpu);
	r = r ?: number_or(encoding, "linklayer", TC_LINKLAYER_ETHERNET, &layer);
	if (r != 0)
		return r;
	options.rate.rate = rate_put(encoding, TCA_HTB_RATE64, rate);
	options.rate.linklayer = (uint8_t)layer;
	options.rate.overhead = (uint16_t)overhead;
	options.rate.mpu = (uint16_t)mpu;
	options.ceil = options.rate;
	options.ceil.rate = rate_put(encoding, TCA_HTB_CEIL64, ceil);
	options.buffer = rate_bytes_to_ticks(rate, burst);
	options.cbuffer = rate_bytes_to_ticks(ceil, cburst);
	to = encode_structure(encoding, TCA_HTB_PARMS, sizeof *to);
	if (to)
		*to = options;
	return 0;
}

/* Put in with the rate. */
static int htb_with_rate_encode(struct encoding *encoding, const struct netlink_field *field,
				const void *value) {
	if (encode_member(encoding->row, "rate"))
		return 0;
	return encode_refuse(encoding, field, "needs a rate");
}

static const struct netlink_field htb_fields[] = {
	HTB_WIDE("rate", rate.rate, U64, RATE, .decode = htb_rate_decode,
		 .encode = htb_rate_encode),
	HTB_WIDE("ceil", ceil.rate, U64, RATE, .decode = htb_rate_decode,
		 .encode = htb_with_rate_encode),
	HTB_WIDE("burst", buffer, U32, OCTETS, .decode = htb_burst_decode,
		 .encode = htb_with_rate_encode),
	HTB_WIDE("cburst", cbuffer, U32, OCTETS, .decode = htb_burst_decode,
		 .encode = htb_with_rate_encode),
	HTB("prio", prio, U32),
	HTB("quantum", quantum, U32, OCTETS),
	HTB("level", level, U32, TOLD),
	HTB("overhead", rate.overhead, U16, OCTETS, .encode = htb_with_rate_encode),
	HTB("mpu", rate.mpu, U16, OCTETS, .encode = htb_with_rate_encode),
	HTB("linklayer", rate.linklayer, U8, .words = &netlink_link_layers,
	    .encode = htb_with_rate_encode),
	FLAG("offload", TCA_HTB_OFFLOAD),
	{},
};
NESTED(htb, "class.options.htb");

/* ---- others ---- */

static const struct netlink_field curve_fields[] = {
	MEMBER("m1", struct tc_service_curve, m1, U32, RATE),
	MEMBER("d", struct tc_service_curve, d, U32, .unit = "microseconds"),
	MEMBER("m2", struct tc_service_curve, m2, U32, RATE),
	{},
};
NESTED(curve, "class.options.hfsc.curve", .fixed = sizeof(struct tc_service_curve),
       .structure = true);

static const struct netlink_field hfsc_fields[] = {
	ATTRIBUTE("rsc", TCA_HFSC_RSC, OBJECT, .nested = &curve),
	ATTRIBUTE("fsc", TCA_HFSC_FSC, OBJECT, .nested = &curve),
	ATTRIBUTE("usc", TCA_HFSC_USC, OBJECT, .nested = &curve),
	{},
};
NESTED(hfsc, "class.options.hfsc");

static const struct netlink_field drr_fields[] = {
	ATTRIBUTE("quantum", TCA_DRR_QUANTUM, U32, OCTETS),
	{},
};
NESTED(drr, "class.options.drr");

static const struct netlink_field qfq_fields[] = {
	ATTRIBUTE("weight", TCA_QFQ_WEIGHT, U32),
	ATTRIBUTE("lmax", TCA_QFQ_LMAX, U32, OCTETS),
	{},
};
NESTED(qfq, "class.options.qfq");

static const struct netlink_field ets_fields[] = {
	ATTRIBUTE("quanta-band", TCA_ETS_QUANTA_BAND, U32, OCTETS),
	{},
};
NESTED(ets, "class.options.ets");

const struct netlink_variant netlink_class_kinds[] = {
	{ "drr", &drr }, { "ets", &ets }, { "hfsc", &hfsc },
	{ "htb", &htb }, { "qfq", &qfq }, UNKNOWN,
};

/* The queue in it, where it has one of its own. */
static int leaf_decode(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size) {
	static const uint8_t none[sizeof(uint32_t)];

	if (size >= sizeof none && memcmp(value, none, sizeof none) == 0)
		return 1;
	return handle_decode(decoding, field, value, size);
}

static const struct netlink_field class_fields[] = {
	TRAFFIC_DEVICE,
	MEMBER("handle", struct tcmsg, tcm_handle, STRING, HANDLE),
	MEMBER("parent", struct tcmsg, tcm_parent, STRING, HANDLE),
	MEMBER("leaf", struct tcmsg, tcm_info, STRING, TOLD, .decode = leaf_decode),
	ATTRIBUTE("kind", TCA_KIND, STRING),
	ATTRIBUTE("options", TCA_OPTIONS, OBJECT, .variants = netlink_class_kinds,
		  .variant_by = "kind"),
	ATTRIBUTE("stats", TCA_STATS2, OBJECT, TOLD, .nested = &netlink_traffic_statistics),
	ATTRIBUTE("xstats", TCA_XSTATS, OBJECT, TOLD, .variants = netlink_queue_statistics,
		  .variant_by = "kind"),
	{},
};

static int class_request(struct encoding *encoding, const struct netlink_type *type,
			 const struct selection *selection, struct netlink_pass *pass) {
	struct tcmsg *header = encode_header(encoding);

	if (pass->number > 0)
		return 1;
	header->tcm_ifindex = (int)pass->ifindex;
	return 0;
}

const struct netlink_type netlink_class = {
	.name = "class",
	.summary = "classes of queueing disciplines",
	.schema = { .name = "class", .fields = class_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETTCLASS,
	.new = RTM_NEWTCLASS,
	.del = RTM_DELTCLASS,
	.header = sizeof(struct tcmsg),
	.by_link = true,
	.groups = (const uint32_t[]){ RTNLGRP_TC, 0 },
	.keys = (const char *const[]){ "ifindex", "handle", NULL },
	.changes = true,
	.request = class_request,
};
