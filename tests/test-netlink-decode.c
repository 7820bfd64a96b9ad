/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What messages of the kernel's become, and such as it would never send. Read back by the reader
 * that clients have. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/address.h"
#include "netlink/decode.h"
#include "netlink/encode.h"
#include "support.h"
#include "usher.h"

enum { MESSAGE_MAX = 1 << 17, FIELDS_MAX = 8, ROWS = 5000 };

/* One question, the message that is made for it, and what came of that. */
static struct stage {
	const char *type;
	char *fields[FIELDS_MAX + 1];
	Usher__Row filter;
	Usher__Member members[FIELDS_MAX], *member_list[FIELDS_MAX];
	Usher__Value values[FIELDS_MAX];
	bool unfiltered;
	enum block_format format;

	struct encoding encoding;
	uint8_t message[MESSAGE_MAX] __attribute__((aligned(4)));

	struct refusal refusal;
	struct selection *selection;
	struct block_buffer buffer;
	struct block *block;
	struct decoding decoding;
	struct usher_rows *rows;
	struct usher_row row;
	struct usher_value value;
} stage;

static int set_stage(void **state) {
	memset(&stage, 0, sizeof stage);
	usher__row__init(&stage.filter);
	stage.filter.members = stage.member_list;
	return 0;
}

static void forget(void) {
	(void)usher_rows_close(stage.rows);
	block_free(stage.block);
	selection_free(stage.selection);
	free(stage.buffer.bytes);
	stage.rows = NULL;
	stage.block = NULL;
	stage.selection = NULL;
	stage.buffer = (struct block_buffer){};
}

static int clear_stage(void **state) {
	forget();
	return 0;
}

/* ---- questions ---- */

static void ask(const char *type, const char *field) {
	size_t n = 0;

	stage.type = type;
	while (stage.fields[n])
		n++;
	stage.fields[n] = (char *)(uintptr_t)field;
}

static Usher__Value *filter(const char *key) {
	size_t n = stage.filter.n_members++;

	usher__member__init(&stage.members[n]);
	usher__value__init(&stage.values[n]);
	stage.member_list[n] = &stage.members[n];
	stage.members[n].key = (char *)(uintptr_t)key;
	stage.members[n].value = &stage.values[n];
	return &stage.values[n];
}

static void filter_text(const char *key, const char *text) {
	filter(key)->text = (char *)(uintptr_t)text;
}

static int select_all(void) {
	char *type = (char *)(uintptr_t)stage.type;
	size_t n = 0;

	while (stage.fields[n])
		n++;
	return selection_new(&type, 1, stage.fields, n, &stage.filter, &stage.refusal,
			     &stage.selection);
}

static void begin(void) {
	assert_int_equal(select_all(), 0);
	stage.block = block_new(stage.format, 65536, block_to_buffer, &stage.buffer);
	assert_non_null(stage.block);
	assert_int_equal(block_start(stage.block), 0);
	stage.decoding = (struct decoding){ .selection = stage.selection,
					    .block = stage.block,
					    .unfiltered = stage.unfiltered };
}

static int decode(void) {
	if (!stage.block)
		begin();
	return decode_message(&stage.decoding, netlink_type_find(stage.type), USHER_NETLINK_ROW,
			      stage.message + NLMSG_HDRLEN, stage.encoding.size - NLMSG_HDRLEN);
}

static void end(void) {
	assert_int_equal(block_end(stage.block, true, 0, NULL, NULL), 0);
	if (stage.format == BLOCK_RECORDS)
		assert_int_equal(usher_rows_read(stage.buffer.bytes, stage.buffer.size,
						 &stage.rows),
				 0);
}

/* The one row that came of the message. */
static void decode_one(void) {
	assert_int_equal(decode(), 1);
	end();
	assert_int_equal(usher_rows_next(stage.rows, &stage.row), 1);
}

