/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What queues, classes and filters have in common: traffic control. */
#pragma once

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>

#include "handle.h"
#include "schema.h"
#include "table.h"

/* Of all links that there are, or of the one that was asked for; `dev` is the same. */
#define TRAFFIC_DEVICE                                                         \
	MEMBER("ifindex", struct tcmsg, tcm_ifindex, S32, .unit = "interface", \
	       .filtered = NETLINK_FILTERED_SPECIALLY),                        \
		MEMBER("dev", struct tcmsg, tcm_ifindex, STRING, .decode = decode_device)

extern const struct netlink_words netlink_link_layers; /* of rates */
/* Of "options" by "kind": the queues', the classes', the filters' and the actions'. */
extern const struct netlink_variant netlink_qdisc_kinds[], netlink_class_kinds[],
	netlink_filter_kinds[], netlink_action_kinds[];
/* Of "xstats" by "kind". */
extern const struct netlink_variant netlink_queue_statistics[];
/* A list of these is in a filter. */
extern const struct netlink_schema netlink_action;
/* TCA_STATS2, and in actions TCA_ACT_STATS. */
extern const struct netlink_schema netlink_traffic_statistics;

/* encode() of "kind": with options where the kind does not do without. */
int traffic_kind_encode(struct encoding *encoding, const struct netlink_field *field,
			const void *value);
/* The kind of the row that a message is: true if it is this one. */
bool traffic_is_kind(const struct decoding *decoding, const char *kind);
