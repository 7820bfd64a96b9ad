/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables of netlink: that they hold together; what is made of messages of kinds that few
 * kernels have; and what sockets are asked for.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets_diag.h>
#include <linux/wireguard.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/block.h"
#include "netlink/decode.h"
#include "netlink/encode.h"
#include "netlink/selection.h"
#include "netlink/socket.h"
#include "netlink/types.h"
#include "support.h"

/* ---- a message, and what becomes of it ---- */

struct message {
	struct encoding encoding;
	uint8_t bytes[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static struct encoding *begin(struct message *message, size_t header) {
	encode_start(&message->encoding, message->bytes, sizeof message->bytes, 16, 0, header);
	return &message->encoding;
}

static struct selection *select_all(const char *type, const Usher__Row *filter) {
	char *types[] = { (char *)type };
	struct selection *selection = NULL;
	struct refusal refusal = { 0 };

	if (selection_new(types, 1, NULL, 0, filter, &refusal, &selection) != 0)
		fail_msg("%s", refusal.text);
	return selection;
}

/* What decode_message() says; the line of JSON is the caller's to free. */
static int decode(const char *type, unsigned pass, struct message *message, char **ret) {
	struct selection *selection = select_all(type, NULL);
	struct block_buffer buffer = { 0 };
	struct block *block = block_new(BLOCK_JSON, 65536, block_to_buffer, &buffer);
	struct decoding decoding = { .selection = selection, .block = block };
	int r;

	decoding.pass.number = pass;
	if (strcmp(type, "socket") == 0)
		decoding.pass.part = (uint8_t)socket_passes[pass].part;
	assert_int_equal(encode_done(&message->encoding), 0);
	assert_int_equal(block_start(block), 0);
	r = decode_message(&decoding, selection_type(selection, 0), USHER_NETLINK_ROW,
			   message->bytes + NLMSG_HDRLEN, message->encoding.size - NLMSG_HDRLEN);
	assert_int_equal(block_flush(block), 0);
	*ret = strndup(buffer.size > 0 ? (char *)buffer.bytes : "", buffer.size);
	assert_non_null(*ret);
	free(buffer.bytes);
	block_free(block);
	selection_free(selection);
	return r;
}

static void expect(const char *type, unsigned pass, struct message *message, const char *json) {
	char *line;

	assert_int_equal(decode(type, pass, message, &line), 1);
	assert_string_equal(line, json);
	free(line);
}

static void expect_malformed(const char *type, struct message *message) {
	char *line;

	assert_int_equal(decode(type, 0, message, &line), -EBADMSG);
	assert_string_equal(line, "");
	free(line);
}

/* ---- the tables ---- */

static bool is_name(const char *name) {
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && name[n] == '\0';
}

static bool is_list(const struct netlink_schema *schema) {
	return schema->fields->from == NETLINK_FROM_LIST || schema->fields->name[0] == '\0';
}

static void check_schema(const struct netlink_type *type, const struct netlink_schema *schema,
			 unsigned depth) {
	size_t n = 0;

	if (depth > USHER_NETLINK_DEPTH_MAX)
		fail_msg("%s: %s lies too deep", type->name, schema->name);
	for (const struct netlink_field *field = schema->fields; field->name; field++, n++) {
		if (!is_list(schema) && !is_name(field->name))
			fail_msg("%s.%s is no name", schema->name, field->name);
		if (field->parts && !type->parts)
			fail_msg("%s.%s is of parts that there are not", schema->name, field->name);
		for (const struct netlink_field *other = schema->fields; other < field; other++)
			if (strcmp(other->name, field->name) == 0 && other->form != field->form)
				fail_msg("%s.%s has two forms", schema->name, field->name);
		if (field->nested)
			check_schema(type, field->nested, depth + 1);
		for (const struct netlink_variant *variant = field->variants;
		     variant && variant->kind; variant++)
			check_schema(type, variant->schema, depth + 1);
		if (field->variants && !field->variant_by)
			fail_msg("%s.%s varies by nothing", schema->name, field->name);
	}
	if (n > USHER_NETLINK_FIELDS_MAX)
		fail_msg("%s has %zu fields", schema->name, n);
}

static void check_fields(const struct netlink_type *type, const char *names) {
	char *copy = strdup(names), *rest = copy;

	for (const char *name; (name = strsep(&rest, " "));)
		if (!netlink_field_find(&type->schema, name))
			fail_msg("%s is known by \"%s\", which it has not", type->name, name);
	free(copy);
}

static void each_table_is_one_that_can_be_read_and_described(void **state) {
	for (size_t i = 0; i < netlink_types_n; i++) {
		const struct netlink_type *type = netlink_types[i];

		assert_true(is_name(type->name));
		assert_ptr_equal(netlink_type_find(type->name), type);
		assert_true(type->summary && *type->summary);
		if (i > 0)
			assert_true(strcmp(netlink_types[i - 1]->name, type->name) < 0);
		check_schema(type, &type->schema, 0);
		for (const char *const *key = type->keys; key && *key; key++)
			check_fields(type, *key);
		for (const char *const *lookup = type->lookups; lookup && *lookup; lookup++)
			check_fields(type, *lookup);
	}
}

/* ---- WireGuard ---- */

static void put_key(struct encoding *encoding, uint16_t attribute, uint8_t byte) {
	uint8_t key[WG_KEY_LEN];

	memset(key, byte, sizeof key);
	encode_put(encoding, attribute, key, sizeof key);
}

static void put_allowed(struct encoding *encoding, uint16_t family, const void *address,
			size_t size, uint8_t mask) {
	size_t nest = encode_nest(encoding, 0);

	encode_put_u16(encoding, WGALLOWEDIP_A_FAMILY, family);
	encode_put(encoding, WGALLOWEDIP_A_IPADDR, address, size);
	encode_put_u8(encoding, WGALLOWEDIP_A_CIDR_MASK, mask);
	encode_nest_end(encoding, nest);
}

static void put_peer(struct encoding *encoding) {
	const struct sockaddr_in6 endpoint = { .sin6_family = AF_INET6,
					       .sin6_port = htons(51820),
					       .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const int64_t handshake[2] = { 1700000000, 5 };
	size_t peer = encode_nest(encoding, 0), allowed;

	put_key(encoding, WGPEER_A_PUBLIC_KEY, 0xff);
	put_key(encoding, WGPEER_A_PRESHARED_KEY, 'S');
	encode_put(encoding, WGPEER_A_ENDPOINT, &endpoint, sizeof endpoint);
	encode_put_u16(encoding, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 25);
	encode_put(encoding, WGPEER_A_LAST_HANDSHAKE_TIME, handshake, sizeof handshake);
	encode_put_u64(encoding, WGPEER_A_RX_BYTES, UINT64_MAX);
	allowed = encode_nest(encoding, WGPEER_A_ALLOWEDIPS);
	put_allowed(encoding, AF_INET, "\x0a\0\0\0", 4, 8);
	put_allowed(encoding, AF_INET6, &in6addr_loopback, 16, 128);
	encode_nest_end(encoding, allowed);
	encode_nest_end(encoding, peer);
}

static void secret_keys_of_wireguard_go_nowhere(void **state) {
	struct message message;
	struct encoding *encoding = begin(&message, 0);
	size_t peers;

	encode_put_u32(encoding, WGDEVICE_A_IFINDEX, 7);
	encode_put_string(encoding, WGDEVICE_A_IFNAME, "wg0");
	put_key(encoding, WGDEVICE_A_PRIVATE_KEY, 'S');
	put_key(encoding, WGDEVICE_A_PUBLIC_KEY, 0);
	encode_put_u16(encoding, WGDEVICE_A_LISTEN_PORT, 51820);
	peers = encode_nest(encoding, WGDEVICE_A_PEERS);
	put_peer(encoding);
	encode_nest_end(encoding, peers);
	expect("wireguard", 0, &message,
	       "{\"ifindex\":7,\"dev\":\"wg0\","
	       "\"public-key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"listen-port\":51820,"
	       "\"peers\":[{\"public-key\":\"//////////////////////////////////////////8=\","
	       "\"endpoint\":\"::1\",\"endpoint-port\":51820,\"persistent-keepalive-interval\":25,"
	       "\"last-handshake-time\":1700000000,\"rx-bytes\":18446744073709551615,"
	       "\"allowed-ips\":[\"10.0.0.0/8\",\"::1/128\"]}]}\n");
}

/* ---- conntrack ---- */

static void put_tuple(struct encoding *encoding, uint16_t attribute) {
	size_t tuple = encode_nest(encoding, attribute);
	size_t part = encode_nest(encoding, CTA_TUPLE_IP);

	encode_put(encoding, CTA_IP_V4_SRC, "\xc0\0\2\1", 4);
	encode_put(encoding, CTA_IP_V4_DST, "\xc0\0\2\2", 4);
	encode_nest_end(encoding, part);
	part = encode_nest(encoding, CTA_TUPLE_PROTO);
	encode_put_u8(encoding, CTA_PROTO_NUM, IPPROTO_TCP);
	encode_put_u16(encoding, CTA_PROTO_SRC_PORT, htons(40000));
	encode_put_u16(encoding, CTA_PROTO_DST_PORT, htons(443));
	encode_nest_end(encoding, part);
	encode_nest_end(encoding, tuple);
}

static void a_connection_is_told_without_the_levels_that_it_comes_in(void **state) {
	const struct nf_ct_tcp_flags flags = { .flags = IP_CT_TCP_FLAG_SACK_PERM, .mask = 0xff };
	struct message message;
	struct encoding *encoding = begin(&message, sizeof(struct nfgenmsg));
	size_t outer, inner;

	((struct nfgenmsg *)encode_header(encoding))->nfgen_family = AF_INET;
	put_tuple(encoding, CTA_TUPLE_ORIG);
	encode_put_u32(encoding, CTA_STATUS, htonl(0xe));
	outer = encode_nest(encoding, CTA_PROTOINFO);
	inner = encode_nest(encoding, CTA_PROTOINFO_TCP);
	encode_put_u8(encoding, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	encode_put(encoding, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, &flags, sizeof flags);
	encode_nest_end(encoding, inner);
	encode_nest_end(encoding, outer);
	outer = encode_nest(encoding, CTA_HELP);
	encode_put_string(encoding, CTA_HELP_NAME, "ftp");
	encode_nest_end(encoding, outer);
	encode_put_u32(encoding, CTA_TIMEOUT, htonl(431999));
	expect("conntrack", 0, &message,
	       "{\"family\":\"inet\",\"tuple-orig\":{\"src\":\"192.0.2.1\",\"dst\":\"192.0.2.2\","
	       "\"protocol\":\"tcp\",\"sport\":40000,\"dport\":443},"
	       "\"status\":[\"seen-reply\",\"assured\",\"confirmed\"],"
	       "\"protoinfo\":{\"tcp\":{\"state\":\"established\",\"flags-original\":[\"sack-perm\"]}},"
	       "\"help\":\"ftp\",\"timeout\":431999}\n");
}

/* ---- ethtool ---- */

static void put_bit(struct encoding *encoding, const char *name, bool set) {
	size_t bit = encode_nest(encoding, ETHTOOL_A_BITSET_BITS_BIT);

	encode_put_string(encoding, ETHTOOL_A_BITSET_BIT_NAME, name);
	if (set)
		encode_put(encoding, ETHTOOL_A_BITSET_BIT_VALUE, NULL, 0);
	encode_nest_end(encoding, bit);
}

static size_t begin_link_modes(struct encoding *encoding, bool mask) {
	size_t header = encode_nest(encoding, ETHTOOL_A_LINKMODES_HEADER), set;

	encode_put_u32(encoding, ETHTOOL_A_HEADER_DEV_INDEX, 3);
	encode_put_string(encoding, ETHTOOL_A_HEADER_DEV_NAME, "eth0");
	encode_nest_end(encoding, header);
	set = encode_nest(encoding, mask ? ETHTOOL_A_LINKMODES_OURS : ETHTOOL_A_LINKMODES_PEER);
	if (!mask)
		encode_put(encoding, ETHTOOL_A_BITSET_NOMASK, NULL, 0);
	return set;
}

static void sets_of_bits_are_lists_of_their_names(void **state) {
	struct message message;
	struct encoding *encoding = begin(&message, 0);
	size_t set = begin_link_modes(encoding, true);
	size_t bits = encode_nest(encoding, ETHTOOL_A_BITSET_BITS);

	put_bit(encoding, "10baseT/Half", false);
	put_bit(encoding, "1000baseT/Full", true);
	encode_nest_end(encoding, bits);
	encode_nest_end(encoding, set);
	encode_put_u32(encoding, ETHTOOL_A_LINKMODES_SPEED, UINT32_MAX); /* unknown */
	expect("ethtool-linkmodes", 0, &message,
	       "{\"ifindex\":3,\"dev\":\"eth0\",\"supported\":[\"10baseT/Half\",\"1000baseT/Full\"],"
	       "\"advertised\":[\"1000baseT/Full\"]}\n");

	encoding = begin(&message, 0);
	set = begin_link_modes(encoding, false);
	bits = encode_nest(encoding, ETHTOOL_A_BITSET_BITS);
	put_bit(encoding, "10baseT/Half", false); /* that it is listed is that it is set */
	encode_nest_end(encoding, bits);
	encode_nest_end(encoding, set);
	encode_put_u32(encoding, ETHTOOL_A_LINKMODES_SPEED, 100);
	expect("ethtool-linkmodes", 0, &message,
	       "{\"ifindex\":3,\"dev\":\"eth0\",\"peer\":[\"10baseT/Half\"],\"speed\":100}\n");
}

static void a_set_of_bits_that_is_cut_makes_the_message_malformed(void **state) {
	static const uint16_t wrong[] = { 0, 3, 13, UINT16_MAX };
	struct message message;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct encoding *encoding = begin(&message, 0);
		size_t set = begin_link_modes(encoding, true);
		const struct nlattr bit = { .nla_len = wrong[i],
					    .nla_type = ETHTOOL_A_BITSET_BITS_BIT };
		uint8_t bits[12] = { 0 };

		memcpy(bits, &bit, sizeof bit);
		encode_put(encoding, ETHTOOL_A_BITSET_BITS, bits, sizeof bits);
		encode_nest_end(encoding, set);
		expect_malformed("ethtool-linkmodes", &message);
	}
}

/* ---- sockets ---- */

static unsigned pass_of(enum socket_part part) {
	unsigned i = 0;

	while (socket_passes[i].part != part)
		i++;
	return i;
}

static void keys_of_tcp_signatures_go_nowhere(void **state) {
	struct tcp_diag_md5sig keys[2] = {
		{ .tcpm_family = AF_INET, .tcpm_prefixlen = 24, .tcpm_keylen = 6 },
		{ .tcpm_family = AF_INET6, .tcpm_prefixlen = 64, .tcpm_keylen = 6 },
	};
	struct message message;
	struct encoding *encoding = begin(&message, sizeof(struct inet_diag_msg));
	char *line;

	keys[0].tcpm_addr[0] = htonl(0xc0000200);
	keys[1].tcpm_addr[0] = htonl(0x20010db8);
	memcpy(keys[0].tcpm_key, "SECRET", 6);
	memcpy(keys[1].tcpm_key, "SECRET", 6);
	((struct inet_diag_msg *)encode_header(encoding))->idiag_family = AF_INET;
	encode_put(encoding, INET_DIAG_MD5SIG, keys, sizeof keys);
	assert_int_equal(decode("socket", pass_of(SOCKET_TCP), &message, &line), 1);
	assert_non_null(strstr(line, "\"md5sig\":[{\"prefix\":\"192.0.2.0/24\"},"
				     "{\"prefix\":\"2001:db8::/64\"}]"));
	assert_null(strstr(line, "SECRET"));
	assert_null(strstr(line, "534543524554"));
	free(line);
}

static void names_of_unix_sockets_need_not_be_of_files(void **state) {
	static const struct {
		const char *bytes;
		size_t size;
		const char *name;
	} cases[] = {
		{ "/run/a socket\0\0\0", 16, "/run/a socket" },
		{ "\0one\0two", 8, "@one@two" },
		{ "\0", 1, "@" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct message message;
		struct encoding *encoding = begin(&message, sizeof(struct unix_diag_msg));
		char json[128];

		*(struct unix_diag_msg *)encode_header(encoding) = (struct unix_diag_msg){
			.udiag_family = AF_UNIX,
			.udiag_type = SOCK_STREAM,
			.udiag_state = 10,
			.udiag_ino = 5,
			.udiag_cookie = { 1, 2 },
		};
		encode_put(encoding, UNIX_DIAG_NAME, cases[i].bytes, cases[i].size);
		snprintf(
			json, sizeof json,
			"{\"family\":\"unix\",\"type\":\"stream\",\"state\":\"listen\",\"inode\":5,"
			"\"cookie\":8589934593,\"name\":\"%s\"}\n",
			cases[i].name);
		expect("socket", pass_of(SOCKET_UNIX), &message, json);
	}
}

static void groups_and_connections_that_wait_are_lists_of_numbers(void **state) {
	const unsigned long groups[2] = { 1UL << 0 | 1UL << 4, 1UL << 1 };
	const uint32_t waiting[3] = { 7, 8, 9 };
	struct message message;
	struct encoding *encoding = begin(&message, sizeof(struct netlink_diag_msg));
	char *line;

	((struct netlink_diag_msg *)encode_header(encoding))->ndiag_family = AF_NETLINK;
	encode_put(encoding, NETLINK_DIAG_GROUPS, groups, sizeof groups);
	assert_int_equal(decode("socket", pass_of(SOCKET_NETLINK), &message, &line), 1);
	assert_non_null(strstr(line, "\"groups\":[1,5,66]"));
	assert_non_null(strstr(line, "\"state\":\"close\""));
	free(line);

	encoding = begin(&message, sizeof(struct unix_diag_msg));
	((struct unix_diag_msg *)encode_header(encoding))->udiag_family = AF_UNIX;
	encode_put(encoding, UNIX_DIAG_ICONS, waiting, sizeof waiting);
	assert_int_equal(decode("socket", pass_of(SOCKET_UNIX), &message, &line), 1);
	assert_non_null(strstr(line, "\"icons\":[7,8,9]"));
	free(line);
}

static void what_later_kernels_tell_of_tcp_is_told_if_it_is_there(void **state) {
	uint8_t info[248] = { [7] = 1 | 2 << 1, [6] = 0x7a, [232] = 5, [240] = 6 };
	struct message message;
	struct encoding *encoding = begin(&message, sizeof(struct inet_diag_msg));
	char *line;

	encode_put(encoding, INET_DIAG_INFO, info, sizeof info);
	assert_int_equal(decode("socket", pass_of(SOCKET_TCP), &message, &line), 1);
	assert_non_null(
		strstr(line,
		       "\"snd-wscale\":10,\"rcv-wscale\":7,\"delivery-rate-app-limited\":true,"
		       "\"fastopen-client-fail\":\"data-not-acked\""));
	assert_non_null(strstr(line, "\"rcv-wnd\":5,\"rehash\":0,\"total-rto\":6"));
	free(line);

	encoding = begin(&message, sizeof(struct inet_diag_msg));
	encode_put(encoding, INET_DIAG_INFO, info, 100); /* of an old one */
	assert_int_equal(decode("socket", pass_of(SOCKET_TCP), &message, &line), 1);
	assert_non_null(strstr(line, "\"rcv-rtt\":0,\"rcv-space\":0}"));
	free(line);
}

/* ---- what is asked for ---- */

static Usher__Value *number(uint64_t value) {
	Usher__Value *made = calloc(1, sizeof *made);

	usher__value__init(made);
	made->has_number = 1;
	made->number = value;
	return made;
}

static Usher__Value *text(const char *value) {
	Usher__Value *made = calloc(1, sizeof *made);

	usher__value__init(made);
	made->text = strdup(value);
	return made;
}

static void add_filter(Usher__Row *row, const char *key, Usher__Value *value) {
	Usher__Member *member = calloc(1, sizeof *member);

	usher__member__init(member);
	member->key = strdup(key);
	member->value = value;
	row->members = realloc(row->members, (row->n_members + 1) * sizeof *row->members);
	row->members[row->n_members++] = member;
}

/* The families and protocols that are asked for, "2/6 10/6 ", and the last request. */
static void ask(const Usher__Row *filter, char *families, size_t size, struct message *message) {
	struct selection *selection = select_all("socket", filter);
	size_t n = 0;

	*families = '\0';
	begin(message, 0);
	for (struct netlink_pass pass = { 0 };
	     socket_request(&message->encoding, &netlink_socket, selection, &pass) == 0;
	     pass.number++) {
		assert_int_equal(encode_done(&message->encoding), 0);
		n += (size_t)snprintf(families + n, size - n, "%u/%u ",
				      socket_passes[pass.number].family,
				      socket_passes[pass.number].protocol);
	}
	selection_free(selection);
}

static void sockets_are_asked_for_as_far_as_the_filter_leaves_any(void **state) {
	static const struct {
		const char *key, *value, *families;
	} cases[] = {
		{ "protocol", "tcp", "2/6 10/6 2/255 10/255 " },
		{ "family", "unix", "1/0 " },
		{ "name", "/run/x", "1/0 " },
		{ "portid", "0", "16/0 " },
		{ "ethertype", "arp", "17/0 " },
		{ "congestion", "cubic", "2/6 10/6 " },
		{ "src-cid", "2", "40/0 " },
		{ "tcp-info.rto", "2", "2/6 10/6 " },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		Usher__Row *filter = calloc(1, sizeof *filter);
		struct message message;
		char families[256];

		usher__row__init(filter);
		add_filter(filter, cases[i].key, text(cases[i].value));
		ask(filter, families, sizeof families, &message);
		assert_string_equal(families, cases[i].families);
		usher__row__free_unpacked(filter, NULL);
	}
}

static void the_kernel_is_given_a_program_for_ports_and_addresses(void **state) {
	/* sport == 22, then src in 192.0.2.0/24: what does not hold leads 4 bytes beyond the end */
	static const uint8_t program[] = {
		INET_DIAG_BC_S_EQ,
		8,
		28,
		0,
		0,
		0,
		22,
		0,
		INET_DIAG_BC_S_COND,
		16,
		20,
		0,
		AF_INET,
		24,
		0,
		0,
		0xff,
		0xff,
		0xff,
		0xff,
		192,
		0,
		2,
		0,
	};
	Usher__Row *filter = calloc(1, sizeof *filter);
	const struct inet_diag_req_v2 *request;
	struct message message;
	char families[256];
	const uint8_t *code;
	size_t size;

	usher__row__init(filter);
	add_filter(filter, "sport", number(22));
	add_filter(filter, "src", text("192.0.2.0/24"));
	add_filter(filter, "state", text("close"));
	add_filter(filter, "protocol", text("tcp"));
	add_filter(filter, "family", text("inet"));
	add_filter(filter, "type", text("stream"));
	ask(filter, families, sizeof families, &message);
	assert_string_equal(families, "2/6 ");
	usher__row__free_unpacked(filter, NULL);
	request = (const void *)(message.bytes + NLMSG_HDRLEN);
	assert_true(netlink_attribute(message.bytes + NLMSG_HDRLEN,
				      message.encoding.size - NLMSG_HDRLEN, sizeof *request,
				      INET_DIAG_REQ_BYTECODE, &code, &size));
	assert_int_equal(size, sizeof program);
	assert_memory_equal(code, program, sizeof program);
	assert_int_equal(request->idiag_states, 1U << 7 | 1U << 13);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_table_is_one_that_can_be_read_and_described),
		cmocka_unit_test(secret_keys_of_wireguard_go_nowhere),
		cmocka_unit_test(a_connection_is_told_without_the_levels_that_it_comes_in),
		cmocka_unit_test(sets_of_bits_are_lists_of_their_names),
		cmocka_unit_test(a_set_of_bits_that_is_cut_makes_the_message_malformed),
		cmocka_unit_test(keys_of_tcp_signatures_go_nowhere),
		cmocka_unit_test(names_of_unix_sockets_need_not_be_of_files),
		cmocka_unit_test(groups_and_connections_that_wait_are_lists_of_numbers),
		cmocka_unit_test(what_later_kernels_tell_of_tcp_is_told_if_it_is_there),
		cmocka_unit_test(sockets_are_asked_for_as_far_as_the_filter_leaves_any),
		cmocka_unit_test(the_kernel_is_given_a_program_for_ports_and_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