/* Of the row, as people read it. */
static void assert_text(const char *field, const char *expected) {
	char *text;

	assert_int_equal(usher_row_find(&stage.row, field, &stage.value), 1);
	text = usher_value_to_string(&stage.value);
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void assert_absent(const char *field) {
	assert_int_equal(usher_row_find(&stage.row, field, &stage.value), 0);
}

static void assert_json(const char *expected) {
	stage.format = BLOCK_JSON;
	assert_int_equal(decode(), 1);
	end();
	assert_int_equal(stage.buffer.size, strlen(expected));
	assert_memory_equal(stage.buffer.bytes, expected, stage.buffer.size);
}

static void assert_refused(const char *word) {
	assert_refusal(select_all(), REFUSED_INVALID, &stage.refusal, word);
}

/* ---- messages ---- */

static struct rtmsg *make_route(unsigned char family) {
	struct rtmsg *header;

	encode_start(&stage.encoding, stage.message, sizeof stage.message, RTM_NEWROUTE, 0,
		     sizeof *header);
	header = encode_header(&stage.encoding);
	*header = (struct rtmsg){ .rtm_family = family, .rtm_type = RTN_UNICAST };
	return header;
}

static struct ifinfomsg *make_link(void) {
	struct ifinfomsg *header;

	encode_start(&stage.encoding, stage.message, sizeof stage.message, RTM_NEWLINK, 0,
		     sizeof *header);
	header = encode_header(&stage.encoding);
	*header =
		(struct ifinfomsg){ .ifi_index = 7, .ifi_type = ARPHRD_ETHER, .ifi_flags = IFF_UP };
	return header;
}

static void put_address(uint16_t attribute, const char *text) {
	struct usher_netlink_address address;

	assert_true(address_parse(text, false, &address));
	encode_put(&stage.encoding, attribute, address.bytes, address.family == AF_INET ? 4 : 16);
}

/* As it stands there, however wrong. */
static void put_raw(const void *bytes, size_t size) {
	memcpy(stage.message + stage.encoding.size, bytes, size);
	stage.encoding.size += size;
}

static void put_head(uint16_t length, uint16_t number) {
	put_raw(&length, sizeof length);
	put_raw(&number, sizeof number);
}

/* ---- rows ---- */

static void test_a_route_is_told_field_by_field(void **state) {
	struct rtmsg *header = make_route(AF_INET);

	header->rtm_dst_len = 24;
	header->rtm_protocol = RTPROT_BIRD;
	header->rtm_scope = RT_SCOPE_LINK;
	put_address(RTA_DST, "192.0.2.0");
	put_address(RTA_GATEWAY, "198.51.100.1");
	encode_put_u32(&stage.encoding, RTA_TABLE, 4711);
	encode_put_u32(&stage.encoding, RTA_OIF, 3);
	ask("route", NULL);
	decode_one();
	assert_text("family", "inet");
	assert_text("dst", "192.0.2.0/24");
	assert_text("gateway", "198.51.100.1");
	assert_text("table", "4711");
	assert_text("protocol", "bird");
	assert_text("scope", "link");
	assert_text("oif", "3");
	assert_absent("priority");
	assert_int_equal(usher_row_find(&stage.row, "no-such", &stage.value), -ENOENT);
	assert_int_equal(usher_rows_next(stage.rows, &stage.row), 0);
}

static void test_a_default_route_has_a_destination(void **state) {
	make_route(AF_INET6);
	ask("route", "dst");
	decode_one();
	assert_text("dst", "::/0");
	assert_int_equal(stage.row.n_fields, 1);
}

static void test_fields_come_in_the_order_in_which_they_are_asked_for(void **state) {
	make_route(AF_INET);
	put_address(RTA_GATEWAY, "192.0.2.1");
	encode_put_u32(&stage.encoding, RTA_PRIORITY, 5);
	ask("route", "priority");
	ask("route", "gateway");
	ask("route", "dst");
	assert_json("{\"priority\":5,\"gateway\":\"192.0.2.1\",\"dst\":\"0.0.0.0/0\"}\n");
}

/* struct rtnexthop, and a gateway in it. */
static void put_hop(const char *gateway, int index) {
	struct rtnexthop *hop = encode_append(&stage.encoding, sizeof *hop);

	put_address(RTA_GATEWAY, gateway);
	*hop = (struct rtnexthop){ .rtnh_len = 16, .rtnh_hops = 9, .rtnh_ifindex = index };
}

static void test_each_of_several_next_hops_is_told(void **state) {
	size_t nest;

	make_route(AF_INET);
	nest = encode_nest_plain(&stage.encoding, RTA_MULTIPATH);
	put_hop("192.0.2.1", 3);
	put_hop("192.0.2.2", 4);
	encode_nest_end(&stage.encoding, nest);
	ask("route", "multipath");
	assert_json(
		"{\"multipath\":[{\"oif\":3,\"weight\":10,\"flags\":[],\"gateway\":\"192.0.2.1\"},"
		"{\"oif\":4,\"weight\":10,\"flags\":[],\"gateway\":\"192.0.2.2\"}]}\n");
}

static void test_a_field_inside_another_can_be_asked_for_alone(void **state) {
	size_t nest;

	make_route(AF_INET);
	nest = encode_nest_plain(&stage.encoding, RTA_MULTIPATH);
	put_hop("192.0.2.1", 3);
	encode_nest_end(&stage.encoding, nest);
	ask("route", "multipath.gateway");
	assert_json("{\"multipath\":[{\"gateway\":\"192.0.2.1\"}]}\n");
}

static void put_info(const char *kind, uint16_t attribute, uint32_t value, bool kind_first) {
	size_t info = encode_nest(&stage.encoding, IFLA_LINKINFO), data;

	if (kind && kind_first)
		encode_put_string(&stage.encoding, IFLA_INFO_KIND, kind);
	data = encode_nest(&stage.encoding, IFLA_INFO_DATA);
	encode_put_u32(&stage.encoding, attribute, value);
	encode_nest_end(&stage.encoding, data);
	if (kind && !kind_first)
		encode_put_string(&stage.encoding, IFLA_INFO_KIND, kind);
	encode_nest_end(&stage.encoding, info);
}

static void test_the_kind_may_come_after_what_is_of_that_kind(void **state) {
	make_link();
	put_info("vxlan", IFLA_VXLAN_ID, 42, false);
	ask("link", "linkinfo.data.id");
	decode_one();
	assert_text("linkinfo.data.id", "42");
}

static void test_an_unknown_kind_is_told_as_it_is(void **state) {
	make_link();
	put_info("marvel", 1, 0x01020304, true);
	ask("link", "linkinfo");
	assert_json(
		"{\"linkinfo\":{\"kind\":\"marvel\",\"data\":{\"raw\":\"0800010004030201\"}}}\n");
}

static void test_what_has_no_kind_is_told_as_it_is(void **state) {
	make_link();
	put_info(NULL, 1, 1, true);
	ask("link", "linkinfo");
	assert_json("{\"linkinfo\":{\"data\":{\"raw\":\"0800010001000000\"}}}\n");
}

static void test_rows_of_many_blocks_all_come_back(void **state) {
	unsigned n = 0;

	ask("link", "ifindex");
	ask("link", "ifname");
	for (unsigned i = 0; i < ROWS; i++) {
		char name[32];

		(void)snprintf(name, sizeof name, "link%u", i);
		make_link()->ifi_index = (int)i;
		encode_put_string(&stage.encoding, IFLA_IFNAME, name);
		assert_int_equal(decode(), 1);
	}
	end();
	assert_true(stage.buffer.size > 65536);
	while (usher_rows_next(stage.rows, &stage.row) > 0) {
		char name[32];

		(void)snprintf(name, sizeof name, "link%u", n++);
		assert_text("ifname", name);
	}
	assert_int_equal(n, ROWS);
}

static void test_a_row_that_fits_in_no_block_is_an_error(void **state) {
	size_t nest;

	make_link();
	nest = encode_nest(&stage.encoding, IFLA_VFINFO_LIST);
	/* Of each not even a byte is there, but what it might have has its place in the row. */
	for (unsigned i = 0; i < 16000; i++)
		encode_put(&stage.encoding, IFLA_VF_INFO, "", 0);
	encode_nest_end(&stage.encoding, nest);
	ask("link", "vfinfo-list");
	assert_int_equal(decode(), -EMSGSIZE);
	make_link();
	assert_int_equal(decode(), 1);
	end();
	assert_int_equal(usher_rows_next(stage.rows, &stage.row), 1);
	assert_absent("vfinfo-list");
}

/* ---- malformed ---- */

static void test_an_attribute_shorter_than_its_head_is_malformed(void **state) {
	for (uint16_t length = 0; length < 4; length++) {
		make_route(AF_INET);
		put_head(length, RTA_OIF);
		ask("route", NULL);
		assert_int_equal(decode(), -EBADMSG);
		forget();
	}
}

static void test_an_attribute_beyond_its_message_is_malformed(void **state) {
	make_route(AF_INET);
	put_head(9, RTA_OIF);
	put_raw("1234", 4);
	ask("route", NULL);
	assert_int_equal(decode(), -EBADMSG);
}

static void test_a_row_before_a_malformed_one_stays(void **state) {
	make_route(AF_INET);
	ask("route", "dst");
	assert_int_equal(decode(), 1);
	put_head(1, RTA_OIF);
	assert_int_equal(decode(), -EBADMSG);
	end();
	assert_int_equal(usher_rows_next(stage.rows, &stage.row), 1);
	assert_int_equal(usher_rows_next(stage.rows, &stage.row), 0);
}

static void test_what_is_too_short_for_an_attribute_is_none(void **state) {
	make_route(AF_INET);
	put_raw("\1\0\0", 3);
	ask("route", "family");
	decode_one();
	assert_text("family", "inet");
}

static void test_a_message_shorter_than_its_fixed_part_is_malformed(void **state) {
	make_route(AF_INET);
	stage.encoding.size = NLMSG_HDRLEN + sizeof(struct rtmsg) - 1;
	ask("route", NULL);
	assert_int_equal(decode(), -EBADMSG);
}

static void test_a_number_that_is_too_short_is_not_there(void **state) {
	make_route(AF_INET);
	encode_put(&stage.encoding, RTA_OIF, "ab", 2);
	encode_put(&stage.encoding, RTA_PRIORITY, "", 0);
	ask("route", NULL);
	decode_one();
	assert_absent("oif");
	assert_absent("priority");
}

static void test_an_address_of_another_size_is_not_there(void **state) {
	make_route(AF_INET6);
	encode_put(&stage.encoding, RTA_GATEWAY, "12345", 5);
	encode_put(&stage.encoding, RTA_DST, "1234", 4);
	ask("route", NULL);
	decode_one();
	assert_absent("gateway");
}

static void test_a_hardware_address_is_as_long_as_its_kind_of_link_has_it(void **state) {
	static const size_t sizes[] = { 1, 6, 8, 20, 32 }; /* 32: MAX_ADDR_LEN */
	uint8_t bytes[32];
	char text[sizeof bytes * 3 + 1];

	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = (uint8_t)(0xa0 + i);
		(void)snprintf(text + i * 3, 4, "%02x:", bytes[i]);
	}
	ask("link", "address");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		make_link();
		encode_put(&stage.encoding, IFLA_ADDRESS, bytes, sizes[i]);
		decode_one();
		text[sizes[i] * 3 - 1] = '\0';
		assert_text("address", text);
		text[sizes[i] * 3 - 1] = ':';
		forget();
	}
	make_link();
	encode_put(&stage.encoding, IFLA_ADDRESS, "", 0);
	decode_one();
	assert_absent("address");
}

