/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The options of queues. Rates are bytes per second, of 32 and 64 bits alike; bursts are bytes,
 * also where the kernel has the time that they take.
 */
#include <linux/pkt_sched.h>
#include <string.h>

#include "array.h"
#include "decode.h"
#include "encode.h"
#include "rate.h"
#include "traffic.h"
#include "unknown.h"

#define TOLD   .read_only = true
#define OCTETS .unit = "bytes"
#define RATE   .unit = "bytes per second"
#define USEC   .unit = "microseconds"
#define NSEC   .unit = "nanoseconds"

const struct netlink_words netlink_link_layers =
	NETLINK_WORDS({ TC_LINKLAYER_UNAWARE, "unaware" }, { TC_LINKLAYER_ETHERNET, "ethernet" },
		      { TC_LINKLAYER_ATM, "atm" });

/* ---- pfifo, bfifo, pfifo_head_drop, skbprio ---- */

/* Packets; of bfifo bytes. */
static const struct netlink_field fifo_fields[] = {
	MEMBER("limit", struct tc_fifo_qopt, limit, U32),
	{},
};
NESTED(fifo, "qdisc.options.fifo", .fixed = sizeof(struct tc_fifo_qopt), .structure = true);

/* ---- prio, pfifo_fast ---- */

/* tc(8)'s own, and what pfifo_fast does. */
static const uint8_t priomap_default[TC_PRIO_MAX + 1] = { 1, 2, 2, 2, 1, 2, 0, 0,
							  1, 1, 1, 1, 1, 1, 1, 1 };

static void prio_begin(struct encoding *encoding) {
	struct tc_prio_qopt *header = encode_header(encoding);

	if (!header)
		return;
	header->bands = 3;
	memcpy(header->priomap, priomap_default, sizeof header->priomap);
}

static const struct netlink_field prio_fields[] = {
	MEMBER("bands", struct tc_prio_qopt, bands, S32),
	MEMBER("priomap", struct tc_prio_qopt, priomap, LIST, MEMBER_ARRAY(u8)),
	{},
};
NESTED(prio, "qdisc.options.prio", .fixed = sizeof(struct tc_prio_qopt), .structure = true,
       .begin = prio_begin);

static const struct netlink_field multiq_fields[] = {
	MEMBER("bands", struct tc_multiq_qopt, bands, U16, TOLD),
	MEMBER("max-bands", struct tc_multiq_qopt, max_bands, U16, TOLD),
	{},
};
NESTED(multiq, "qdisc.options.multiq", .fixed = sizeof(struct tc_multiq_qopt), .structure = true);

/* ---- tbf ---- */

