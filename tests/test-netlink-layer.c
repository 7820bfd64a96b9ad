/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libusher-netlink: tables that read and write, and a kernel that says whatever it is told to say.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/neighbour.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_ematch/tc_em_meta.h>
#include <linux/veth.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netlink/usher-netlink.h"
#include "support.h"

/* ---- a kernel that reads from a script ---- */

static struct {
	struct usher_socket *socket;
	bool scripted;
	_Alignas(NLMSG_ALIGNTO) unsigned char datagrams[16][4096];
	size_t sizes[16];
	uint32_t senders[16];
	int errors[16]; /* in place of a datagram */
	size_t n, at;
} kernel;

ssize_t __real_recvmsg(int fd, struct msghdr *header, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *header, int flags);

ssize_t __wrap_recvmsg(int fd, struct msghdr *header, int flags) {
	size_t at = kernel.at;
	size_t size;

	if (!kernel.scripted)
		return __real_recvmsg(fd, header, flags);
	if (at >= kernel.n) {
		errno = EPROTO; /* reads more than there is */
		return -1;
	}
	kernel.at++;
	if (kernel.errors[at]) {
		errno = kernel.errors[at];
		return -1;
	}
	*(struct sockaddr_nl *)header->msg_name =
		(struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = kernel.senders[at] };
	header->msg_namelen = sizeof(struct sockaddr_nl);
	size = kernel.sizes[at];
	if (size > sizeof kernel.datagrams[at]) {
		header->msg_flags = MSG_TRUNC;
		return (ssize_t)size;
	}
	memcpy(header->msg_iov[0].iov_base, kernel.datagrams[at], size);
	header->msg_flags = 0;
	return (ssize_t)size;
}

static uint32_t port(void) {
	struct sockaddr_nl address;
	socklen_t size = sizeof address;

	assert_int_equal(getsockname(usher_socket_get_fd(kernel.socket),
				     (struct sockaddr *)&address, &size),
			 0);
	return address.nl_pid;
}

/* Adds a message to the last datagram; its payload is as it is. */
static struct nlmsghdr *say(uint16_t type, uint16_t flags, uint32_t number, const void *payload,
			    size_t size) {
	size_t at = kernel.n - 1;
	struct nlmsghdr *message = (void *)(kernel.datagrams[at] + kernel.sizes[at]);

	assert_true(kernel.sizes[at] + NLMSG_SPACE(size) <= sizeof kernel.datagrams[at]);
	memset(message, 0, NLMSG_SPACE(size));
	*message = (struct nlmsghdr){
		.nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
		.nlmsg_type = type,
		.nlmsg_flags = flags,
		.nlmsg_seq = number,
		.nlmsg_pid = port(),
	};
	if (size > 0)
		memcpy(NLMSG_DATA(message), payload, size);
	kernel.sizes[at] += NLMSG_SPACE(size);
	return message;
}

static void new_datagram(void) {
	assert_true(kernel.n < N_OF(kernel.sizes));
	kernel.sizes[kernel.n] = 0;
	kernel.senders[kernel.n] = 0;
	kernel.errors[kernel.n] = 0;
	kernel.n++;
}

static void new_error(int error) {
	new_datagram();
	kernel.errors[kernel.n - 1] = error;
}

static void say_acknowledged(uint32_t number, int error) {
	struct nlmsgerr said = { .error = error, .msg.nlmsg_len = sizeof said.msg };

	say(NLMSG_ERROR, NLM_F_CAPPED, number, &said, sizeof said);
}

static void say_done(uint32_t number, uint16_t flags, int error) {
	say(NLMSG_DONE, flags | NLM_F_MULTI, number, &error, sizeof error);
}

/* A link, with its index in the head and a number among its attributes. */
static void say_link(uint32_t number, int index, uint32_t mtu) {
	struct {
		struct ifinfomsg head;
		struct nlattr attribute;
		uint32_t mtu;
	} link = { { .ifi_index = index }, { 8, IFLA_MTU }, mtu };

	say(RTM_NEWLINK, NLM_F_MULTI, number, &link, sizeof link);
}

/* The socket's first request of a dump is one of nothing. */
enum { PRIMING = 1, DUMP = 2 };

static int begin_script(void **state) {
	memset(&kernel, 0, sizeof kernel);
	if (usher_socket_new(NETLINK_ROUTE, &kernel.socket) < 0)
		return -1;
	kernel.scripted = true;
	new_datagram();
	say_acknowledged(PRIMING, 0);
	new_datagram();
	return 0;
}

static int end_script(void **state) {
	kernel.scripted = false;
	usher_socket_close(kernel.socket);
	return 0;
}

/* ---- what is wanted of a link ---- */

struct vlan {
	uint16_t id;
	uint32_t flags;
	bool has_id;
};

struct link {
	int index;
	char name[IFNAMSIZ];
	char kind[16];
	uint32_t mtu;
	int32_t netnsid;
	uint32_t table;
	bool has_mtu, has_netnsid, has_table;
	struct vlan vlan;
	struct usher_octets address;
	struct usher_view alias;
	unsigned names;
	/* of the test */
	unsigned rows;
	int last;
};