/* An older kernel has fewer of them, and a newer one more. */
static void test_of_counters_those_are_told_that_are_there(void **state) {
	struct {
		struct rtnl_link_stats64 known;
		uint64_t later;
	} counters = { .known = { .rx_packets = 1, .rx_nohandler = 2 }, .later = 3 };

	const size_t older = offsetof(struct rtnl_link_stats64, rx_nohandler);

	make_link();
	encode_put(&stage.encoding, IFLA_STATS64, &counters, older);
	ask("link", "stats64.rx-packets");
	ask("link", "stats64.rx-nohandler");
	assert_json("{\"stats64\":{\"rx-packets\":1}}\n");
	forget();
	make_link();
	encode_put(&stage.encoding, IFLA_STATS64, &counters, sizeof counters);
	assert_json("{\"stats64\":{\"rx-packets\":1,\"rx-nohandler\":2}}\n");
}

static void test_a_prefix_is_no_longer_than_its_address(void **state) {
	make_route(AF_INET)->rtm_dst_len = 255;
	put_address(RTA_DST, "192.0.2.1");
	ask("route", "dst");
	decode_one();
	assert_text("dst", "192.0.2.1/32");
}

static void test_of_an_attribute_that_is_there_twice_the_last_counts(void **state) {
	make_route(AF_INET);
	encode_put_u32(&stage.encoding, RTA_OIF, 1);
	encode_put_u32(&stage.encoding, RTA_OIF, 2);
	ask("route", "oif");
	decode_one();
	assert_text("oif", "2");
}

