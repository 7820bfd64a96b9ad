/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/encode.h"
#include "netlink/names.h"

_Static_assert(LINK_NAME_MAX == IFNAMSIZ, "a name of an interface");

/* ---- words ---- */

int link_name_check(const char *key, const char *name, struct refusal *refusal) {
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	size_t n = strlen(name);

	if (n > 0 && n < LINK_NAME_MAX && strspn(name, letters) == n && strcmp(name, ".") != 0 &&
	    strcmp(name, "..") != 0)
		return 0;
	return refusal_note(refusal, REFUSED_INVALID,
			    "%s: '%.64s' is no interface's name: 1 to 15 letters, digits, hyphens, "
			    "underscores and dots",
			    key, name);
}

int link_address_parse(const char *key, const char *text, struct link_address *ret,
		       struct refusal *refusal) {
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN] = "", *end = NULL;
	unsigned long length = 0;

	*ret = (struct link_address){ .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	if (slash && (size_t)(slash - text) < sizeof address) {
		memcpy(address, text, (size_t)(slash - text));
		length = slash[1] >= '0' && slash[1] <= '9' ? strtoul(slash + 1, &end, 10) : 0;
	}
	if (!end || *end || length > (ret->family == AF_INET ? 32 : 128) ||
	    inet_pton(ret->family, address, ret->bytes) != 1)
		return refusal_note(refusal, REFUSED_INVALID,
				    "%s: '%.64s' is no ADDRESS/LENGTH, as 192.0.2.1/24", key, text);
	ret->length = (uint8_t)length;
	return 0;
}

int link_addresses_check(const char *key, char *const *texts, size_t n, struct refusal *refusal) {
	struct link_address ignored;
	int r = 0;

	if (n > 16)
		return refusal_note(refusal, REFUSED_INVALID, "%s: more than 16", key);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = link_address_parse(key, texts[i], &ignored, refusal);
	return r;
}

/* ---- messages ---- */

enum { MESSAGE_MAX = 512 };

struct message {
	struct encoding encoding;

	union {
		struct nlmsghdr head;
		uint8_t bytes[MESSAGE_MAX];
	};
};

static void *start(struct message *message, uint16_t type, uint16_t flags, size_t fixed) {
	encode_start(&message->encoding, message->bytes, sizeof message->bytes, type, flags, fixed);
	return encode_header(&message->encoding);
}

static int ask(struct exchange *exchange, struct message *message) {
	int r = encode_done(&message->encoding);

	return r < 0 ? r : exchange_do(exchange, &message->head, NULL, NULL);
}

static int index_of(const struct exchange *exchange, const char *name) {
	struct names names;
	uint32_t index;

	names_init(&names, exchange->fd);
	index = names_index(&names, name);
	return index > 0 ? (int)index : -ENODEV;
}

int link_open(struct exchange *exchange) {
	return exchange_open(exchange, NETLINK_ROUTE);
}

static void up(struct ifinfomsg *info) {
	info->ifi_flags = info->ifi_change = IFF_UP;
}

int link_add_pair(struct exchange *exchange, const char *name, const char *other, int namespace) {
	struct message message;
	struct encoding *encoding = &message.encoding;
	size_t about, data, peer;

	up(start(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg)));
	encode_put_string(encoding, IFLA_IFNAME, name);
	about = encode_nest(encoding, IFLA_LINKINFO);
	encode_put_string(encoding, IFLA_INFO_KIND, "veth");
	data = encode_nest(encoding, IFLA_INFO_DATA);
	peer = encode_nest_plain(encoding, VETH_INFO_PEER);
	(void)encode_append(encoding, sizeof(struct ifinfomsg));
	encode_put_string(encoding, IFLA_IFNAME, other);
	encode_put_u32(encoding, IFLA_NET_NS_FD, (uint32_t) namespace);
	encode_nest_end(encoding, peer);
	encode_nest_end(encoding, data);
	encode_nest_end(encoding, about);
	return ask(exchange, &message);
}

static int add_address(struct exchange *exchange, int index, const struct link_address *address) {
	struct message message;
	struct ifaddrmsg *info =
		start(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *info);
	size_t n = address->family == AF_INET ? 4 : 16;

	info->ifa_family = (uint8_t)address->family;
	info->ifa_prefixlen = address->length;
	info->ifa_index = (uint32_t)index;
	encode_put(&message.encoding, IFA_LOCAL, address->bytes, n);
	encode_put(&message.encoding, IFA_ADDRESS, address->bytes, n);
	return ask(exchange, &message);
}

int link_add_addresses(struct exchange *exchange, const char *name, char *const *texts, size_t n) {
	struct refusal ignored;
	struct link_address address;
	int index = n > 0 ? index_of(exchange, name) : 0, r = 0;

	if (index < 0)
		return index;
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = link_address_parse("", texts[i], &address, &ignored);
		if (r == 0)
			r = add_address(exchange, index, &address);
	}
	return r;
}

int link_join_bridge(struct exchange *exchange, const char *name, const char *bridge) {
	struct message message;
	int index = index_of(exchange, bridge);

	if (index < 0)
		return index;
	(void)start(&message, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
	encode_put_string(&message.encoding, IFLA_IFNAME, name);
	encode_put_u32(&message.encoding, IFLA_MASTER, (uint32_t)index);
	return ask(exchange, &message);
}

int link_raise(struct exchange *exchange, const char *name) {
	struct message message;

	up(start(&message, RTM_SETLINK, 0, sizeof(struct ifinfomsg)));
	encode_put_string(&message.encoding, IFLA_IFNAME, name);
	return ask(exchange, &message);
}

int link_remove(struct exchange *exchange, const char *name) {
	struct message message;

	(void)start(&message, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	encode_put_string(&message.encoding, IFLA_IFNAME, name);
	return ask(exchange, &message);
}