static const struct usher_attribute vlan_attributes[] = {
	[IFLA_VLAN_ID] = USHER_MEMBER_IF(USHER_U16, struct link, vlan.id, vlan.has_id),
};
static const struct usher_level vlan_level = USHER_LEVEL(vlan_attributes);

static const struct usher_attribute vrf_attributes[] = {
	[IFLA_VRF_TABLE] = USHER_MEMBER_IF(USHER_U32, struct link, table, has_table),
};
static const struct usher_level vrf_level = USHER_LEVEL(vrf_attributes);

static const struct usher_level *choose_data(const void *into) {
	const struct link *link = into;

	if (strcmp(link->kind, "vlan") == 0)
		return &vlan_level;
	return strcmp(link->kind, "vrf") == 0 ? &vrf_level : NULL;
}

static const struct usher_attribute info_attributes[] = {
	[IFLA_INFO_KIND] = USHER_TEXT(struct link, kind),
	[IFLA_INFO_DATA] = USHER_UNION(choose_data),
};
static const struct usher_level info_level = USHER_LEVEL(info_attributes);

static int count_name(void *into, const struct nlattr *attribute) {
	struct link *link = into;

	link->names++;
	return 0;
}

static const struct usher_attribute names_attributes[] = {
	[IFLA_ALT_IFNAME] = USHER_CALL(count_name, NULL),
};
static const struct usher_level names_level = USHER_LEVEL(names_attributes);

static const struct usher_attribute link_attributes[] = {
	[IFLA_ADDRESS] = USHER_MEMBER(USHER_ADDRESS, struct link, address),
	[IFLA_IFNAME] = USHER_TEXT(struct link, name),
	[IFLA_MTU] = USHER_MEMBER_IF(USHER_U32, struct link, mtu, has_mtu),
	[IFLA_LINKINFO] = USHER_NEST(&info_level),
	[IFLA_IFALIAS] = USHER_MEMBER(USHER_WINDOW, struct link, alias),
	[IFLA_LINK_NETNSID] = USHER_MEMBER_IF(USHER_S32, struct link, netnsid, has_netnsid),
	[IFLA_PROP_LIST] = USHER_NEST(&names_level),
};
static const struct usher_level link_level = USHER_LEVEL(link_attributes);

static int take_head(void *into, const struct nlmsghdr *message) {
	struct link *link = into;

	link->index = ((const struct ifinfomsg *)NLMSG_DATA(message))->ifi_index;
	return 0;
}

static int count_row(void *into, const struct nlmsghdr *message) {
	struct link *link = into;

	link->rows++;
	link->last = link->index;
	return 0;
}

/* Rows are counted, so nothing is forgotten between them. */
static struct usher_reading reading_of(struct link *link) {
	return (struct usher_reading){
		.type = RTM_NEWLINK,
		.header = sizeof(struct ifinfomsg),
		.level = link_level,
		.into = link,
		.begin = take_head,
		.end = count_row,
	};
}

static int dump(struct link *link) {
	struct usher_reading reading = reading_of(link);
	struct usher_request *request;
	struct ifinfomsg head = { 0 };
	int r;

	assert_int_equal(usher_request_new(RTM_GETLINK, 0, &request), 0);
	usher_request_add_header(request, &head, sizeof head);
	r = usher_socket_dump(kernel.socket, request, &reading);
	usher_request_free(request);
	return r;
}

static int transact(struct link *link) {
	struct usher_reading reading = reading_of(link);
	struct usher_request *request;
	struct ifinfomsg head = { .ifi_index = 1 };
	int r;

	assert_int_equal(usher_request_new(RTM_GETLINK, 0, &request), 0);
	usher_request_add_header(request, &head, sizeof head);
	r = usher_socket_transact(kernel.socket, request, &reading);
	usher_request_free(request);
	return r;
}

/* ---- the end of a dump ---- */

static void a_dump_ends_where_the_kernel_says_so(void **state) {
	struct link link = { 0 };

	say_link(DUMP, 1, 1500);
	say_link(DUMP, 2, 9000);
	new_datagram();
	say(NLMSG_NOOP, 0, DUMP, NULL, 0);
	say_link(DUMP, 3, 65536);
	say_done(DUMP, 0, 0);
	assert_int_equal(dump(&link), 0);
	assert_int_equal(link.rows, 3);
	assert_int_equal(link.last, 3);
	assert_int_equal(link.mtu, 65536);
	assert_true(link.has_mtu);
	assert_string_equal(usher_socket_message(kernel.socket), "");
}

static void an_error_at_the_end_of_a_dump_is_an_error(void **state) {
	struct {
		int error;
		struct nlattr attribute;
		char text[16];
	} end = { -EINVAL, { 4 + 16, NLMSGERR_ATTR_MSG }, "no such headers" };
	struct link link = { 0 };

	say(NLMSG_DONE, NLM_F_MULTI | NLM_F_ACK_TLVS, DUMP, &end, sizeof end);
	assert_int_equal(dump(&link), -EINVAL);
	assert_string_equal(usher_socket_message(kernel.socket), "no such headers");
}