static void test_flags_in_the_number_of_an_attribute_are_no_part_of_it(void **state) {
	make_route(AF_INET);
	encode_put_u32(&stage.encoding, RTA_OIF | NLA_F_NET_BYTEORDER, 1);
	encode_put_u32(&stage.encoding, RTA_PRIORITY | NLA_F_NESTED, 2);
	ask("route", NULL);
	decode_one();
	assert_text("oif", "1");
	assert_text("priority", "2");
}

static void test_a_next_hop_of_a_wrong_length_is_malformed(void **state) {
	static const uint16_t lengths[] = { 0, 7, 17, 65535 };

	ask("route", "multipath");
	for (size_t i = 0; i < N_OF(lengths); i++) {
		size_t nest;

		make_route(AF_INET);
		nest = encode_nest_plain(&stage.encoding, RTA_MULTIPATH);
		put_hop("192.0.2.1", 3);
		memcpy(stage.message + nest + 4, &lengths[i], sizeof lengths[i]);
		encode_nest_end(&stage.encoding, nest);
		assert_int_equal(decode(), -EBADMSG);
		forget();
	}
}

static void test_nesting_without_end_is_not_followed(void **state) {
	enum { DEPTH = 1000 };

	size_t nests[DEPTH];

	make_link();
	for (unsigned i = 0; i < DEPTH; i++)
		nests[i] = encode_nest(&stage.encoding, IFLA_LINKINFO);
	for (unsigned i = DEPTH; i-- > 0;)
		encode_nest_end(&stage.encoding, nests[i]);
	ask("link", NULL);
	decode_one();
	assert_text("ifindex", "7");
}

