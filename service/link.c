/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

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

struct message {
	union {
		struct nlmsghdr head;
		char bytes[512];
	};
};

static void *reserve(struct message *message, size_t n) {
	void *at = message->bytes + NLMSG_ALIGN(message->head.nlmsg_len);

	message->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(message->head.nlmsg_len) + n);
	return at;
}

static void *start(struct message *message, uint16_t type, uint16_t flags, size_t n) {
	memset(message, 0, sizeof *message);
	message->head.nlmsg_len = NLMSG_HDRLEN;
	message->head.nlmsg_type = type;
	message->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return reserve(message, n);
}

static struct rtattr *add(struct message *message, uint16_t type, const void *data, size_t n) {
	struct rtattr *attribute = reserve(message, RTA_LENGTH(n));

	attribute->rta_type = type;
	attribute->rta_len = (uint16_t)RTA_LENGTH(n);
	if (n > 0)
		memcpy(RTA_DATA(attribute), data, n);
	return attribute;
}

static void add_string(struct message *message, uint16_t type, const char *text) {
	(void)add(message, type, text, strlen(text) + 1);
}

/* What was added since is inside it. */
static void close_nest(struct message *message, struct rtattr *nest) {
	nest->rta_len = (uint16_t)(message->bytes + message->head.nlmsg_len - (char *)nest);
}

/* Each is answered once, with an errno or 0. */
static int ask(int socket, const struct message *message) {
	union {
		struct nlmsghdr head;
		char bytes[4096];
	} answer;
	const struct nlmsgerr *error = NLMSG_DATA(&answer.head);
	ssize_t n;

	if (write(socket, message->bytes, message->head.nlmsg_len) < 0)
		return -errno;
	do
		n = read(socket, answer.bytes, sizeof answer.bytes);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < NLMSG_LENGTH(sizeof error->error) || answer.head.nlmsg_type != NLMSG_ERROR)
		return -EBADMSG;
	return error->error;
}

static int index_of(int socket, const char *name) {
	struct ifreq request = { 0 };

	(void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	return ioctl(socket, SIOCGIFINDEX, &request) < 0 ? -errno : request.ifr_ifindex;
}

int link_open(void) {
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

static void up(struct ifinfomsg *info) {
	info->ifi_flags = info->ifi_change = IFF_UP;
}

int link_add_pair(int socket, const char *name, const char *other, int namespace) {
	struct rtattr *about, *data, *peer;
	struct message message;

	up(start(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg)));
	add_string(&message, IFLA_IFNAME, name);
	about = add(&message, IFLA_LINKINFO, NULL, 0);
	add_string(&message, IFLA_INFO_KIND, "veth");
	data = add(&message, IFLA_INFO_DATA, NULL, 0);
	peer = add(&message, VETH_INFO_PEER, NULL, 0);
	(void)reserve(&message, sizeof(struct ifinfomsg));
	add_string(&message, IFLA_IFNAME, other);
	(void)add(&message, IFLA_NET_NS_FD, &namespace, sizeof namespace);
	close_nest(&message, peer);
	close_nest(&message, data);
	close_nest(&message, about);
	return ask(socket, &message);
}

static int add_address(int socket, int index, const struct link_address *address) {
	struct message message;
	struct ifaddrmsg *info =
		start(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *info);
	size_t n = address->family == AF_INET ? 4 : 16;

	info->ifa_family = (uint8_t)address->family;
	info->ifa_prefixlen = address->length;
	info->ifa_index = (uint32_t)index;
	(void)add(&message, IFA_LOCAL, address->bytes, n);
	(void)add(&message, IFA_ADDRESS, address->bytes, n);
	return ask(socket, &message);
}

int link_add_addresses(int socket, const char *name, char *const *texts, size_t n) {
	struct refusal ignored;
	struct link_address address;
	int index = n > 0 ? index_of(socket, name) : 0, r = 0;

	if (index < 0)
		return index;
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = link_address_parse("", texts[i], &address, &ignored);
		if (r == 0)
			r = add_address(socket, index, &address);
	}
	return r;
}

int link_join_bridge(int socket, const char *name, const char *bridge) {
	struct message message;
	int index = index_of(socket, bridge);

	if (index < 0)
		return index;
	(void)start(&message, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
	add_string(&message, IFLA_IFNAME, name);
	(void)add(&message, IFLA_MASTER, &index, sizeof index);
	return ask(socket, &message);
}

int link_raise(int socket, const char *name) {
	struct message message;

	up(start(&message, RTM_SETLINK, 0, sizeof(struct ifinfomsg)));
	add_string(&message, IFLA_IFNAME, name);
	return ask(socket, &message);
}

int link_remove(int socket, const char *name) {
	struct message message;

	(void)start(&message, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	add_string(&message, IFLA_IFNAME, name);
	return ask(socket, &message);
}