static void an_interrupted_dump_is_no_success(void **state) {
	struct link link = { 0 };

	say_link(DUMP, 1, 1500);
	((struct nlmsghdr *)kernel.datagrams[kernel.n - 1])->nlmsg_flags |= NLM_F_DUMP_INTR;
	say_link(DUMP, 2, 1500);
	say_done(DUMP, 0, 0);
	assert_int_equal(dump(&link), -EAGAIN);
	assert_int_equal(link.rows, 2);
	assert_non_null(strstr(usher_socket_message(kernel.socket), "changed"));
}

static void an_interruption_may_be_told_with_the_end(void **state) {
	struct link link = { 0 };

	say_link(DUMP, 1, 1500);
	say_done(DUMP, NLM_F_DUMP_INTR, 0);
	assert_int_equal(dump(&link), -EAGAIN);
}

static void a_message_of_another_type_is_an_error(void **state) {
	struct ifaddrmsg address = { 0 };
	struct link link = { 0 };

	say(RTM_NEWADDR, NLM_F_MULTI, DUMP, &address, sizeof address);
	say_done(DUMP, 0, 0);
	assert_int_equal(dump(&link), -EBADMSG);
	assert_non_null(strstr(usher_socket_message(kernel.socket), "type 20"));
}

static void a_datagram_that_is_cut_off_is_an_error(void **state) {
	struct link link = { 0 };

	kernel.sizes[kernel.n - 1] = 200000;
	assert_int_equal(dump(&link), -EMSGSIZE);
}

static void lost_messages_are_an_error(void **state) {
	struct link link = { 0 };

	new_error(EINTR);
	new_error(ENOBUFS);
	assert_int_equal(dump(&link), -ENOBUFS);
	assert_non_null(strstr(usher_socket_message(kernel.socket), "lost"));
}

static void nobody_elses_messages_are_believed(void **state) {
	struct link link = { 0 };

	say_link(DUMP + 7, 71, 1); /* another number */
	say_link(DUMP, 72, 1);
	((struct nlmsghdr *)kernel.datagrams[kernel.n - 1])[0].nlmsg_seq = DUMP + 7;
	say(RTM_NEWLINK, 0, DUMP, &(struct ifinfomsg){ .ifi_index = 73 }, sizeof(struct ifinfomsg))
		->nlmsg_pid = 1; /* another's port */
	new_datagram();
	say_link(DUMP, 74, 1);
	kernel.senders[kernel.n - 1] = 4711; /* no kernel */
	new_datagram();
	say_done(DUMP, 0, 0);
	assert_int_equal(dump(&link), 0);
	assert_int_equal(link.rows, 1);
	assert_int_equal(link.last, 72);
}

static int stop_here(void *into, const struct nlmsghdr *message) {
	struct link *link = into;

	link->rows++;
	return USHER_STOP;
}

static void stopping_leaves_nothing_for_the_next_question(void **state) {
	struct link link = { 0 };
	struct usher_reading reading = reading_of(&link);
	struct usher_request *request;

	say_link(DUMP, 1, 1500);
	say_link(DUMP, 2, 1500);
	new_datagram();
	say_link(DUMP, 3, 1500);
	say_done(DUMP, 0, -EINVAL);
	new_datagram();
	say_link(DUMP + 1, 4, 1500);
	say_acknowledged(DUMP + 1, 0);
	reading.end = stop_here;
	assert_int_equal(usher_request_new(RTM_GETLINK, 0, &request), 0);
	assert_int_equal(usher_socket_dump(kernel.socket, request, &reading), 0);
	usher_request_free(request);
	assert_int_equal(link.rows, 1);
	assert_int_equal(kernel.at, 2);
	assert_int_equal(transact(&link), 0);
	assert_int_equal(link.rows, 2);
	assert_int_equal(link.last, 4);
}

static int drop_odd(void *into, const struct nlmsghdr *message) {
	take_head(into, message);
	return ((struct link *)into)->index % 2 ? USHER_DROP : 0;
}

static void what_is_dropped_by_its_head_is_not_read(void **state) {
	struct link link = { 0 };
	struct usher_reading reading = reading_of(&link);
	struct usher_request *request;

	reading.begin = drop_odd;
	say_link(DUMP, 1, 1111);
	say_link(DUMP, 2, 2222);
	say_link(DUMP, 3, 3333);
	say_done(DUMP, 0, 0);
	assert_int_equal(usher_request_new(RTM_GETLINK, 0, &request), 0);
	assert_int_equal(usher_socket_dump(kernel.socket, request, &reading), 0);
	usher_request_free(request);
	assert_int_equal(link.rows, 1);
	assert_int_equal(link.mtu, 2222);
}

static int fail_here(void *into, const struct nlmsghdr *message) {
	return -ECANCELED;
}

static void a_callback_that_fails_ends_the_dump_with_its_error(void **state) {
	struct link link = { 0 };
	struct usher_reading reading = reading_of(&link);
	struct usher_request *request;

	reading.end = fail_here;
	say_link(DUMP, 1, 1111);
	assert_int_equal(usher_request_new(RTM_GETLINK, 0, &request), 0);
	assert_int_equal(usher_socket_dump(kernel.socket, request, &reading), -ECANCELED);
	usher_request_free(request);
}

/* ---- one question ---- */