static void test_ten_thousand_empty_attributes_are_stepped_over(void **state) {
	make_route(AF_INET);
	for (unsigned i = 0; i < 10000; i++)
		encode_put(&stage.encoding, (uint16_t)(i % 64), "", 0);
	ask("route", NULL);
	decode_one();
	assert_text("dst", "0.0.0.0/0");
}

/* ---- filters ---- */

static void make_filtered_route(void) {
	struct rtmsg *header = make_route(AF_INET);

	header->rtm_dst_len = 24;
	header->rtm_protocol = RTPROT_BIRD;
	put_address(RTA_DST, "192.0.2.0");
	put_address(RTA_GATEWAY, "198.51.100.1");
	encode_put_u32(&stage.encoding, RTA_TABLE, 100);
	encode_put_u32(&stage.encoding, RTA_OIF, 3);
	ask("route", NULL);
}

static void test_rows_pass_whose_values_are_those_of_the_filter(void **state) {
	static const char *const pass[][2] = {
		{ "protocol", "bird" },
		{ "protocol", "12" },
		{ "table", "100" },
		{ "oif", "0x3" },
		{ "dst", "192.0.2.0/24" },
		{ "gateway", "198.51.100.1" },
		{ "gateway", "198.51.0.0/16" },
		{ "family", "inet" },
	};

	for (size_t i = 0; i < N_OF(pass); i++) {
		make_filtered_route();
		filter_text(pass[i][0], pass[i][1]);
		assert_int_equal(decode(), 1);
		forget();
		set_stage(state);
	}
}

static void test_rows_are_held_back_whose_values_are_others(void **state) {
	static const char *const fail[][2] = {
		{ "protocol", "static" },
		{ "table", "main" },
		{ "oif", "4" },
		{ "dst", "192.0.2.0/25" },
		{ "dst", "192.0.0.0/16" },
		{ "gateway", "198.51.100.2" },
		{ "gateway", "198.52.0.0/16" },
		{ "family", "inet6" },
		{ "priority", "0" },
		{ "metrics.mtu", "1500" },
	};

	for (size_t i = 0; i < N_OF(fail); i++) {
		make_filtered_route();
		filter_text(fail[i][0], fail[i][1]);
		assert_int_equal(decode(), 0);
		end();
		/* Not even what such rows are like is told. */
		assert_int_equal(usher_rows_next(stage.rows, &stage.row), 0);
		forget();
		set_stage(state);
	}
}

static void test_of_a_list_of_values_any_passes(void **state) {
	Usher__Value one = USHER__VALUE__INIT, other = USHER__VALUE__INIT,
		     *both[] = { &one, &other };
	Usher__Values list = USHER__VALUES__INIT;

	one.has_number = other.has_number = true;
	one.number = 5;
	other.number = 3;
	list.values = both;
	list.n_values = 2;
	make_filtered_route();
	filter("oif")->list = &list;
	assert_int_equal(decode(), 1);
}

static void test_all_of_several_bits_have_to_be_set(void **state) {
	Usher__Value one = USHER__VALUE__INIT, other = USHER__VALUE__INIT,
		     *both[] = { &one, &other };
	Usher__Values list = USHER__VALUES__INIT;

	one.text = (char[]){ "up" };
	other.text = (char[]){ "broadcast" };
	list.values = both;
	list.n_values = 2;
	make_link();
	ask("link", "ifindex");
	filter("flags")->list = &list;
	assert_int_equal(decode(), 0);
	make_link()->ifi_flags = IFF_UP | IFF_BROADCAST | IFF_MULTICAST;
	assert_int_equal(decode(), 1);
}

static void test_a_filter_may_be_on_what_is_not_told(void **state) {
	make_link();
	put_info("vxlan", IFLA_VXLAN_ID, 42, true);
	ask("link", "ifindex");
	filter_text("linkinfo.kind", "vxlan");
	filter_text("linkinfo.data.id", "42");
	decode_one();
	assert_int_equal(stage.row.n_fields, 1);
	assert_text("ifindex", "7");
}

