/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "traffic.h"

#include <linux/gen_stats.h>
#include <string.h>

#include "decode.h"
#include "encode.h"
#include "fd.h"

#define OCTETS .unit = "bytes"
#define TOLD   .read_only = true

bool traffic_is_kind(const struct decoding *decoding, const char *kind) {
	const uint8_t *value;
	size_t size;

	return netlink_attribute(decoding->message, decoding->size, sizeof(struct tcmsg), TCA_KIND,
				 &value, &size) &&
	       size == strlen(kind) + 1 && memcmp(value, kind, size) == 0;
}

/* What a kind's options begin with is sent even where the row has none. */
int traffic_kind_encode(struct encoding *encoding, const struct netlink_field *field,
			const void *value) {
	const struct netlink_field *options = netlink_field_find(encoding->schema, "options");
	const Usher__Row none = USHER__ROW__INIT;
	Usher__Value empty = USHER__VALUE__INIT;
	_cleanup_free_ char *kind = NULL;
	int r = encode_text(encoding, field, value, &kind);

	if (r != 0)
		return r;
	encode_put_string(encoding, field->at, kind);
	if (!options || encode_member(encoding->row, options->name))
		return 0;
	for (const struct netlink_variant *variant = options->variants; variant->kind; variant++)
		if (strcmp(variant->kind, kind) == 0 && variant->schema->begin) {
			empty.row = (Usher__Row *)&none;
			return encode_field(encoding, options, &empty);
		}
	return 0;
}

/* ---- statistics ---- */

/* More than 32 bits of packets, and of rates, are attributes of their own. */
static int wide_decode(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size, unsigned attribute, size_t within) {
	const struct decoding_frame *frame = decoding->frame;
	const uint8_t *other;
	uint32_t number;
	uint64_t wide;
	size_t n;

	if (size < sizeof number)
		return 1;
	memcpy(&number, value, sizeof number);
	wide = number;
	if (netlink_attribute(frame->attributes, frame->attributes_size, 0, attribute, &other,
			      &n) &&
	    n >= within + sizeof wide)
		memcpy(&wide, other + within, sizeof wide);
	return decoding_set_number(decoding, field, wide);
}

static int packets_decode(struct decoding *decoding, const struct netlink_field *field,
			  const uint8_t *value, size_t size) {
	return wide_decode(decoding, field, value, size, TCA_STATS_PKT64, 0);
}

static int bps_decode(struct decoding *decoding, const struct netlink_field *field,
		      const uint8_t *value, size_t size) {
	return wide_decode(decoding, field, value, size, TCA_STATS_RATE_EST64,
			   offsetof(struct gnet_stats_rate_est64, bps));
}

static int pps_decode(struct decoding *decoding, const struct netlink_field *field,
		      const uint8_t *value, size_t size) {
	return wide_decode(decoding, field, value, size, TCA_STATS_RATE_EST64,
			   offsetof(struct gnet_stats_rate_est64, pps));
}

/* Only cake's own statistics are attributes, and stand here and not beside the options. */
static int cake_decode(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size) {
	return traffic_is_kind(decoding, "cake") ? decoding_set_plain(decoding, field, value, size)
						 : 1;
}

#define TIN(NAME, WHICH, FORM, ...) ATTRIBUTE(NAME, TCA_CAKE_TIN_STATS_##WHICH, FORM, ##__VA_ARGS__)
#define USEC                        .unit = "microseconds"