static void the_kernels_words_come_with_its_error(void **state) {
	struct {
		struct nlmsgerr said;
		struct nlattr text_head;
		char text[12];
		struct nlattr offset_head;
		uint32_t offset;
	} answer = { { .error = -ENODEV, .msg.nlmsg_len = 4000 },
		     { 4 + 12, NLMSGERR_ATTR_MSG },
		     "no such dev",
		     { 8, NLMSGERR_ATTR_OFFS },
		     44 };
	struct link link = { 0 };

	say(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, PRIMING, &answer, sizeof answer);
	kernel.at = 1;
	assert_int_equal(transact(&link), -ENODEV);
	assert_string_equal(usher_socket_message(kernel.socket), "no such dev");
	assert_int_equal(usher_socket_error_offset(kernel.socket), 44);
}

static void an_error_without_words_has_the_errnos(void **state) {
	struct link link = { 0 };

	kernel.at = 1;
	say_acknowledged(PRIMING, -EPERM);
	assert_int_equal(transact(&link), -EPERM);
	assert_string_equal(usher_socket_message(kernel.socket), strerror(EPERM));
}

static void words_that_would_lie_beyond_the_answer_are_not_looked_for(void **state) {
	struct nlmsgerr said = { .error = -EINVAL, .msg.nlmsg_len = 4000 };
	struct link link = { 0 };

	/* Not capped: the request should stand there. */
	say(NLMSG_ERROR, NLM_F_ACK_TLVS, PRIMING, &said, sizeof said);
	kernel.at = 1;
	assert_int_equal(transact(&link), -EINVAL);
	new_datagram();
	say(NLMSG_ERROR, 0, PRIMING + 1, &said.error, 2);
	assert_int_equal(transact(&link), -EBADMSG);
}

static void an_answer_comes_before_its_acknowledgement(void **state) {
	struct link link = { 0 };

	kernel.at = 1;
	say_link(PRIMING, 7, 1500);
	new_datagram();
	say_acknowledged(PRIMING, 0);
	assert_int_equal(transact(&link), 0);
	assert_int_equal(link.last, 7);
	assert_int_equal(link.rows, 1);
}

/* ---- malformed messages ---- */

static int read_bytes(const void *bytes, size_t size, struct link *ret) {
	*ret = (struct link){ 0 };
	return usher_level_read(&link_level, bytes, size, ret);
}

static void a_length_that_is_none_ends_the_reading(void **state) {
	static const uint16_t lengths[] = { 0, 1, 2, 3, 9, 12, 4000, 65535 };
	struct link link;

	for (size_t i = 0; i < N_OF(lengths); i++) {
		struct nlattr attribute[2] = { { lengths[i], IFLA_MTU } };

		assert_int_equal(read_bytes(attribute, sizeof attribute, &link), -EBADMSG);
	}
	for (size_t rest = 1; rest < 4; rest++) {
		struct nlattr attribute[3] = { { 8, IFLA_MTU } };

		assert_int_equal(read_bytes(attribute, 8 + rest, &link), -EBADMSG);
	}
	assert_int_equal(read_bytes(NULL, 0, &link), 0);
}

static void a_number_of_another_width_is_none(void **state) {
	for (uint16_t size = 0; size <= 8; size++) {
		struct {
			struct nlattr head;
			unsigned char bytes[8];
		} attribute = { { (uint16_t)(4 + size), IFLA_MTU }, { 1, 2, 3, 4, 5, 6, 7, 8 } };
		struct link link;
		size_t whole = NLA_HDRLEN + NLA_ALIGN(size);

		assert_int_equal(read_bytes(&attribute, whole, &link), size == 4 ? 0 : -EBADMSG);
		assert_int_equal(link.has_mtu, size == 4);
	}
}

static void negative_numbers_stay_negative(void **state) {
	struct {
		struct nlattr head;
		int32_t number;
	} attribute = { { 8, IFLA_LINK_NETNSID }, -1 };
	struct link link;
	uint64_t unsigned_number;
	int64_t number;

	assert_int_equal(read_bytes(&attribute, sizeof attribute, &link), 0);
	assert_int_equal(link.netnsid, -1);
	assert_int_equal(usher_attribute_signed(&attribute.head, 4, &number), 0);
	assert_int_equal(number, -1);
	assert_int_equal(usher_attribute_unsigned(&attribute.head, 4, &unsigned_number), 0);
	assert_int_equal(unsigned_number, UINT32_MAX);
	assert_int_equal(usher_attribute_signed(&attribute.head, 2, &number), -EBADMSG);
	assert_int_equal(usher_attribute_big_endian(&attribute.head, 9, &unsigned_number),
			 -EBADMSG);
}

static void a_text_needs_no_end_and_must_fit(void **state) {
	struct {
		struct nlattr head;
		char bytes[20];
	} attribute = { { 4 + 4, IFLA_IFNAME }, "eth0eth0eth0eth0eth" };
	struct link link;

	assert_int_equal(read_bytes(&attribute, 8, &link), 0);
	assert_string_equal(link.name, "eth0");
	attribute.head.nla_len = 4 + 16;
	assert_int_equal(read_bytes(&attribute, 20, &link), -EBADMSG);
	attribute.bytes[15] = '\0';
	assert_int_equal(read_bytes(&attribute, 20, &link), 0);
	assert_string_equal(link.name, "eth0eth0eth0eth");
}