static void test_rows_of_a_kind_without_the_field_are_held_back(void **state) {
	make_link();
	put_info("vlan", IFLA_VLAN_ID, 42, true);
	ask("link", "ifindex");
	filter_text("linkinfo.data.ttl", "1");
	assert_int_equal(decode(), 0);
}

static void test_rows_of_a_type_without_the_key_are_held_back(void **state) {
	char *types[] = { (char[]){ "link" }, (char[]){ "route" } };

	make_route(AF_INET);
	filter_text("ifname", "eth0");
	stage.type = "route";
	assert_int_equal(selection_new(types, 2, NULL, 0, &stage.filter, &stage.refusal,
				       &stage.selection),
			 0);
	stage.block = block_new(BLOCK_RECORDS, 65536, block_to_buffer, &stage.buffer);
	assert_non_null(stage.block);
	stage.decoding = (struct decoding){ .selection = stage.selection, .block = stage.block };
	assert_int_equal(decode(), 0);
}

static unsigned count_blocks(unsigned kind) {
	struct usher_netlink_block head;
	unsigned n = 0;

	for (size_t at = 0; at < stage.buffer.size; at += head.size) {
		memcpy(&head, stage.buffer.bytes + at, sizeof head);
		n += head.kind == kind;
	}
	return n;
}

static void test_of_rows_that_are_held_back_not_even_the_type_is_told(void **state) {
	ask("link", "ifindex");
	ask("link", "linkinfo");
	filter_text("mtu", "1");
	make_link();
	put_info("vlan", IFLA_VLAN_ID, 42, true);
	assert_int_equal(decode(), 0);
	make_link();
	encode_put_u32(&stage.encoding, IFLA_MTU, 1);
	assert_int_equal(decode(), 1);
	end();
	assert_int_equal(count_blocks(USHER_NETLINK_TYPE), 1);
}

static void test_one_element_of_a_list_has_to_pass(void **state) {
	size_t nest;

	make_link();
	nest = encode_nest(&stage.encoding, IFLA_PROP_LIST);
	encode_put_string(&stage.encoding, IFLA_ALT_IFNAME, "first");
	encode_put_string(&stage.encoding, IFLA_ALT_IFNAME, "second");
	encode_nest_end(&stage.encoding, nest);
	ask("link", "ifindex");
	filter_text("alt-names", "second");
	assert_int_equal(decode(), 1);
	forget();
	stage.values[0].text = (char[]){ "third" };
	assert_int_equal(decode(), 0);
}

static void test_who_looks_at_all_is_told_what_the_filter_holds_back(void **state) {
	make_filtered_route();
	filter_text("oif", "4");
	stage.unfiltered = true;
	assert_int_equal(decode(), 1);
}

static void test_a_question_is_no_filter_on_its_answer(void **state) {
	make_filtered_route();
	stage.type = "route-get";
	filter_text("dst", "192.0.2.77");
	decode_one();
	assert_text("dst", "192.0.2.0/24");
}

/* ---- words ---- */

static void test_a_wrong_word_is_refused_with_the_likely_one(void **state) {
	static const struct {
		const char *type, *field, *word;
	} wrong[] = {
		{ "rout", NULL, "'route' meant" },
		{ "route", "gatway", "'gateway' meant" },
		{ "link", "linkinfo.knd", "'kind' meant" },
		{ "link", "zzzzzzz", "link has no field 'zzzzzzz'" },
		{ "link", "", "has no field" },
		{ "link", ".ifname", "has no field" },
		{ "link", "linkinfo..kind", "has no field" },
		{ "link", "ifname.more", "has no field" },
	};

	for (size_t i = 0; i < N_OF(wrong); i++) {
		ask(wrong[i].type, wrong[i].field);
		assert_refused(wrong[i].word);
		set_stage(state);
	}
}

static void test_a_field_is_asked_for_once(void **state) {
	ask("link", "ifname");
	ask("link", "ifname");
	assert_refused("twice");
}