static const struct netlink_field tin_fields[] = {
	TIN("sent-packets", SENT_PACKETS, U32),
	TIN("sent-bytes64", SENT_BYTES64, U64, OCTETS),
	TIN("dropped-packets", DROPPED_PACKETS, U32),
	TIN("dropped-bytes64", DROPPED_BYTES64, U64, OCTETS),
	TIN("acks-dropped-packets", ACKS_DROPPED_PACKETS, U32),
	TIN("acks-dropped-bytes64", ACKS_DROPPED_BYTES64, U64, OCTETS),
	TIN("ecn-marked-packets", ECN_MARKED_PACKETS, U32),
	TIN("ecn-marked-bytes64", ECN_MARKED_BYTES64, U64, OCTETS),
	TIN("backlog-packets", BACKLOG_PACKETS, U32),
	TIN("backlog-bytes", BACKLOG_BYTES, U32, OCTETS),
	TIN("threshold-rate64", THRESHOLD_RATE64, U64, .unit = "bytes per second"),
	TIN("target-us", TARGET_US, U32, USEC),
	TIN("interval-us", INTERVAL_US, U32, USEC),
	TIN("way-indirect-hits", WAY_INDIRECT_HITS, U32),
	TIN("way-misses", WAY_MISSES, U32),
	TIN("way-collisions", WAY_COLLISIONS, U32),
	TIN("peak-delay-us", PEAK_DELAY_US, U32, USEC),
	TIN("avg-delay-us", AVG_DELAY_US, U32, USEC),
	TIN("base-delay-us", BASE_DELAY_US, U32, USEC),
	TIN("sparse-flows", SPARSE_FLOWS, U32),
	TIN("bulk-flows", BULK_FLOWS, U32),
	TIN("unresponsive-flows", UNRESPONSIVE_FLOWS, U32),
	TIN("max-skblen", MAX_SKBLEN, U32, OCTETS),
	TIN("flow-quantum", FLOW_QUANTUM, U32, OCTETS),
	{},
};
NESTED(tin, "stats.cake.tin-stats");

#define CAKE(NAME, WHICH, FORM, ...) ATTRIBUTE(NAME, TCA_CAKE_STATS_##WHICH, FORM, ##__VA_ARGS__)

static const struct netlink_field cake_fields[] = {
	CAKE("capacity-estimate64", CAPACITY_ESTIMATE64, U64, .unit = "bytes per second"),
	CAKE("memory-limit", MEMORY_LIMIT, U32, OCTETS),
	CAKE("memory-used", MEMORY_USED, U32, OCTETS),
	CAKE("avg-netoff", AVG_NETOFF, U32, OCTETS),
	CAKE("min-netlen", MIN_NETLEN, U32, OCTETS),
	CAKE("max-netlen", MAX_NETLEN, U32, OCTETS),
	CAKE("min-adjlen", MIN_ADJLEN, U32, OCTETS),
	CAKE("max-adjlen", MAX_ADJLEN, U32, OCTETS),
	CAKE("tin-stats", TIN_STATS, OBJECTS, .nested = &tin),
	CAKE("deficit", DEFICIT, S32),
	CAKE("cobalt-count", COBALT_COUNT, U32),
	CAKE("dropping", DROPPING, U32),
	CAKE("drop-next-us", DROP_NEXT_US, S32, USEC),
	CAKE("p-drop", P_DROP, U32),
	CAKE("blue-timer-us", BLUE_TIMER_US, S32, USEC),
	{},
};
NESTED(cake, "stats.cake");

#define QUEUE(NAME, WHICH, ...) \
	PART(NAME, TCA_STATS_QUEUE, struct gnet_stats_queue, WHICH, U32, ##__VA_ARGS__)

static const struct netlink_field statistics_fields[] = {
	PART("bytes", TCA_STATS_BASIC, struct gnet_stats_basic, bytes, U64, OCTETS),
	PART("packets", TCA_STATS_BASIC, struct gnet_stats_basic, packets, U64,
	     .decode = packets_decode),
	QUEUE("drops", drops),
	QUEUE("overlimits", overlimits),
	QUEUE("requeues", requeues),
	QUEUE("backlog", backlog, OCTETS),
	QUEUE("qlen", qlen),
	PART("bps", TCA_STATS_RATE_EST, struct gnet_stats_rate_est, bps, U64,
	     .unit = "bytes per second", .decode = bps_decode),
	PART("pps", TCA_STATS_RATE_EST, struct gnet_stats_rate_est, pps, U64, .decode = pps_decode),
	PART("hw-bytes", TCA_STATS_BASIC_HW, struct gnet_stats_basic, bytes, U64, OCTETS),
	PART("hw-packets", TCA_STATS_BASIC_HW, struct gnet_stats_basic, packets, U32),
	ATTRIBUTE("cake", TCA_STATS_APP, OBJECT, .nested = &cake, .decode = cake_decode),
	{},
};

const struct netlink_schema netlink_traffic_statistics = {
	.name = "stats",
	.fields = statistics_fields,
};
