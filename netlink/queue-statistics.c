/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What kinds of queues and classes count besides: "xstats". */
#include <linux/pkt_sched.h>
#include <string.h>

#include "decode.h"
#include "traffic.h"
#include "unknown.h"

#define OCTETS .unit = "bytes"
#define USEC   .unit = "microseconds"
#define STRUCTURE(SYMBOL, TYPE) \
	NESTED(SYMBOL, "xstats." #SYMBOL, .fixed = sizeof(struct TYPE), .structure = true)

/* In ticks of 64 ns, which may be owed. */
static const struct netlink_field htb_fields[] = {
	MEMBER("lends", struct tc_htb_xstats, lends, U32),
	MEMBER("borrows", struct tc_htb_xstats, borrows, U32),
	MEMBER("giants", struct tc_htb_xstats, giants, U32),
	MEMBER("tokens", struct tc_htb_xstats, tokens, S32),
	MEMBER("ctokens", struct tc_htb_xstats, ctokens, S32),
	{},
};
STRUCTURE(htb, tc_htb_xstats);

static const struct netlink_field hfsc_fields[] = {
	MEMBER("work", struct tc_hfsc_stats, work, U64, OCTETS),
	MEMBER("rtwork", struct tc_hfsc_stats, rtwork, U64, OCTETS),
	MEMBER("period", struct tc_hfsc_stats, period, U32),
	MEMBER("level", struct tc_hfsc_stats, level, U32),
	{},
};
STRUCTURE(hfsc, tc_hfsc_stats);

static const struct netlink_field drr_fields[] = {
	MEMBER("deficit", struct tc_drr_stats, deficit, U32),
	{},
};
STRUCTURE(drr, tc_drr_stats);

static const struct netlink_field qfq_fields[] = {
	MEMBER("weight", struct tc_qfq_stats, weight, U32),
	MEMBER("lmax", struct tc_qfq_stats, lmax, U32, OCTETS),
	{},
};
STRUCTURE(qfq, tc_qfq_stats);

static const struct netlink_field sfq_fields[] = {
	MEMBER("allot", struct tc_sfq_xstats, allot, S32),
	{},
};
STRUCTURE(sfq, tc_sfq_xstats);

static const struct netlink_field red_fields[] = {
	MEMBER("early", struct tc_red_xstats, early, U32),
	MEMBER("pdrop", struct tc_red_xstats, pdrop, U32),
	MEMBER("other", struct tc_red_xstats, other, U32),
	MEMBER("marked", struct tc_red_xstats, marked, U32),
	{},
};
STRUCTURE(red, tc_red_xstats);

static const struct netlink_field choke_fields[] = {
	MEMBER("early", struct tc_choke_xstats, early, U32),
	MEMBER("pdrop", struct tc_choke_xstats, pdrop, U32),
	MEMBER("other", struct tc_choke_xstats, other, U32),
	MEMBER("marked", struct tc_choke_xstats, marked, U32),
	MEMBER("matched", struct tc_choke_xstats, matched, U32),
	{},
};
STRUCTURE(choke, tc_choke_xstats);

static const struct netlink_field sfb_fields[] = {
	MEMBER("earlydrop", struct tc_sfb_xstats, earlydrop, U32),
	MEMBER("penaltydrop", struct tc_sfb_xstats, penaltydrop, U32),
	MEMBER("bucketdrop", struct tc_sfb_xstats, bucketdrop, U32),
	MEMBER("queuedrop", struct tc_sfb_xstats, queuedrop, U32),
	MEMBER("childdrop", struct tc_sfb_xstats, childdrop, U32),
	MEMBER("marked", struct tc_sfb_xstats, marked, U32),
	MEMBER("maxqlen", struct tc_sfb_xstats, maxqlen, U32),
	MEMBER("maxprob", struct tc_sfb_xstats, maxprob, U32),
	MEMBER("avgprob", struct tc_sfb_xstats, avgprob, U32),
	{},
};
STRUCTURE(sfb, tc_sfb_xstats);

static const struct netlink_field codel_fields[] = {
	MEMBER("maxpacket", struct tc_codel_xstats, maxpacket, U32, OCTETS),
	MEMBER("count", struct tc_codel_xstats, count, U32),
	MEMBER("lastcount", struct tc_codel_xstats, lastcount, U32),
	MEMBER("ldelay", struct tc_codel_xstats, ldelay, U32, USEC),
	MEMBER("drop-next", struct tc_codel_xstats, drop_next, S32, USEC),
	MEMBER("drop-overlimit", struct tc_codel_xstats, drop_overlimit, U32),
	MEMBER("ecn-mark", struct tc_codel_xstats, ecn_mark, U32),
	MEMBER("dropping", struct tc_codel_xstats, dropping, U32),
	MEMBER("ce-mark", struct tc_codel_xstats, ce_mark, U32),
	{},
};
STRUCTURE(codel, tc_codel_xstats);

/* One structure for the queue, one for a flow of it, which is a class: told by the first number. */
static int of_type(struct decoding *decoding, const struct netlink_field *field,
		   const uint8_t *value, size_t size, uint32_t type) {
	const struct decoding_frame *frame = decoding->frame;
	uint32_t is;

	if (frame->size < sizeof is)
		return 1;
	memcpy(&is, frame->value, sizeof is);
	return is == type ? decoding_set_plain(decoding, field, value, size) : 1;
}

static int fq_codel_queue_decode(struct decoding *decoding, const struct netlink_field *field,
				 const uint8_t *value, size_t size) {
	return of_type(decoding, field, value, size, TCA_FQ_CODEL_XSTATS_QDISC);
}

static int fq_codel_flow_decode(struct decoding *decoding, const struct netlink_field *field,
				const uint8_t *value, size_t size) {
	return of_type(decoding, field, value, size, TCA_FQ_CODEL_XSTATS_CLASS);
}

#define FQ_CODEL_QUEUE(NAME, WHICH, ...)                                \
	MEMBER(NAME, struct tc_fq_codel_xstats, qdisc_stats.WHICH, U32, \
	       .decode = fq_codel_queue_decode, ##__VA_ARGS__)
#define FQ_CODEL_FLOW(NAME, WHICH, FORM, ...)                            \
	MEMBER(NAME, struct tc_fq_codel_xstats, class_stats.WHICH, FORM, \
	       .decode = fq_codel_flow_decode, ##__VA_ARGS__)

static const struct netlink_field fq_codel_fields[] = {
	FQ_CODEL_QUEUE("maxpacket", maxpacket, OCTETS),
	FQ_CODEL_QUEUE("drop-overlimit", drop_overlimit),
	FQ_CODEL_QUEUE("ecn-mark", ecn_mark),
	FQ_CODEL_QUEUE("new-flow-count", new_flow_count),
	FQ_CODEL_QUEUE("new-flows-len", new_flows_len),
	FQ_CODEL_QUEUE("old-flows-len", old_flows_len),
	FQ_CODEL_QUEUE("ce-mark", ce_mark),
	FQ_CODEL_QUEUE("memory-usage", memory_usage, OCTETS),
	FQ_CODEL_QUEUE("drop-overmemory", drop_overmemory),
	FQ_CODEL_FLOW("deficit", deficit, S32),
	FQ_CODEL_FLOW("ldelay", ldelay, U32, USEC),
	FQ_CODEL_FLOW("count", count, U32),
	FQ_CODEL_FLOW("lastcount", lastcount, U32),
	FQ_CODEL_FLOW("dropping", dropping, U32),
	FQ_CODEL_FLOW("drop-next", drop_next, S32, USEC),
	{},
};
STRUCTURE(fq_codel, tc_fq_codel_xstats);

static const struct netlink_field fq_fields[] = {
	MEMBER("gc-flows", struct tc_fq_qd_stats, gc_flows, U64),
	MEMBER("highprio-packets", struct tc_fq_qd_stats, highprio_packets, U64),
	MEMBER("tcp-retrans", struct tc_fq_qd_stats, tcp_retrans, U64),
	MEMBER("throttled", struct tc_fq_qd_stats, throttled, U64),
	MEMBER("flows-plimit", struct tc_fq_qd_stats, flows_plimit, U64),
	MEMBER("pkts-too-long", struct tc_fq_qd_stats, pkts_too_long, U64),
	MEMBER("allocation-errors", struct tc_fq_qd_stats, allocation_errors, U64),
	MEMBER("time-next-delayed-flow", struct tc_fq_qd_stats, time_next_delayed_flow, S64,
	       .unit = "nanoseconds"),
	MEMBER("flows", struct tc_fq_qd_stats, flows, U32),
	MEMBER("inactive-flows", struct tc_fq_qd_stats, inactive_flows, U32),
	MEMBER("throttled-flows", struct tc_fq_qd_stats, throttled_flows, U32),
	MEMBER("unthrottle-latency-ns", struct tc_fq_qd_stats, unthrottle_latency_ns, U32,
	       .unit = "nanoseconds"),
	MEMBER("ce-mark", struct tc_fq_qd_stats, ce_mark, U64),
	MEMBER("horizon-drops", struct tc_fq_qd_stats, horizon_drops, U64),
	MEMBER("horizon-caps", struct tc_fq_qd_stats, horizon_caps, U64),
	{},
};
STRUCTURE(fq, tc_fq_qd_stats);

static const struct netlink_field hhf_fields[] = {
	MEMBER("drop-overlimit", struct tc_hhf_xstats, drop_overlimit, U32),
	MEMBER("hh-overlimit", struct tc_hhf_xstats, hh_overlimit, U32),
	MEMBER("hh-tot-count", struct tc_hhf_xstats, hh_tot_count, U32),
	MEMBER("hh-cur-count", struct tc_hhf_xstats, hh_cur_count, U32),
	{},
};
STRUCTURE(hhf, tc_hhf_xstats);

static const struct netlink_field pie_fields[] = {
	MEMBER("prob", struct tc_pie_xstats, prob, U64),
	MEMBER("delay", struct tc_pie_xstats, delay, U32, .unit = "milliseconds"),
	MEMBER("avg-dq-rate", struct tc_pie_xstats, avg_dq_rate, U32),
	MEMBER("dq-rate-estimating", struct tc_pie_xstats, dq_rate_estimating, U32),
	MEMBER("packets-in", struct tc_pie_xstats, packets_in, U32),
	MEMBER("dropped", struct tc_pie_xstats, dropped, U32),
	MEMBER("overlimit", struct tc_pie_xstats, overlimit, U32),
	MEMBER("maxq", struct tc_pie_xstats, maxq, U32),
	MEMBER("ecn-mark", struct tc_pie_xstats, ecn_mark, U32),
	{},
};
STRUCTURE(pie, tc_pie_xstats);

static const struct netlink_field fq_pie_fields[] = {
	MEMBER("packets-in", struct tc_fq_pie_xstats, packets_in, U32),
	MEMBER("dropped", struct tc_fq_pie_xstats, dropped, U32),
	MEMBER("overlimit", struct tc_fq_pie_xstats, overlimit, U32),
	MEMBER("overmemory", struct tc_fq_pie_xstats, overmemory, U32),
	MEMBER("ecn-mark", struct tc_fq_pie_xstats, ecn_mark, U32),
	MEMBER("new-flow-count", struct tc_fq_pie_xstats, new_flow_count, U32),
	MEMBER("new-flows-len", struct tc_fq_pie_xstats, new_flows_len, U32),
	MEMBER("old-flows-len", struct tc_fq_pie_xstats, old_flows_len, U32),
	MEMBER("memory-usage", struct tc_fq_pie_xstats, memory_usage, U32, OCTETS),
	{},
};
STRUCTURE(fq_pie, tc_fq_pie_xstats);

const struct netlink_variant netlink_queue_statistics[] = {
	{ "choke", &choke },       { "codel", &codel },   { "drr", &drr },   { "fq", &fq },
	{ "fq_codel", &fq_codel }, { "fq_pie", &fq_pie }, { "hfsc", &hfsc }, { "hhf", &hhf },
	{ "htb", &htb },           { "pie", &pie },       { "qfq", &qfq },   { "red", &red },
	{ "sfb", &sfb },           { "sfq", &sfq },       UNKNOWN,
};