static void test_values_of_a_filter_are_of_the_fields_kind(void **state) {
	static const char *const wrong[][3] = {
		{ "route", "priority", "eth0" },
		{ "route", "oif", "-1" },
		{ "route", "oif", "4294967296" },
		{ "route", "protocol", "bord" },
		{ "route", "protocol", "256" },
		{ "route", "dst", "10.0.0.1/8" },
		{ "route", "dst", "10.0.0.0/33" },
		{ "route", "dst", "10.0.0.0/" },
		{ "route", "gateway", "10.0.0" },
		{ "link", "address",
		  "02:00"
		  "x" },
		{ "link", "ifname", "a\\y" },
		{ "route", "metrics", "1" },
		{ "route", "multipath.oif", "1" },
		{ "link", "carrier", "2" },
	};

	for (size_t i = 0; i < N_OF(wrong); i++) {
		ask(wrong[i][0], NULL);
		filter_text(wrong[i][1], wrong[i][2]);
		assert_refused(strcmp(wrong[i][1], "multipath.oif") == 0 ? "list" : wrong[i][1]);
		set_stage(state);
	}
}

static void test_more_fields_than_there_can_be_are_refused(void **state) {
	enum { MANY = 10000 };

	char **fields = calloc(MANY, sizeof *fields), *type = (char[]){ "link" };
	int r;

	assert_non_null(fields);
	for (unsigned i = 0; i < MANY; i++)
		fields[i] = (char[]){ "ifname" };
	r = selection_new(&type, 1, fields, MANY, NULL, &stage.refusal, &stage.selection);
	assert_refusal(r, REFUSED_INVALID, &stage.refusal, "fields");
	free(fields);
}

static void test_a_question_takes_what_it_is_about(void **state) {
	ask("route-get", NULL);
	assert_refused("dst");
}

static void test_the_kernel_is_asked_for_one_by_its_key(void **state) {
	const struct netlink_type *type = netlink_type_find("link");

	ask("link", NULL);
	filter_text("ifname", "eth0");
	assert_int_equal(select_all(), 0);
	assert_string_equal(selection_lookup(stage.selection, type), "ifname");
	assert_string_equal((const char *)selection_value(stage.selection, type, "ifname")->bytes,
			    "eth0");
	assert_null(selection_value(stage.selection, type, "mtu"));
}

static void test_the_tables_can_be_compiled_and_described(void **state) {
	for (size_t i = 0; i < netlink_types_n; i++) {
		char *name = (char *)(uintptr_t)netlink_types[i]->name;
		int r = selection_new(&name, 1, NULL, 0, NULL, &stage.refusal, &stage.selection);

		if (netlink_types[i]->lookup_only)
			assert_int_equal(r, REFUSED_INVALID);
		else
			assert_int_equal(r, 0);
		forget();
	}
}

/* ---- JSON and addresses ---- */

static void test_names_of_any_bytes_become_valid_json(void **state) {
	static const char *const names[][2] = {
		{ "plain", "plain" },
		{ "a\"b", "a\\\"b" },
		{ "a\nb", "a\\\\x0ab" },
		{ "a\\b", "a\\\\x5cb" },
		{ "\xff\xfe", "\\\\xff\\\\xfe" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "%n%s", "%n%s" },
		{ "", "" },
	};

	for (size_t i = 0; i < N_OF(names); i++) {
		char expected[128];

		make_link();
		encode_put_string(&stage.encoding, IFLA_IFNAME, names[i][0]);
		ask("link", "ifname");
		(void)snprintf(expected, sizeof expected, "{\"ifname\":\"%s\"}\n", names[i][1]);
		assert_json(expected);
		forget();
		set_stage(state);
	}
}

static void test_a_string_ends_at_its_first_zero(void **state) {
	make_link();
	encode_put(&stage.encoding, IFLA_IFNAME, "ab\0cd", 5);
	ask("link", "ifname");
	decode_one();
	assert_text("ifname", "ab");
	assert_int_equal(stage.value.length, 2);
}

static void test_a_string_without_a_zero_ends_with_its_attribute(void **state) {
	make_link();
	encode_put(&stage.encoding, IFLA_IFNAME, "abcd", 4);
	encode_put_u32(&stage.encoding, IFLA_MTU, 1);
	ask("link", "ifname");
	decode_one();
	assert_text("ifname", "abcd");
}

static void test_bits_without_a_name_are_one_number(void **state) {
	make_link()->ifi_flags = IFF_UP | 1U << 30;
	ask("link", "flags");
	assert_json("{\"flags\":[\"up\",\"0x40000000\"]}\n");
}

static void test_the_end_of_an_incomplete_answer_says_so(void **state) {
	static const char expected[] = "{\"complete\":false,\"interrupted\":\"it changed\","
				       "\"message\":\"too \\\"much\\\"\",\"code\":-105}\n";

	ask("link", "ifname");
	stage.format = BLOCK_JSON;
	begin();
	assert_int_equal(block_end(stage.block, false, -ENOBUFS, "it changed", "too \"much\""), 0);
	assert_int_equal(stage.buffer.size, sizeof expected - 1);
	assert_memory_equal(stage.buffer.bytes, expected, stage.buffer.size);
}