static void of_attributes_that_stand_twice_the_last_counts(void **state) {
	struct {
		struct nlattr head;
		uint32_t number;
	} attributes[] = { { { 8, IFLA_MTU }, 1 }, { { 8, IFLA_MTU }, 2 } };
	struct link link;

	assert_int_equal(read_bytes(attributes, sizeof attributes, &link), 0);
	assert_int_equal(link.mtu, 2);
}

static void the_nested_bit_is_no_part_of_the_number(void **state) {
	struct {
		struct nlattr list;
		struct nlattr name;
		char text[4];
	} attribute = { { 12, IFLA_PROP_LIST | NLA_F_NESTED }, { 8, IFLA_ALT_IFNAME }, "abc" };
	struct link link;

	assert_int_equal(read_bytes(&attribute, sizeof attribute, &link), 0);
	assert_int_equal(link.names, 1);
	attribute.list.nla_type = IFLA_PROP_LIST;
	assert_int_equal(read_bytes(&attribute, sizeof attribute, &link), 0);
	assert_int_equal(link.names, 1);
}

static void what_is_malformed_inside_is_malformed(void **state) {
	struct {
		struct nlattr list;
		struct nlattr name;
		char text[4];
	} attribute = { { 12, IFLA_PROP_LIST }, { 9, IFLA_ALT_IFNAME }, "abc" };
	struct link link;

	assert_int_equal(read_bytes(&attribute, sizeof attribute, &link), -EBADMSG);
}

static void what_is_not_wanted_is_not_looked_at(void **state) {
	struct {
		struct nlattr head;
		unsigned char bytes[8];
	} attributes[] = { { { 12, IFLA_STATS }, { 0xff } }, { { 12, 9000 }, { 0xff } } };
	struct link link;

	assert_int_equal(read_bytes(attributes, sizeof attributes, &link), 0);
	assert_memory_equal(&link, &(struct link){ 0 }, sizeof link);
}

static void a_kind_says_how_its_data_are_read(void **state) {
	struct {
		struct nlattr info, kind;
		char name[8];
		struct nlattr data, member;
		uint32_t number;
	} attributes = { { 4 + 24, IFLA_LINKINFO },
			 { 8, IFLA_INFO_KIND },
			 "vrf",
			 { 12, IFLA_INFO_DATA },
			 { 8, 1 },
			 100 };
	struct link link;

	attributes.kind.nla_len = 12;
	assert_int_equal(read_bytes(&attributes, sizeof attributes, &link), 0);
	assert_int_equal(link.table, 100);
	assert_false(link.vlan.has_id);
	strcpy(attributes.name, "unknown");
	assert_int_equal(read_bytes(&attributes, sizeof attributes, &link), 0);
	assert_false(link.has_table);
	/* The same number is another's, of another width. */
	strcpy(attributes.name, "vlan");
	assert_int_equal(read_bytes(&attributes, sizeof attributes, &link), -EBADMSG);
}

static void a_message_shorter_than_its_head_is_malformed(void **state) {
	struct link link = { 0 };

	say(RTM_NEWLINK, 0, DUMP, &(struct ifinfomsg){ 0 }, sizeof(struct ifinfomsg) - 4);
	assert_int_equal(dump(&link), -EBADMSG);
}

static void a_datagram_with_a_rest_is_malformed(void **state) {
	struct link link = { 0 };

	say_link(DUMP, 1, 1500);
	kernel.sizes[kernel.n - 1] += 3;
	assert_int_equal(dump(&link), -EBADMSG);
}

/* ---- written, and read again ---- */

static void what_is_written_is_read_again(void **state) {
	struct link link = {
		.index = 5, .name = "v.7", .kind = "vlan", .mtu = 1400, .has_mtu = true,
		.netnsid = -2, .has_netnsid = true, .vlan = { .id = 7, .has_id = true },
		.address = { 6, { 2, 0, 0x5e, 0x10, 0, 1 } }, .alias = { "\xff\0x", 3 },
	}, again = { 0 };
	struct usher_reading reading = reading_of(&again);
	struct ifinfomsg head = { .ifi_index = 5 };
	const struct nlmsghdr *message;
	struct usher_request *request;
	int error;

	assert_int_equal(usher_request_new(RTM_NEWLINK, NLM_F_CREATE, &request), 0);
	usher_request_add_header(request, &head, sizeof head);
	usher_request_add_level(request, &link_level, &link);
	message = usher_request_get(request, &error);
	assert_non_null(message);
	assert_int_equal(message->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE);
	assert_int_equal(usher_reading_read(&reading, message), 0);
	assert_int_equal(again.index, 5);
	assert_string_equal(again.name, "v.7");
	assert_string_equal(again.kind, "vlan");
	assert_int_equal(again.mtu, 1400);
	assert_int_equal(again.netnsid, -2);
	assert_int_equal(again.vlan.id, 7);
	assert_memory_equal(&again.address, &link.address, sizeof link.address);
	assert_int_equal(again.alias.length, 3);
	assert_memory_equal(again.alias.bytes, "\xff\0x", 3);
	usher_request_free(request);
}

