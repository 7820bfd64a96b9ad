/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The filters of traffic control. The kernel tells those of one parent at a time: the queue that a
 * link sends by, and what comes in and goes out of it where there is an "ingress" or "clsact".
 * Those of other queues and classes are told of who names the parent.
 */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>

#include "decode.h"
#include "encode.h"
#include "ethertype.h"
#include "fd.h"
#include "traffic.h"
#include "types.h"

#define TOLD .read_only = true

/* tcm_info: the priority in its upper half, the protocol in the lower. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PROTOCOL_AT offsetof(struct tcmsg, tcm_info)
#define PRIORITY_AT (offsetof(struct tcmsg, tcm_info) + 2)
#else
#define PROTOCOL_AT (offsetof(struct tcmsg, tcm_info) + 2)
#define PRIORITY_AT offsetof(struct tcmsg, tcm_info)
#endif

/* "800::800" of u32: hash table, bucket, item; of all others a number. */
static int filter_handle_decode(struct decoding *decoding, const struct netlink_field *field,
				const uint8_t *value, size_t size) {
	char text[32];
	uint32_t handle;

	if (size < sizeof handle)
		return 1;
	memcpy(&handle, value, sizeof handle);
	if (handle == 0)
		return 1;
	if (!traffic_is_kind(decoding, "u32")) {
		(void)snprintf(text, sizeof text, "0x%x", handle);
		return decoding_set_string(decoding, field, text);
	}
	(void)snprintf(text, sizeof text, "%x:", TC_U32_USERHTID(handle));
	if (TC_U32_HASH(handle) > 0)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%x",
			       TC_U32_HASH(handle));
	if (TC_U32_NODE(handle) > 0)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), ":%x",
			       TC_U32_NODE(handle));
	return decoding_set_string(decoding, field, text);
}

/* The parts of a u32's handle, each hexadecimal; what is not there is 0. */
static bool parse_u32_handle(const char *text, uint32_t *ret) {
	unsigned table = 0, bucket = 0, item = 0;
	const char *rest = strchr(text, ':');
	int n = 0;

	if (!rest || (rest != text && (sscanf(text, "%3x%n", &table, &n) != 1 || text + n != rest)))
		return false;
	rest++;
	if (*rest != '\0' && *rest != ':') {
		if (sscanf(rest, "%2x%n", &bucket, &n) != 1)
			return false;
		rest += n;
	}
	if (*rest == ':' && rest[1] != '\0') {
		if (sscanf(rest + 1, "%3x%n", &item, &n) != 1)
			return false;
		rest += 1 + n;
	} else if (*rest == ':')
		rest++;
	*ret = table << 20 | bucket << 12 | item;
	return *rest == '\0';
}

static int filter_handle_encode(struct encoding *encoding, const struct netlink_field *field,
				const void *value) {
	struct netlink_field number = *field;
	_cleanup_free_ char *text = NULL;
	uint32_t handle = 0;
	uint64_t wide = 0;
	int r;

	if (((const Usher__Value *)value)->text &&
	    strchr(((const Usher__Value *)value)->text, ':')) {
		r = encode_text(encoding, field, value, &text);
		if (r == 0 && !parse_u32_handle(text, &handle))
			r = encode_refuse(encoding, field, "'%.64s' is no handle, such as 800::800",
					  text);
	} else {
		number.form = USHER_NETLINK_U32;
		r = encode_number(encoding, &number, value, &wide);
		handle = r == 0 ? (uint32_t)wide : 0;
	}
	if (r == 0)
		handle_put(encoding, field, handle);
	return r;
}

/* Filters that links share are of a block, which has its number where others have their parent. */
static bool is_of_block(const struct decoding *decoding) {
	return ((const struct tcmsg *)(const void *)decoding->message)->tcm_ifindex ==
	       (int)TCM_IFINDEX_MAGIC_BLOCK;
}

static int block_decode(struct decoding *decoding, const struct netlink_field *field,
			const uint8_t *value, size_t size) {
	return is_of_block(decoding) ? decoding_set_plain(decoding, field, value, size) : 1;
}

static int parent_decode(struct decoding *decoding, const struct netlink_field *field,
			 const uint8_t *value, size_t size) {
	return is_of_block(decoding) ? 1 : handle_decode(decoding, field, value, size);
}

static const struct netlink_field filter_fields[] = {
	TRAFFIC_DEVICE,
	MEMBER("parent", struct tcmsg, tcm_parent, STRING, .decode = parent_decode,
	       .encode = handle_encode, .filtered = NETLINK_FILTERED_SPECIALLY),
	MEMBER("block", struct tcmsg, tcm_block_index, U32, TOLD, .decode = block_decode),
	{ .name = "protocol",
	  .form = USHER_NETLINK_U16,
	  .from = NETLINK_FROM_HEADER,
	  .at = PROTOCOL_AT,
	  .network_order = true,
	  .words = &netlink_ethertypes },
	{ .name = "priority",
	  .form = USHER_NETLINK_U16,
	  .from = NETLINK_FROM_HEADER,
	  .at = PRIORITY_AT },
	MEMBER("handle", struct tcmsg, tcm_handle, STRING, .decode = filter_handle_decode,
	       .encode = filter_handle_encode),
	ATTRIBUTE("chain", TCA_CHAIN, U32),
	ATTRIBUTE("kind", TCA_KIND, STRING, .encode = traffic_kind_encode),
	ATTRIBUTE("options", TCA_OPTIONS, OBJECT, .variants = netlink_filter_kinds,
		  .variant_by = "kind"),
	{},
};

static int filter_request(struct encoding *encoding, const struct netlink_type *type,
			  const struct selection *selection, struct netlink_pass *pass) {
	static const uint32_t parents[] = {
		TC_H_UNSPEC,
		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
	};
	const struct selection_value *parent = selection_value(selection, type, "parent");
	struct tcmsg *header = encode_header(encoding);
	char text[HANDLE_SIZE];
	uint32_t handle;

	if (pass->number >= (parent ? 1 : sizeof parents / sizeof *parents))
		return 1;
	pass->optional = true;
	header->tcm_ifindex = (int)pass->ifindex;
	header->tcm_parent = parents[pass->number];
	if (!parent)
		return 0;
	/* rows are judged by what they say, so it must be said in the same way */
	if (!handle_from_text((const char *)parent->bytes, &handle))
		return -EINVAL;
	handle_to_text(handle, text);
	if (strcmp((const char *)parent->bytes, text) != 0)
		return -EINVAL;
	header->tcm_parent = handle;
	selection_set_by_kernel(selection, type, "parent");
	return 0;
}

const struct netlink_type netlink_filter = {
	.name = "filter",
	.summary = "filters of traffic control: of a link's root queue, and of what comes in and "
		   "goes out; with `parent` those of any other queue or class",
	.schema = { .name = "filter", .fields = filter_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETTFILTER,
	.new = RTM_NEWTFILTER,
	.del = RTM_DELTFILTER,
	.header = sizeof(struct tcmsg),
	.by_link = true,
	.groups = (const uint32_t[]){ RTNLGRP_TC, 0 },
	.keys = (const char *const[]){ "ifindex", "parent", "block", "chain", "priority",
				       "protocol", "handle", NULL },
	.changes = true,
	.request = filter_request,
};