static void test_addresses_are_written_as_the_library_writes_them(void **state) {
	struct usher_netlink_address address = { .family = AF_INET6, .length = 128 }, again;
	char expected[INET6_ADDRSTRLEN], text[ADDRESS_TEXT_MAX];

	srand(1);
	for (unsigned i = 0; i < 200000; i++) {
		/* Runs of zeros everywhere, and short groups. */
		for (unsigned j = 0; j < 16; j++)
			address.bytes[j] = rand() % 3 ? 0 : (uint8_t)rand() >> rand() % 8;
		if (i % 16 == 0)
			memset(address.bytes + 10, 0xff, 2);
		*address_print(text, &address, false) = '\0';
		assert_non_null(inet_ntop(AF_INET6, address.bytes, expected, sizeof expected));
		assert_string_equal(text, expected);
		assert_true(address_parse(text, false, &again));
		assert_memory_equal(&again, &address, sizeof again);
	}
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_stage, clear_stage)
	const struct CMUnitTest tests[] = {
		TEST(test_a_route_is_told_field_by_field),
		TEST(test_a_default_route_has_a_destination),
		TEST(test_fields_come_in_the_order_in_which_they_are_asked_for),
		TEST(test_each_of_several_next_hops_is_told),
		TEST(test_a_field_inside_another_can_be_asked_for_alone),
		TEST(test_the_kind_may_come_after_what_is_of_that_kind),
		TEST(test_an_unknown_kind_is_told_as_it_is),
		TEST(test_what_has_no_kind_is_told_as_it_is),
		TEST(test_rows_of_many_blocks_all_come_back),
		TEST(test_a_row_that_fits_in_no_block_is_an_error),
		TEST(test_an_attribute_shorter_than_its_head_is_malformed),
		TEST(test_an_attribute_beyond_its_message_is_malformed),
		TEST(test_a_row_before_a_malformed_one_stays),
		TEST(test_what_is_too_short_for_an_attribute_is_none),
		TEST(test_a_message_shorter_than_its_fixed_part_is_malformed),
		TEST(test_a_number_that_is_too_short_is_not_there),
		TEST(test_an_address_of_another_size_is_not_there),
		TEST(test_a_hardware_address_is_as_long_as_its_kind_of_link_has_it),
		TEST(test_of_counters_those_are_told_that_are_there),
		TEST(test_a_prefix_is_no_longer_than_its_address),
		TEST(test_of_an_attribute_that_is_there_twice_the_last_counts),
		TEST(test_flags_in_the_number_of_an_attribute_are_no_part_of_it),
		TEST(test_a_next_hop_of_a_wrong_length_is_malformed),
		TEST(test_nesting_without_end_is_not_followed),
		TEST(test_ten_thousand_empty_attributes_are_stepped_over),
		TEST(test_rows_pass_whose_values_are_those_of_the_filter),
		TEST(test_rows_are_held_back_whose_values_are_others),
		TEST(test_of_a_list_of_values_any_passes),
		TEST(test_all_of_several_bits_have_to_be_set),
		TEST(test_a_filter_may_be_on_what_is_not_told),
		TEST(test_rows_of_a_kind_without_the_field_are_held_back),
		TEST(test_rows_of_a_type_without_the_key_are_held_back),
		TEST(test_of_rows_that_are_held_back_not_even_the_type_is_told),
		TEST(test_one_element_of_a_list_has_to_pass),
		TEST(test_who_looks_at_all_is_told_what_the_filter_holds_back),
		TEST(test_a_question_is_no_filter_on_its_answer),
		TEST(test_a_wrong_word_is_refused_with_the_likely_one),
		TEST(test_a_field_is_asked_for_once),
		TEST(test_values_of_a_filter_are_of_the_fields_kind),
		TEST(test_more_fields_than_there_can_be_are_refused),
		TEST(test_a_question_takes_what_it_is_about),
		TEST(test_the_kernel_is_asked_for_one_by_its_key),
		TEST(test_the_tables_can_be_compiled_and_described),
		TEST(test_names_of_any_bytes_become_valid_json),
		TEST(test_a_string_ends_at_its_first_zero),
		TEST(test_a_string_without_a_zero_ends_with_its_attribute),
		TEST(test_bits_without_a_name_are_one_number),
		TEST(test_the_end_of_an_incomplete_answer_says_so),
		TEST(test_addresses_are_written_as_the_library_writes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