static void what_is_not_there_is_not_written(void **state) {
	struct link link = { .kind = "", .vlan = { .id = 7, .has_id = true } };
	const struct nlmsghdr *message;
	struct usher_request *request;
	int error;

	assert_int_equal(usher_request_new(RTM_NEWLINK, 0, &request), 0);
	usher_request_add_level(request, &info_level, &link);
	usher_request_add_level(request, &names_level, &link);
	usher_request_put_text(request, IFLA_IFNAME, NULL);
	usher_request_put(request, IFLA_IFNAME, NULL, 8);
	usher_request_put_address(request, IFLA_ADDRESS, NULL);
	message = usher_request_get(request, &error);
	assert_int_equal(message->nlmsg_len, sizeof *message);
	/* Nor is a nest in which nothing is. */
	link.vlan.has_id = false;
	strcpy(link.kind, "vlan");
	usher_request_add_level(request, &info_level, &link);
	assert_int_equal(usher_request_get(request, &error)->nlmsg_len, sizeof *message + 4 + 8);
	usher_request_free(request);
}

static void bytes_on_the_wire_are_the_kernels(void **state) {
	static const unsigned char wanted[] = {
		5,  0, 1, 0,    0xaa, 0,   0, 0, 6, 0, 2, 0, 0x12, 0x34, 0, 0, /* u8, be16 */
		16, 0, 3, 0x80, 12,   0,   4, 0, 1, 2, 3, 4, 5,    6,    7, 8, /* a nest, be64 */
		7,  0, 5, 0,    'a',  'b', 0, 0,                               /* text */
	};
	const struct nlmsghdr *message;
	struct usher_request *request;
	int error;

	assert_int_equal(usher_request_new(1, 0, &request), 0);
	usher_request_put_u8(request, 1, 0xaa);
	usher_request_put_be16(request, 2, 0x1234);
	usher_request_begin_nest(request, 3);
	usher_request_put_be64(request, 4, 0x0102030405060708);
	usher_request_end_nest(request);
	usher_request_put_text(request, 5, "ab");
	message = usher_request_get(request, &error);
	assert_int_equal(message->nlmsg_len, sizeof *message + sizeof wanted);
	assert_memory_equal(message + 1, wanted, sizeof wanted);
	usher_request_free(request);
}

static void numbers_of_the_network_are_turned_both_ways(void **state) {
	struct numbers {
		uint16_t two;
		uint32_t four;
		uint64_t eight;
		int32_t less;
	} given = { 0x0102, 0x01020304, 0x0102030405060708, -2 }, read = { 0 };

	static const struct usher_attribute attributes[] = {
		[1] = USHER_MEMBER(USHER_BE16, struct numbers, two),
		[2] = USHER_MEMBER(USHER_BE32, struct numbers, four),
		[3] = USHER_MEMBER(USHER_BE64, struct numbers, eight),
		[4] = USHER_MEMBER(USHER_SBE32, struct numbers, less),
	};
	static const struct usher_level level = USHER_LEVEL(attributes);
	static const unsigned char first[] = { 6, 0, 1, 0, 1, 2, 0, 0 };
	const struct nlmsghdr *message;
	struct usher_request *request;

	assert_int_equal(usher_request_new(1, 0, &request), 0);
	usher_request_add_level(request, &level, &given);
	message = usher_request_get(request, NULL);
	assert_memory_equal(message + 1, first, sizeof first);
	assert_int_equal(usher_level_read(&level, message + 1, message->nlmsg_len - sizeof *message,
					  &read),
			 0);
	assert_int_equal(read.two, given.two);
	assert_int_equal(read.four, given.four);
	assert_int_equal(read.eight, given.eight);
	assert_int_equal(read.less, given.less);
	usher_request_free(request);
}

static void the_first_failure_of_a_request_sticks(void **state) {
	static char large[70000];
	struct usher_request *request;
	int error = 0;

	assert_int_equal(usher_request_new(1, 0, &request), 0);
	usher_request_put(request, 1, large, 65532);
	assert_null(usher_request_get(request, &error));
	assert_int_equal(error, -EMSGSIZE);
	usher_request_end_nest(request);
	assert_null(usher_request_get(request, &error));
	assert_int_equal(error, -EMSGSIZE);
	usher_request_free(request);
	assert_int_equal(usher_request_new(1, 0, &request), 0);
	usher_request_put(request, 1, large, 65531);
	assert_non_null(usher_request_get(request, &error));
	usher_request_begin_nest(request, 2);
	assert_null(usher_request_get(request, &error));
	assert_int_equal(error, -EINVAL);
	usher_request_put(request, 1, large, 65528);
	usher_request_end_nest(request);
	assert_null(usher_request_get(request, &error));
	assert_int_equal(error, -EMSGSIZE);
	usher_request_free(request);
}