#define TBF(NAME, WHICH, FORM, ...) \
	PART(NAME, TCA_TBF_PARMS, struct tc_tbf_qopt, WHICH, FORM, ##__VA_ARGS__)
/* As wide as the form, whatever the member is: its hooks read and write it. */
#define TBF_WIDE(NAME, WHICH, FORM, ...)                                                    \
	{                                                                                   \
		.name = NAME, .form = USHER_NETLINK_##FORM, .from = NETLINK_FROM_STRUCTURE, \
		.at = TCA_TBF_PARMS, .within = offsetof(struct tc_tbf_qopt, WHICH),         \
		.whole = sizeof(struct tc_tbf_qopt), ##__VA_ARGS__                          \
	}

/* The structure of which the value is a part. */
static bool tbf_of(const struct netlink_field *field, const uint8_t *value, size_t size,
		   struct tc_tbf_qopt *ret) {
	if (size + field->within < sizeof *ret)
		return false;
	memcpy(ret, value - field->within, sizeof *ret);
	return true;
}

static int tbf_rate_decode(struct decoding *decoding, const struct netlink_field *field,
			   const uint8_t *value, size_t size) {
	return rate_decode(decoding, field, value, size, TCA_TBF_RATE64);
}

static int tbf_peak_decode(struct decoding *decoding, const struct netlink_field *field,
			   const uint8_t *value, size_t size) {
	struct tc_tbf_qopt options;

	if (!tbf_of(field, value, size, &options) || options.peakrate.rate == 0)
		return 1;
	return rate_decode(decoding, field, value, size, TCA_TBF_PRATE64);
}

static int tbf_burst_decode(struct decoding *decoding, const struct netlink_field *field,
			    const uint8_t *value, size_t size) {
	struct tc_tbf_qopt options;
	uint64_t rate;

	if (!tbf_of(field, value, size, &options))
		return 1;
	rate = rate_wide(decoding, options.rate.rate, TCA_TBF_RATE64);
	return decoding_set_number(decoding, field, rate_ticks_to_bytes(rate, options.buffer));
}

static int tbf_mtu_decode(struct decoding *decoding, const struct netlink_field *field,
			  const uint8_t *value, size_t size) {
	struct tc_tbf_qopt options;
	uint64_t rate;

	if (!tbf_of(field, value, size, &options) || options.peakrate.rate == 0)
		return 1;
	rate = rate_wide(decoding, options.peakrate.rate, TCA_TBF_PRATE64);
	return decoding_set_number(decoding, field, rate_ticks_to_bytes(rate, options.mtu));
}

/* How long the last packet of a full queue waits. */
static int tbf_latency_decode(struct decoding *decoding, const struct netlink_field *field,
			      const uint8_t *value, size_t size) {
	struct tc_tbf_qopt options;
	uint64_t rate, usec, burst;

	if (!tbf_of(field, value, size, &options))
		return 1;
	rate = rate_wide(decoding, options.rate.rate, TCA_TBF_RATE64);
	usec = rate > 0 ? options.limit * UINT64_C(1000000) / rate : 0;
	burst = rate_ticks_to_usec(options.buffer);
	return decoding_set_number(decoding, field, usec > burst ? usec - burst : 0);
}

/* The link layer must be named, else the kernel looks for it in a table of times. */
static int tbf_rate_encode(struct encoding *encoding, const struct netlink_field *field,
			   const void *value) {
	const bool peak = field->within == offsetof(struct tc_tbf_qopt, peakrate.rate);
	struct tc_tbf_qopt *options;
	uint64_t rate;
	uint32_t low;
	int r = encode_number(encoding, field, value, &rate);

	if (r != 0)
		return r;
	low = rate_put(encoding, peak ? TCA_TBF_PRATE64 : TCA_TBF_RATE64, rate);
	options = encode_structure(encoding, TCA_TBF_PARMS, sizeof *options);
	if (!options)
		return 0;
	*(peak ? &options->peakrate : &options->rate) =
		(struct tc_ratespec){ .rate = low, .linklayer = TC_LINKLAYER_ETHERNET };
	return 0;
}

/* The kernel takes these in bytes since Linux 3.15, and reckons the time itself. */
static int tbf_burst_encode(struct encoding *encoding, const struct netlink_field *field,
			    const void *value) {
	const bool burst = field->within == offsetof(struct tc_tbf_qopt, buffer);
	uint64_t number;
	int r = encode_number(encoding, field, value, &number);

	if (r == 0)
		encode_put_u32(encoding, burst ? TCA_TBF_BURST : TCA_TBF_PBURST, (uint32_t)number);
	return r;
}

/* As many bytes as go out in that time, and the burst. `limit` comes behind it, and wins. */
static int tbf_latency_encode(struct encoding *encoding, const struct netlink_field *field,
			      const void *value) {
	const Usher__Value *rate_value = encode_member(encoding->row, "rate");
	const Usher__Value *burst_value = encode_member(encoding->row, "burst");
	struct tc_tbf_qopt *options = encode_structure(encoding, TCA_TBF_PARMS, sizeof *options);
	uint64_t usec, limit;
	int r;

	if (!rate_value || !rate_value->has_number)
		return encode_refuse(encoding, field, "needs a rate that is a number");
	r = encode_number(encoding, field, value, &usec);
	if (r != 0 || !options)
		return r;
	limit = rate_value->number / 1000000 * usec +
		rate_value->number % 1000000 * usec / 1000000 +
		(burst_value && burst_value->has_number ? burst_value->number : 0);
	options->limit = limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
	return 0;
}

static const struct netlink_field tbf_fields[] = {
	TBF_WIDE("rate", rate.rate, U64, RATE, .decode = tbf_rate_decode,
		 .encode = tbf_rate_encode),
	TBF_WIDE("burst", buffer, U32, OCTETS, .decode = tbf_burst_decode,
		 .encode = tbf_burst_encode),
	TBF_WIDE("peakrate", peakrate.rate, U64, RATE, .decode = tbf_peak_decode,
		 .encode = tbf_rate_encode),
	TBF_WIDE("mtu", mtu, U32, OCTETS, .decode = tbf_mtu_decode, .encode = tbf_burst_encode),
	/* which the kernel takes, and does not tell */
	ATTRIBUTE("burst", TCA_TBF_BURST, U32, OCTETS),
	ATTRIBUTE("mtu", TCA_TBF_PBURST, U32, OCTETS),
	TBF_WIDE("latency", limit, U32, USEC, .decode = tbf_latency_decode,
		 .encode = tbf_latency_encode),
	TBF("limit", limit, U32, OCTETS),
	TBF("mpu", rate.mpu, U16, OCTETS),
	TBF("overhead", rate.overhead, U16, OCTETS),
	TBF("linklayer", rate.linklayer, U8, .words = &netlink_link_layers),
	{},
};
NESTED(tbf, "qdisc.options.tbf");

/* ---- htb ---- */

static void htb_begin(struct encoding *encoding) {
	struct tc_htb_glob *options = encode_structure(encoding, TCA_HTB_INIT, sizeof *options);

	if (options)
		*options = (struct tc_htb_glob){ .version = TC_HTB_PROTOVER, .rate2quantum = 10 };
}

#define HTB(NAME, WHICH, FORM, ...) \
	PART(NAME, TCA_HTB_INIT, struct tc_htb_glob, WHICH, FORM, ##__VA_ARGS__)

/* The kernel puts 17 bits for its version of this in front of the one that it was given. */
static const struct netlink_field htb_fields[] = {
	HTB("version", version, U32, TOLD),
	HTB("rate2quantum", rate2quantum, U32),
	HTB("defcls", defcls, U32),
	HTB("debug", debug, U32),
	HTB("direct-pkts", direct_pkts, U32, TOLD),
	ATTRIBUTE("direct-qlen", TCA_HTB_DIRECT_QLEN, U32),
	FLAG("offload", TCA_HTB_OFFLOAD),
	{},
};
NESTED(htb, "qdisc.options.htb", .begin = htb_begin);

/* ---- hfsc, drr ---- */

static const struct netlink_field hfsc_fields[] = {
	MEMBER("defcls", struct tc_hfsc_qopt, defcls, U16),
	{},
};
NESTED(hfsc, "qdisc.options.hfsc", .fixed = sizeof(struct tc_hfsc_qopt), .structure = true);

static const struct netlink_field nothing_fields[] = { {} };
NESTED(nothing, "qdisc.options.none");

/* ---- what drops early ---- */

static const struct netlink_words red_flags =
	NETLINK_BITS({ TC_RED_ECN, "ecn" }, { TC_RED_HARDDROP, "harddrop" },
		     { TC_RED_ADAPTATIVE, "adaptive" }, { TC_RED_NODROP, "nodrop" });

#define THRESHOLDS(NUMBER, STRUCTURE)                                \
	PART("limit", NUMBER, STRUCTURE, limit, U32),                \
		PART("qth-min", NUMBER, STRUCTURE, qth_min, U32),    \
		PART("qth-max", NUMBER, STRUCTURE, qth_max, U32),    \
		PART("wlog", NUMBER, STRUCTURE, Wlog, U8),           \
		PART("plog", NUMBER, STRUCTURE, Plog, U8),           \
		PART("scell-log", NUMBER, STRUCTURE, Scell_log, U8), \
		PART("flags", NUMBER, STRUCTURE, flags, U8, .words = &red_flags)

static const struct netlink_field red_fields[] = {
	THRESHOLDS(TCA_RED_PARMS, struct tc_red_qopt),
	/* all of them, since Linux 5.7 */
	PART("flags", TCA_RED_FLAGS, struct nla_bitfield32, value, U8, .words = &red_flags),
	ATTRIBUTE("stab", TCA_RED_STAB, BYTES),
	ATTRIBUTE("max-p", TCA_RED_MAX_P, U32),
	ATTRIBUTE("early-drop-block", TCA_RED_EARLY_DROP_BLOCK, U32),
	ATTRIBUTE("mark-block", TCA_RED_MARK_BLOCK, U32),
	{},
};
NESTED(red, "qdisc.options.red");

static const struct netlink_field choke_fields[] = {
	THRESHOLDS(TCA_CHOKE_PARMS, struct tc_choke_qopt),
	ATTRIBUTE("stab", TCA_CHOKE_STAB, BYTES),
	ATTRIBUTE("max-p", TCA_CHOKE_MAX_P, U32),
	{},
};
NESTED(choke, "qdisc.options.choke");

static const struct netlink_field gred_queue_fields[] = {
	ATTRIBUTE("dp", TCA_GRED_VQ_DP, U32),
	ATTRIBUTE("stat-bytes", TCA_GRED_VQ_STAT_BYTES, U64, TOLD, OCTETS),
	ATTRIBUTE("stat-packets", TCA_GRED_VQ_STAT_PACKETS, U32, TOLD),
	ATTRIBUTE("stat-backlog", TCA_GRED_VQ_STAT_BACKLOG, U32, TOLD, OCTETS),
	ATTRIBUTE("stat-prob-drop", TCA_GRED_VQ_STAT_PROB_DROP, U32, TOLD),
	ATTRIBUTE("stat-prob-mark", TCA_GRED_VQ_STAT_PROB_MARK, U32, TOLD),
	ATTRIBUTE("stat-forced-drop", TCA_GRED_VQ_STAT_FORCED_DROP, U32, TOLD),
	ATTRIBUTE("stat-forced-mark", TCA_GRED_VQ_STAT_FORCED_MARK, U32, TOLD),
	ATTRIBUTE("stat-pdrop", TCA_GRED_VQ_STAT_PDROP, U32, TOLD),
	ATTRIBUTE("stat-other", TCA_GRED_VQ_STAT_OTHER, U32, TOLD),
	ATTRIBUTE("flags", TCA_GRED_VQ_FLAGS, U32, .words = &red_flags),
	{},
};
NESTED(gred_queue, "qdisc.options.gred.vq-list", .element = TCA_GRED_VQ_ENTRY);

static const struct netlink_field gred_fields[] = {
	PART("dps", TCA_GRED_DPS, struct tc_gred_sopt, DPs, U32),
	PART("def-dp", TCA_GRED_DPS, struct tc_gred_sopt, def_DP, U32),
	PART("grio", TCA_GRED_DPS, struct tc_gred_sopt, grio, U8),
	PART("flags", TCA_GRED_DPS, struct tc_gred_sopt, flags, U8, .words = &red_flags),
	ATTRIBUTE("limit", TCA_GRED_LIMIT, U32, OCTETS),
	ATTRIBUTE("max-p", TCA_GRED_MAX_P, LIST, ARRAY(u32)),
	ATTRIBUTE("vq-list", TCA_GRED_VQ_LIST, OBJECTS, .nested = &gred_queue),
	{},
};
NESTED(gred, "qdisc.options.gred");

#define SFB(NAME, WHICH, ...) \
	PART(NAME, TCA_SFB_PARMS, struct tc_sfb_qopt, WHICH, U32, ##__VA_ARGS__)

static const struct netlink_field sfb_fields[] = {
	SFB("rehash-interval", rehash_interval, .unit = "milliseconds"),
	SFB("warmup-time", warmup_time, .unit = "milliseconds"),
	SFB("max", max),
	SFB("bin-size", bin_size),
	SFB("increment", increment),
	SFB("decrement", decrement),
	SFB("limit", limit),
	SFB("penalty-rate", penalty_rate),
	SFB("penalty-burst", penalty_burst),
	{},
};
NESTED(sfb, "qdisc.options.sfb");

/* ---- what is fair ---- */

#define SFQ(NAME, WHICH, FORM, ...) MEMBER(NAME, struct tc_sfq_qopt_v1, WHICH, FORM, ##__VA_ARGS__)

static const struct netlink_field sfq_fields[] = {
	SFQ("quantum", v0.quantum, U32, OCTETS),
	SFQ("perturb-period", v0.perturb_period, S32, .unit = "seconds"),
	SFQ("limit", v0.limit, U32),
	SFQ("divisor", v0.divisor, U32),
	SFQ("flows", v0.flows, U32),
	SFQ("depth", depth, U32),
	SFQ("headdrop", headdrop, U32),
	SFQ("red-limit", limit, U32, OCTETS),
	SFQ("qth-min", qth_min, U32, OCTETS),
	SFQ("qth-max", qth_max, U32, OCTETS),
	SFQ("wlog", Wlog, U8),
	SFQ("plog", Plog, U8),
	SFQ("scell-log", Scell_log, U8),
	SFQ("flags", flags, U8, .words = &red_flags),
	SFQ("max-p", max_P, U32),
	SFQ("prob-drop", stats.prob_drop, U32, TOLD),
	SFQ("forced-drop", stats.forced_drop, U32, TOLD),
	SFQ("prob-mark", stats.prob_mark, U32, TOLD),
	SFQ("forced-mark", stats.forced_mark, U32, TOLD),
	SFQ("prob-mark-head", stats.prob_mark_head, U32, TOLD),
	SFQ("forced-mark-head", stats.forced_mark_head, U32, TOLD),
	{},
};
NESTED(sfq, "qdisc.options.sfq", .fixed = sizeof(struct tc_sfq_qopt_v1), .structure = true);

static const struct netlink_field codel_fields[] = {
	ATTRIBUTE("target", TCA_CODEL_TARGET, U32, USEC),
	ATTRIBUTE("limit", TCA_CODEL_LIMIT, U32),
	ATTRIBUTE("interval", TCA_CODEL_INTERVAL, U32, USEC),
	ATTRIBUTE("ecn", TCA_CODEL_ECN, U32),
	ATTRIBUTE("ce-threshold", TCA_CODEL_CE_THRESHOLD, U32, USEC),
	{},
};
NESTED(codel, "qdisc.options.codel");

static const struct netlink_field fq_codel_fields[] = {
	ATTRIBUTE("target", TCA_FQ_CODEL_TARGET, U32, USEC),
	ATTRIBUTE("limit", TCA_FQ_CODEL_LIMIT, U32),
	ATTRIBUTE("interval", TCA_FQ_CODEL_INTERVAL, U32, USEC),
	ATTRIBUTE("ecn", TCA_FQ_CODEL_ECN, U32),
	ATTRIBUTE("flows", TCA_FQ_CODEL_FLOWS, U32),
	ATTRIBUTE("quantum", TCA_FQ_CODEL_QUANTUM, U32, OCTETS),
	ATTRIBUTE("ce-threshold", TCA_FQ_CODEL_CE_THRESHOLD, U32, USEC),
	ATTRIBUTE("drop-batch-size", TCA_FQ_CODEL_DROP_BATCH_SIZE, U32),
	ATTRIBUTE("memory-limit", TCA_FQ_CODEL_MEMORY_LIMIT, U32, OCTETS),
	ATTRIBUTE("ce-threshold-selector", TCA_FQ_CODEL_CE_THRESHOLD_SELECTOR, U8),
	ATTRIBUTE("ce-threshold-mask", TCA_FQ_CODEL_CE_THRESHOLD_MASK, U8),
	{},
};
NESTED(fq_codel, "qdisc.options.fq_codel");

/* Since Linux 6.7. */
#define FQ_PRIOMAP         16
#define FQ_WEIGHTS         17
#define FQ_OFFLOAD_HORIZON 18

static const struct netlink_field fq_fields[] = {
	ATTRIBUTE("plimit", TCA_FQ_PLIMIT, U32),
	ATTRIBUTE("flow-plimit", TCA_FQ_FLOW_PLIMIT, U32),
	ATTRIBUTE("quantum", TCA_FQ_QUANTUM, U32, OCTETS),
	ATTRIBUTE("initial-quantum", TCA_FQ_INITIAL_QUANTUM, U32, OCTETS),
	ATTRIBUTE("rate-enable", TCA_FQ_RATE_ENABLE, U32),
	ATTRIBUTE("flow-default-rate", TCA_FQ_FLOW_DEFAULT_RATE, U32, RATE),
	ATTRIBUTE("flow-max-rate", TCA_FQ_FLOW_MAX_RATE, U32, RATE),
	ATTRIBUTE("buckets-log", TCA_FQ_BUCKETS_LOG, U32),
	ATTRIBUTE("flow-refill-delay", TCA_FQ_FLOW_REFILL_DELAY, U32, USEC),
	ATTRIBUTE("orphan-mask", TCA_FQ_ORPHAN_MASK, U32),
	ATTRIBUTE("low-rate-threshold", TCA_FQ_LOW_RATE_THRESHOLD, U32, RATE),
	ATTRIBUTE("ce-threshold", TCA_FQ_CE_THRESHOLD, U32, USEC),
	ATTRIBUTE("timer-slack", TCA_FQ_TIMER_SLACK, U32, NSEC),
	ATTRIBUTE("horizon", TCA_FQ_HORIZON, U32, USEC),
	ATTRIBUTE("horizon-drop", TCA_FQ_HORIZON_DROP, BOOL),
	ATTRIBUTE("priomap", FQ_PRIOMAP, OBJECT, .nested = &prio),
	ATTRIBUTE("weights", FQ_WEIGHTS, LIST, ARRAY(u32)),
	ATTRIBUTE("offload-horizon", FQ_OFFLOAD_HORIZON, U32, USEC),
	{},
};
NESTED(fq, "qdisc.options.fq");

static const struct netlink_field hhf_fields[] = {
	ATTRIBUTE("backlog-limit", TCA_HHF_BACKLOG_LIMIT, U32),
	ATTRIBUTE("quantum", TCA_HHF_QUANTUM, U32, OCTETS),
	ATTRIBUTE("hh-flows-limit", TCA_HHF_HH_FLOWS_LIMIT, U32),
	ATTRIBUTE("reset-timeout", TCA_HHF_RESET_TIMEOUT, U32, USEC),
	ATTRIBUTE("admit-bytes", TCA_HHF_ADMIT_BYTES, U32, OCTETS),
	ATTRIBUTE("evict-timeout", TCA_HHF_EVICT_TIMEOUT, U32, USEC),
	ATTRIBUTE("non-hh-weight", TCA_HHF_NON_HH_WEIGHT, U32),
	{},
};
NESTED(hhf, "qdisc.options.hhf");

static const struct netlink_field pie_fields[] = {
	ATTRIBUTE("target", TCA_PIE_TARGET, U32, USEC),
	ATTRIBUTE("limit", TCA_PIE_LIMIT, U32),
	ATTRIBUTE("tupdate", TCA_PIE_TUPDATE, U32, USEC),
	ATTRIBUTE("alpha", TCA_PIE_ALPHA, U32),
	ATTRIBUTE("beta", TCA_PIE_BETA, U32),
	ATTRIBUTE("ecn", TCA_PIE_ECN, U32),
	ATTRIBUTE("bytemode", TCA_PIE_BYTEMODE, U32),
	ATTRIBUTE("dq-rate-estimator", TCA_PIE_DQ_RATE_ESTIMATOR, U32),
	{},
};
NESTED(pie, "qdisc.options.pie");

static const struct netlink_field fq_pie_fields[] = {
	ATTRIBUTE("limit", TCA_FQ_PIE_LIMIT, U32),
	ATTRIBUTE("flows", TCA_FQ_PIE_FLOWS, U32),
	ATTRIBUTE("target", TCA_FQ_PIE_TARGET, U32, USEC),
	ATTRIBUTE("tupdate", TCA_FQ_PIE_TUPDATE, U32, USEC),
	ATTRIBUTE("alpha", TCA_FQ_PIE_ALPHA, U32),
	ATTRIBUTE("beta", TCA_FQ_PIE_BETA, U32),
	ATTRIBUTE("quantum", TCA_FQ_PIE_QUANTUM, U32, OCTETS),
	ATTRIBUTE("memory-limit", TCA_FQ_PIE_MEMORY_LIMIT, U32, OCTETS),
	ATTRIBUTE("ecn-prob", TCA_FQ_PIE_ECN_PROB, U32),
	ATTRIBUTE("ecn", TCA_FQ_PIE_ECN, U32),
	ATTRIBUTE("bytemode", TCA_FQ_PIE_BYTEMODE, U32),
	ATTRIBUTE("dq-rate-estimator", TCA_FQ_PIE_DQ_RATE_ESTIMATOR, U32),
	{},
};
NESTED(fq_pie, "qdisc.options.fq_pie");

/* ---- cake ---- */

static const struct netlink_words cake_services =
	NETLINK_WORDS({ CAKE_DIFFSERV_DIFFSERV3, "diffserv3" },
		      { CAKE_DIFFSERV_DIFFSERV4, "diffserv4" },
		      { CAKE_DIFFSERV_DIFFSERV8, "diffserv8" },
		      { CAKE_DIFFSERV_BESTEFFORT, "besteffort" },
		      { CAKE_DIFFSERV_PRECEDENCE, "precedence" });
static const struct netlink_words cake_flows =
	NETLINK_WORDS({ CAKE_FLOW_NONE, "flowblind" }, { CAKE_FLOW_SRC_IP, "srchost" },
		      { CAKE_FLOW_DST_IP, "dsthost" }, { CAKE_FLOW_HOSTS, "hosts" },
		      { CAKE_FLOW_FLOWS, "flows" }, { CAKE_FLOW_DUAL_SRC, "dual-srchost" },
		      { CAKE_FLOW_DUAL_DST, "dual-dsthost" },
		      { CAKE_FLOW_TRIPLE, "triple-isolate" });
static const struct netlink_words cake_layers =
	NETLINK_WORDS({ CAKE_ATM_NONE, "noatm" }, { CAKE_ATM_ATM, "atm" }, { CAKE_ATM_PTM, "ptm" });
static const struct netlink_words cake_acknowledgements =
	NETLINK_WORDS({ CAKE_ACK_NONE, "disabled" }, { CAKE_ACK_FILTER, "enabled" },
		      { CAKE_ACK_AGGRESSIVE, "aggressive" });

static const struct netlink_field cake_fields[] = {
	ATTRIBUTE("base-rate64", TCA_CAKE_BASE_RATE64, U64, RATE),
	ATTRIBUTE("diffserv-mode", TCA_CAKE_DIFFSERV_MODE, U32, .words = &cake_services),
	ATTRIBUTE("atm", TCA_CAKE_ATM, U32, .words = &cake_layers),
	ATTRIBUTE("flow-mode", TCA_CAKE_FLOW_MODE, U32, .words = &cake_flows),
	ATTRIBUTE("overhead", TCA_CAKE_OVERHEAD, S32, OCTETS),
	ATTRIBUTE("rtt", TCA_CAKE_RTT, U32, USEC),
	ATTRIBUTE("target", TCA_CAKE_TARGET, U32, USEC),
	ATTRIBUTE("autorate", TCA_CAKE_AUTORATE, U32),
	ATTRIBUTE("memory", TCA_CAKE_MEMORY, U32, OCTETS),
	ATTRIBUTE("nat", TCA_CAKE_NAT, U32),
	ATTRIBUTE("raw", TCA_CAKE_RAW, U32),
	ATTRIBUTE("wash", TCA_CAKE_WASH, U32),
	ATTRIBUTE("mpu", TCA_CAKE_MPU, U32, OCTETS),
	ATTRIBUTE("ingress", TCA_CAKE_INGRESS, U32),
	ATTRIBUTE("ack-filter", TCA_CAKE_ACK_FILTER, U32, .words = &cake_acknowledgements),
	ATTRIBUTE("split-gso", TCA_CAKE_SPLIT_GSO, U32),
	ATTRIBUTE("fwmark", TCA_CAKE_FWMARK, U32),
	{},
};
NESTED(cake, "qdisc.options.cake");

/* ---- netem ---- */

static void netem_begin(struct encoding *encoding) {
	struct tc_netem_qopt *header = encode_header(encoding);

	if (header)
		header->limit = 1000;
}

static const struct netlink_field states_fields[] = {
	MEMBER("p13", struct tc_netem_gimodel, p13, U32),
	MEMBER("p31", struct tc_netem_gimodel, p31, U32),
	MEMBER("p32", struct tc_netem_gimodel, p32, U32),
	MEMBER("p14", struct tc_netem_gimodel, p14, U32),
	MEMBER("p23", struct tc_netem_gimodel, p23, U32),
	{},
};
NESTED(states, "qdisc.options.netem.loss-model.gi", .fixed = sizeof(struct tc_netem_gimodel),
       .structure = true);

static const struct netlink_field gilbert_fields[] = {
	MEMBER("p", struct tc_netem_gemodel, p, U32),
	MEMBER("r", struct tc_netem_gemodel, r, U32),
	MEMBER("h", struct tc_netem_gemodel, h, U32),
	MEMBER("k1", struct tc_netem_gemodel, k1, U32),
	{},
};
NESTED(gilbert, "qdisc.options.netem.loss-model.ge", .fixed = sizeof(struct tc_netem_gemodel),
       .structure = true);

static const struct netlink_field loss_fields[] = {
	ATTRIBUTE("gi", NETEM_LOSS_GI, OBJECT, .nested = &states),
	ATTRIBUTE("ge", NETEM_LOSS_GE, OBJECT, .nested = &gilbert),
	{},
};
NESTED(loss, "qdisc.options.netem.loss-model");

static const struct netlink_field slot_fields[] = {
	MEMBER("min-delay", struct tc_netem_slot, min_delay, S64, NSEC),
	MEMBER("max-delay", struct tc_netem_slot, max_delay, S64, NSEC),
	MEMBER("max-packets", struct tc_netem_slot, max_packets, S32),
	MEMBER("max-bytes", struct tc_netem_slot, max_bytes, S32, OCTETS),
	MEMBER("dist-delay", struct tc_netem_slot, dist_delay, S64, NSEC),
	MEMBER("dist-jitter", struct tc_netem_slot, dist_jitter, S64, NSEC),
	{},
};
NESTED(slot, "qdisc.options.netem.slot", .fixed = sizeof(struct tc_netem_slot), .structure = true);

static int netem_rate_decode(struct decoding *decoding, const struct netlink_field *field,
			     const uint8_t *value, size_t size) {
	return rate_decode(decoding, field, value, size, TCA_NETEM_RATE64);
}

static int netem_rate_encode(struct encoding *encoding, const struct netlink_field *field,
			     const void *value) {
	struct tc_netem_rate *options;
	uint64_t rate;
	uint32_t low;
	int r = encode_number(encoding, field, value, &rate);

	if (r != 0)
		return r;
	low = rate_put(encoding, TCA_NETEM_RATE64, rate);
	options = encode_structure(encoding, TCA_NETEM_RATE, sizeof *options);
	if (options)
		options->rate = low;
	return 0;
}

#define CORRELATION(NAME, WHICH) PART(NAME, TCA_NETEM_CORR, struct tc_netem_corr, WHICH, U32)

/* Before Linux 4.15 times were ticks only. */
static int netem_ticks_decode(struct decoding *decoding, const struct netlink_field *field,
			      const uint8_t *value, size_t size) {
	uint32_t ticks;

	if (size < sizeof ticks)
		return 1;
	memcpy(&ticks, value, sizeof ticks);
	return decoding_set_signed(decoding, field, (int64_t)ticks * RATE_TICK_NSEC);
}

/* Chances are of 2^32. */
static const struct netlink_field netem_fields[] = {
	ATTRIBUTE("latency", TCA_NETEM_LATENCY64, S64, NSEC),
	ATTRIBUTE("jitter", TCA_NETEM_JITTER64, S64, NSEC),
	MEMBER("latency", struct tc_netem_qopt, latency, S64, NSEC, .decode = netem_ticks_decode),
	MEMBER("jitter", struct tc_netem_qopt, jitter, S64, NSEC, .decode = netem_ticks_decode),
	MEMBER("limit", struct tc_netem_qopt, limit, U32),
	MEMBER("loss", struct tc_netem_qopt, loss, U32),
	MEMBER("gap", struct tc_netem_qopt, gap, U32),
	MEMBER("duplicate", struct tc_netem_qopt, duplicate, U32),
	CORRELATION("delay-corr", delay_corr),
	CORRELATION("loss-corr", loss_corr),
	CORRELATION("dup-corr", dup_corr),
	PART("reorder", TCA_NETEM_REORDER, struct tc_netem_reorder, probability, U32),
	PART("reorder-corr", TCA_NETEM_REORDER, struct tc_netem_reorder, correlation, U32),
	PART("corrupt", TCA_NETEM_CORRUPT, struct tc_netem_corrupt, probability, U32),
	PART("corrupt-corr", TCA_NETEM_CORRUPT, struct tc_netem_corrupt, correlation, U32),
	{ .name = "rate",
	  .form = USHER_NETLINK_U64,
	  .from = NETLINK_FROM_STRUCTURE,
	  .at = TCA_NETEM_RATE,
	  .within = offsetof(struct tc_netem_rate, rate),
	  .whole = sizeof(struct tc_netem_rate),
	  RATE,
	  .decode = netem_rate_decode,
	  .encode = netem_rate_encode },
	PART("packet-overhead", TCA_NETEM_RATE, struct tc_netem_rate, packet_overhead, S32, OCTETS),
	PART("cell-size", TCA_NETEM_RATE, struct tc_netem_rate, cell_size, U32, OCTETS),
	PART("cell-overhead", TCA_NETEM_RATE, struct tc_netem_rate, cell_overhead, S32, OCTETS),
	ATTRIBUTE("ecn", TCA_NETEM_ECN, U32),
	ATTRIBUTE("loss-model", TCA_NETEM_LOSS, OBJECT, .nested = &loss),
	ATTRIBUTE("slot", TCA_NETEM_SLOT, OBJECT, .nested = &slot),
	ATTRIBUTE("seed", 15, U64), /* since Linux 6.7 */
	{},
};
NESTED(netem, "qdisc.options.netem", .fixed = sizeof(struct tc_netem_qopt), .begin = netem_begin);

/* ---- queues of hardware ---- */

static const struct netlink_words mqprio_modes =
	NETLINK_WORDS({ TC_MQPRIO_MODE_DCB, "dcb" }, { TC_MQPRIO_MODE_CHANNEL, "channel" });
static const struct netlink_words mqprio_shapers =
	NETLINK_WORDS({ TC_MQPRIO_SHAPER_DCB, "dcb" }, { TC_MQPRIO_SHAPER_BW_RATE, "bw_rlimit" });

#define MQPRIO_FIELDS                                                                              \
	MEMBER("num-tc", struct tc_mqprio_qopt, num_tc, U8),                                       \
		MEMBER("prio-tc-map", struct tc_mqprio_qopt, prio_tc_map, LIST, MEMBER_ARRAY(u8)), \
		MEMBER("hw", struct tc_mqprio_qopt, hw, U8),                                       \
		MEMBER("count", struct tc_mqprio_qopt, count, LIST, MEMBER_ARRAY(u16)),            \
		MEMBER("offset", struct tc_mqprio_qopt, offset, LIST, MEMBER_ARRAY(u16))

static const struct netlink_field mqprio_rate_fields[] = { ELEMENT(U64), {} };
NESTED(mqprio_rate, "qdisc.options.mqprio.rate");

static const struct netlink_field mqprio_fields[] = {
	MQPRIO_FIELDS,
	ATTRIBUTE("mode", TCA_MQPRIO_MODE, U16, .words = &mqprio_modes),
	ATTRIBUTE("shaper", TCA_MQPRIO_SHAPER, U16, .words = &mqprio_shapers),
	ATTRIBUTE("min-rate64", TCA_MQPRIO_MIN_RATE64, LIST, RATE, .nested = &mqprio_rate),
	ATTRIBUTE("max-rate64", TCA_MQPRIO_MAX_RATE64, LIST, RATE, .nested = &mqprio_rate),
	{},
};
/* Linux 6.1 pads the structure, so that the attributes are aligned. */
NESTED(mqprio, "qdisc.options.mqprio", .fixed = NLA_ALIGN(sizeof(struct tc_mqprio_qopt)));

static const struct netlink_field traffic_map_fields[] = { MQPRIO_FIELDS, {} };
NESTED(traffic_map, "qdisc.options.taprio.priomap", .fixed = sizeof(struct tc_mqprio_qopt),
       .structure = true);

static const struct netlink_words gates =
	NETLINK_WORDS({ TC_TAPRIO_CMD_SET_GATES, "S" }, { TC_TAPRIO_CMD_SET_AND_HOLD, "H" },
		      { TC_TAPRIO_CMD_SET_AND_RELEASE, "R" });
static const struct netlink_words taprio_flags =
	NETLINK_BITS({ 1 << 0, "txtime-assist" }, { 1 << 1, "full-offload" });

static const struct netlink_field schedule_fields[] = {
	ATTRIBUTE("index", TCA_TAPRIO_SCHED_ENTRY_INDEX, U32),
	ATTRIBUTE("cmd", TCA_TAPRIO_SCHED_ENTRY_CMD, U8, .words = &gates),
	ATTRIBUTE("gate-mask", TCA_TAPRIO_SCHED_ENTRY_GATE_MASK, U32),
	ATTRIBUTE("interval", TCA_TAPRIO_SCHED_ENTRY_INTERVAL, U32, NSEC),
	{},
};
NESTED(schedule, "qdisc.options.taprio.sched-entry-list", .element = TCA_TAPRIO_SCHED_ENTRY);

static const struct netlink_field class_entry_fields[] = {
	ATTRIBUTE("index", TCA_TAPRIO_TC_ENTRY_INDEX, U32),
	ATTRIBUTE("max-sdu", TCA_TAPRIO_TC_ENTRY_MAX_SDU, U32, OCTETS),
	ATTRIBUTE("fp", 3, U32), /* since Linux 6.4 */
	{},
};
NESTED(class_entry, "qdisc.options.taprio.tc-entry");

#define TAPRIO_SCHEDULE                                                                     \
	ATTRIBUTE("sched-entry-list", TCA_TAPRIO_ATTR_SCHED_ENTRY_LIST, OBJECTS,            \
		  .nested = &schedule),                                                     \
		ATTRIBUTE("sched-base-time", TCA_TAPRIO_ATTR_SCHED_BASE_TIME, S64, NSEC),   \
		ATTRIBUTE("sched-cycle-time", TCA_TAPRIO_ATTR_SCHED_CYCLE_TIME, S64, NSEC), \
		ATTRIBUTE("sched-cycle-time-extension",                                     \
			  TCA_TAPRIO_ATTR_SCHED_CYCLE_TIME_EXTENSION, S64, NSEC)

static const struct netlink_field coming_fields[] = { TAPRIO_SCHEDULE, {} };
NESTED(coming, "qdisc.options.taprio.admin-sched");

static const struct netlink_field taprio_fields[] = {
	ATTRIBUTE("priomap", TCA_TAPRIO_ATTR_PRIOMAP, OBJECT, .nested = &traffic_map),
	TAPRIO_SCHEDULE,
	ATTRIBUTE("sched-clockid", TCA_TAPRIO_ATTR_SCHED_CLOCKID, S32),
	ATTRIBUTE("admin-sched", TCA_TAPRIO_ATTR_ADMIN_SCHED, OBJECT, TOLD, .nested = &coming),
	ATTRIBUTE("flags", TCA_TAPRIO_ATTR_FLAGS, U32, .words = &taprio_flags),
	ATTRIBUTE("txtime-delay", TCA_TAPRIO_ATTR_TXTIME_DELAY, U32, NSEC),
	ATTRIBUTE("tc-entry", TCA_TAPRIO_ATTR_TC_ENTRY, OBJECTS, .nested = &class_entry,
		  .repeated = true),
	{},
};
NESTED(taprio, "qdisc.options.taprio");

#define CBS(NAME, WHICH, FORM) PART(NAME, TCA_CBS_PARMS, struct tc_cbs_qopt, WHICH, FORM)

static const struct netlink_field cbs_fields[] = {
	CBS("offload", offload, U8),      CBS("hicredit", hicredit, S32),
	CBS("locredit", locredit, S32),   CBS("idleslope", idleslope, S32),
	CBS("sendslope", sendslope, S32), {},
};
NESTED(cbs, "qdisc.options.cbs");

static const struct netlink_words etf_flags =
	NETLINK_BITS({ TC_ETF_DEADLINE_MODE_ON, "deadline-mode" }, { TC_ETF_OFFLOAD_ON, "offload" },
		     { TC_ETF_SKIP_SOCK_CHECK, "skip-sock-check" });

static const struct netlink_field etf_fields[] = {
	PART("delta", TCA_ETF_PARMS, struct tc_etf_qopt, delta, S32, NSEC),
	PART("clockid", TCA_ETF_PARMS, struct tc_etf_qopt, clockid, S32),
	PART("flags", TCA_ETF_PARMS, struct tc_etf_qopt, flags, U32, .words = &etf_flags),
	{},
};
NESTED(etf, "qdisc.options.etf");

static const struct netlink_field quanta_fields[] = {
	ELEMENT(U32, .at = TCA_ETS_QUANTA_BAND),
	{},
};
NESTED(quanta, "qdisc.options.ets.quanta");

static const struct netlink_field bands_fields[] = {
	ELEMENT(U8, .at = TCA_ETS_PRIOMAP_BAND),
	{},
};
NESTED(bands, "qdisc.options.ets.priomap");

static const struct netlink_field ets_fields[] = {
	ATTRIBUTE("nbands", TCA_ETS_NBANDS, U8),
	ATTRIBUTE("nstrict", TCA_ETS_NSTRICT, U8),
	ATTRIBUTE("quanta", TCA_ETS_QUANTA, LIST, OCTETS, .nested = &quanta),
	ATTRIBUTE("priomap", TCA_ETS_PRIOMAP, LIST, .nested = &bands),
	{},
};
NESTED(ets, "qdisc.options.ets");

const struct netlink_variant netlink_qdisc_kinds[] = {
	{ "bfifo", &fifo },
	{ "cake", &cake },
	{ "cbs", &cbs },
	{ "choke", &choke },
	{ "clsact", &nothing },
	{ "codel", &codel },
	{ "drr", &nothing },
	{ "etf", &etf },
	{ "ets", &ets },
	{ "fq", &fq },
	{ "fq_codel", &fq_codel },
	{ "fq_pie", &fq_pie },
	{ "gred", &gred },
	{ "hfsc", &hfsc },
	{ "hhf", &hhf },
	{ "htb", &htb },
	{ "ingress", &nothing },
	{ "mq", &nothing },
	{ "mqprio", &mqprio },
	{ "multiq", &multiq },
	{ "netem", &netem },
	{ "noqueue", &nothing },
	{ "pfifo", &fifo },
	{ "pfifo_fast", &prio },
	{ "pfifo_head_drop", &fifo },
	{ "pie", &pie },
	{ "prio", &prio },
	{ "qfq", &nothing },
	{ "red", &red },
	{ "sfb", &sfb },
	{ "sfq", &sfq },
	{ "skbprio", &fifo },
	{ "taprio", &taprio },
	{ "tbf", &tbf },
	UNKNOWN,
};