static void addresses_are_text_and_back(void **state) {
	static const char *const addresses[] = { "192.0.2.1", "2001:db8::1", "::", "0.0.0.0" };
	static const char *const hardware[] = { "", "02:00:5e:10:00:01", "ff",
						"00:01:02:03:04:05:06:07" };
	static const char *const wrong[] = { "2",     "02:",   ":02",    "02:0",
					     "0x:00", "02-00", "02:00:", " 02" };
	struct usher_octets octets;
	char *text;

	for (size_t i = 0; i < N_OF(addresses); i++) {
		assert_int_equal(usher_address_from_string(addresses[i], &octets), 0);
		assert_int_equal(usher_address_to_string(&octets, &text), 0);
		assert_string_equal(text, addresses[i]);
		free(text);
	}
	for (size_t i = 0; i < N_OF(hardware); i++) {
		assert_int_equal(usher_hardware_from_string(hardware[i], &octets), 0);
		assert_int_equal(usher_hardware_to_string(&octets, &text), 0);
		assert_string_equal(text, hardware[i]);
		free(text);
	}
	for (size_t i = 0; i < N_OF(wrong); i++)
		assert_int_equal(usher_hardware_from_string(wrong[i], &octets), -EINVAL);
	assert_int_equal(usher_address_from_string("192.0.2", &octets), -EINVAL);
	octets.length = 6;
	assert_int_equal(usher_address_to_string(&octets, &text), -EINVAL);
}

/* ---- events ---- */

static void events_of_other_types_are_passed_over(void **state) {
	struct link link = { 0 };
	struct usher_reading reading = reading_of(&link);
	const struct usher_listening listening[] = { { RTM_NEWLINK, &reading } };

	kernel.at = 1;
	say(RTM_NEWNSID, 0, 0, &(struct rtgenmsg){ 0 }, sizeof(struct rtgenmsg));
	say_link(0, 8, 1500);
	new_error(EAGAIN);
	new_error(ENOBUFS);
	assert_int_equal(usher_socket_listen(kernel.socket, listening, 1), 1);
	assert_int_equal(link.last, 8);
	assert_int_equal(usher_socket_listen(kernel.socket, listening, 1), 0);
	assert_int_equal(usher_socket_listen(kernel.socket, listening, 1), -ENOBUFS);
}

/* ---- the real kernel ---- */

static struct link *found;

static int find_lo(void *into, const struct nlmsghdr *message) {
	struct link *link = into;

	if (strcmp(link->name, "lo") == 0)
		*found = *link;
	return 0;
}

static void the_kernels_own_dump_is_understood(void **state) {
	struct link lo = { 0 }, each;
	struct usher_reading reading = reading_of(&each);
	struct usher_request *request;
	struct ifinfomsg head = { 0 };
	size_t before = descriptors_open();

	found = &lo;
	reading.size = sizeof each;
	reading.end = find_lo;
	assert_int_equal(usher_socket_new(NETLINK_ROUTE, &kernel.socket), 0);
	assert_int_equal(usher_request_new(RTM_GETLINK, 0, &request), 0);
	usher_request_add_header(request, &head, sizeof head);
	usher_request_put_u32(request, IFLA_EXT_MASK, 0);
	assert_int_equal(usher_socket_dump(kernel.socket, request, &reading), 0);
	assert_int_equal(lo.index, 1);
	assert_true(lo.has_mtu);
	assert_int_equal(lo.address.length, 6);
	/* The same request once more. */
	lo.index = 0;
	assert_int_equal(usher_socket_dump(kernel.socket, request, &reading), 0);
	assert_int_equal(lo.index, 1);
	usher_request_free(request);
	kernel.socket = usher_socket_close(kernel.socket);
	assert_no_leak(before);
}

static void what_is_not_there_is_the_kernels_errno(void **state) {
	struct link link = { 0 };
	struct usher_reading reading = reading_of(&link);
	struct usher_request *request;
	struct ifinfomsg head = { 0 };

	assert_int_equal(usher_socket_new(NETLINK_ROUTE, &kernel.socket), 0);
	assert_int_equal(usher_request_new(RTM_GETLINK, 0, &request), 0);
	usher_request_add_header(request, &head, sizeof head);
	usher_request_put_text(request, IFLA_IFNAME, "no-such-link");
	assert_int_equal(usher_socket_transact(kernel.socket, request, &reading), -ENODEV);
	usher_request_free(request);
	/* Strict checking is on: a head that is no dump's is refused at the end of it. */
	head.ifi_index = 4711;
	assert_int_equal(usher_request_new(RTM_GETLINK, 0, &request), 0);
	usher_request_add_header(request, &head, sizeof head);
	assert_int_equal(usher_socket_dump(kernel.socket, request, &reading), -EINVAL);
	assert_true(strlen(usher_socket_message(kernel.socket)) > 0);
	usher_request_free(request);
	kernel.socket = usher_socket_close(kernel.socket);
}

static void a_family_is_found_by_its_name(void **state) {
	uint16_t number = 0;

	assert_int_equal(usher_socket_new(NETLINK_GENERIC, &kernel.socket), 0);
	assert_int_equal(usher_socket_find_family(kernel.socket, "nlctrl", &number), 0);
	assert_int_equal(number, GENL_ID_CTRL);
	assert_int_equal(usher_socket_find_family(kernel.socket, "no-such", &number), -ENOENT);
	kernel.socket = usher_socket_close(kernel.socket);
}

static void only_a_netlink_socket_is_adopted(void **state) {
	int fd = some_descriptor(), sockets[2], raw;
	size_t before;
	uint16_t number;

	assert_int_equal(usher_socket_adopt(fd, &kernel.socket), -ENOTSOCK);
	close(fd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	assert_int_equal(usher_socket_adopt(sockets[0], &kernel.socket), -EINVAL);
	close(sockets[0]);
	close(sockets[1]);
	before = descriptors_open();
	/* One that nobody has bound, and that does not block. */
	raw = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_GENERIC);
	assert_int_equal(usher_socket_adopt(raw, &kernel.socket), 0);
	assert_int_equal(usher_socket_find_family(kernel.socket, "nlctrl", &number), 0);
	kernel.socket = usher_socket_close(kernel.socket);
	assert_no_leak(before);
}

/* In a child: 0, or the number of what went wrong. */
static int make_and_hear(void *data) {
	struct link veth = { .name = "layer0", .kind = "veth", .mtu = 1400, .has_mtu = true },
		    heard = { 0 };
	struct usher_reading reading = reading_of(&heard);
	const struct usher_listening listening[] = { { RTM_NEWLINK, &reading } };
	struct usher_socket *listener;
	struct usher_request *request;
	struct ifinfomsg head = { 0 };
	struct pollfd event;

	if (own_namespaces() < 0 || unshare(CLONE_NEWNET) < 0)
		return 100;
	if (usher_socket_new(NETLINK_ROUTE, &kernel.socket) < 0 ||
	    usher_socket_new(NETLINK_ROUTE, &listener) < 0 ||
	    usher_socket_join(listener, RTNLGRP_LINK) < 0 ||
	    usher_socket_listen(listener, listening, 1) != 0)
		return 1;
	if (usher_socket_join(listener, 4711) != -EINVAL ||
	    !strstr(usher_socket_message(listener), "4711"))
		return 2;
	if (usher_request_new(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &request) < 0)
		return 3;
	usher_request_add_header(request, &head, sizeof head);
	usher_request_add_level(request, &link_level, &veth);
	if (usher_socket_transact(kernel.socket, request, NULL) != 0)
		return 4;
	if (usher_socket_transact(kernel.socket, request, NULL) != -EEXIST)
		return 5;
	event = (struct pollfd){ .fd = usher_socket_get_fd(listener), .events = POLLIN };
	if (poll(&event, 1, 10000) != 1 || usher_socket_listen(listener, listening, 1) < 1)
		return 6;
	return heard.kind[0] && heard.index > 1 ? 0 : 7;
}

static void a_link_is_made_and_heard_of(void **state) {
	int status = in_child(make_and_hear, NULL);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 100)
		skip_because("no network namespace is to be had here");
	assert_int_equal(status, 0);
}

#define SCRIPTED(name) cmocka_unit_test_setup_teardown(name, begin_script, end_script)

int main(void) {
	const struct CMUnitTest tests[] = {
		SCRIPTED(a_dump_ends_where_the_kernel_says_so),
		SCRIPTED(an_error_at_the_end_of_a_dump_is_an_error),
		SCRIPTED(an_interrupted_dump_is_no_success),
		SCRIPTED(an_interruption_may_be_told_with_the_end),
		SCRIPTED(a_message_of_another_type_is_an_error),
		SCRIPTED(a_datagram_that_is_cut_off_is_an_error),
		SCRIPTED(lost_messages_are_an_error),
		SCRIPTED(nobody_elses_messages_are_believed),
		SCRIPTED(stopping_leaves_nothing_for_the_next_question),
		SCRIPTED(what_is_dropped_by_its_head_is_not_read),
		SCRIPTED(a_callback_that_fails_ends_the_dump_with_its_error),
		SCRIPTED(the_kernels_words_come_with_its_error),
		SCRIPTED(an_error_without_words_has_the_errnos),
		SCRIPTED(words_that_would_lie_beyond_the_answer_are_not_looked_for),
		SCRIPTED(an_answer_comes_before_its_acknowledgement),
		cmocka_unit_test(a_length_that_is_none_ends_the_reading),
		cmocka_unit_test(a_number_of_another_width_is_none),
		cmocka_unit_test(negative_numbers_stay_negative),
		cmocka_unit_test(a_text_needs_no_end_and_must_fit),
		cmocka_unit_test(of_attributes_that_stand_twice_the_last_counts),
		cmocka_unit_test(the_nested_bit_is_no_part_of_the_number),
		cmocka_unit_test(what_is_malformed_inside_is_malformed),
		cmocka_unit_test(what_is_not_wanted_is_not_looked_at),
		cmocka_unit_test(a_kind_says_how_its_data_are_read),
		SCRIPTED(a_message_shorter_than_its_head_is_malformed),
		SCRIPTED(a_datagram_with_a_rest_is_malformed),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(what_is_not_there_is_not_written),
		cmocka_unit_test(bytes_on_the_wire_are_the_kernels),
		cmocka_unit_test(numbers_of_the_network_are_turned_both_ways),
		cmocka_unit_test(the_first_failure_of_a_request_sticks),
		cmocka_unit_test(addresses_are_text_and_back),
		SCRIPTED(events_of_other_types_are_passed_over),
		cmocka_unit_test(the_kernels_own_dump_is_understood),
		cmocka_unit_test(what_is_not_there_is_the_kernels_errno),
		cmocka_unit_test(a_family_is_found_by_its_name),
		cmocka_unit_test(only_a_netlink_socket_is_adopted),
		cmocka_unit_test(a_link_is_made_and_heard_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
