/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists the network links of where it runs, or makes one, by netlink and nothing else:
 *
 *	cc links.c -o links $(pkg-config --cflags --libs libusher-netlink)
 *	./links
 *	./links add vrf red table=100
 *	./links add vxlan vx0 id=42 local=192.0.2.1 port=4789
 *	./links add erspan span0 version=1 key=7 local=192.0.2.1 remote=192.0.2.2
 *	./links del red
 *
 * What is wanted of a link, and what is said of a new one, are the same tables.
 */
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <usher-netlink.h>

struct link {
	int index;
	unsigned flags;
	char name[IFNAMSIZ];
	char kind[32];
	bool has_table, has_id, has_port, has_learning, has_version, has_key, has_tunnel_flags;
	uint32_t table; /* of a vrf */
	uint32_t id;    /* and what follows: of a vxlan or a tunnel */
	uint32_t key;
	uint16_t port;
	uint16_t tunnel_flags;
	uint8_t learning;
	uint8_t version;
	struct usher_octets local, remote;
};

static const struct usher_attribute vrf[] = {
	[IFLA_VRF_TABLE] = USHER_MEMBER_IF(USHER_U32, struct link, table, has_table),
};

static const struct usher_attribute vxlan[] = {
	[IFLA_VXLAN_ID] = USHER_MEMBER_IF(USHER_U32, struct link, id, has_id),
	[IFLA_VXLAN_LOCAL] = USHER_MEMBER(USHER_ADDRESS, struct link, local),
	[IFLA_VXLAN_LEARNING] = USHER_MEMBER_IF(USHER_U8, struct link, learning, has_learning),
	[IFLA_VXLAN_PORT] = USHER_MEMBER_IF(USHER_BE16, struct link, port, has_port),
};

static const struct usher_attribute erspan[] = {
	[IFLA_GRE_IFLAGS] =
		USHER_MEMBER_IF(USHER_BE16, struct link, tunnel_flags, has_tunnel_flags),
	[IFLA_GRE_OFLAGS] =
		USHER_MEMBER_IF(USHER_BE16, struct link, tunnel_flags, has_tunnel_flags),
	[IFLA_GRE_IKEY] = USHER_MEMBER_IF(USHER_BE32, struct link, key, has_key),
	[IFLA_GRE_OKEY] = USHER_MEMBER_IF(USHER_BE32, struct link, key, has_key),
	[IFLA_GRE_LOCAL] = USHER_MEMBER(USHER_ADDRESS, struct link, local),
	[IFLA_GRE_REMOTE] = USHER_MEMBER(USHER_ADDRESS, struct link, remote),
	[IFLA_GRE_ERSPAN_VER] = USHER_MEMBER_IF(USHER_U8, struct link, version, has_version),
};

static const struct {
	const char *kind;
	struct usher_level level;
} kinds[] = {
	{ "vrf", USHER_LEVEL(vrf) },
	{ "vxlan", USHER_LEVEL(vxlan) },
	{ "erspan", USHER_LEVEL(erspan) },
	{ "ip6erspan", USHER_LEVEL(erspan) },
};

/* The kernel tells the kind of a link before what only that kind has. */
static const struct usher_level *choose_data(const void *into) {
	const struct link *link = into;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(link->kind, kinds[i].kind) == 0)
			return &kinds[i].level;
	return NULL;
}

static const struct usher_attribute info[] = {
	[IFLA_INFO_KIND] = USHER_TEXT(struct link, kind),
	[IFLA_INFO_DATA] = USHER_UNION(choose_data),
};
static const struct usher_level info_level = USHER_LEVEL(info);

static const struct usher_attribute whole[] = {
	[IFLA_IFNAME] = USHER_TEXT(struct link, name),
	[IFLA_LINKINFO] = USHER_NEST(&info_level),
};
static const struct usher_level whole_level = USHER_LEVEL(whole);

static void print_address(const char *name, const struct usher_octets *address) {
	char *text;

	if (address->length == 0 || usher_address_to_string(address, &text) < 0)
		return;
	printf(" %s %s", name, text);
	free(text);
}

static int take_head(void *into, const struct nlmsghdr *message) {
	const struct ifinfomsg *head = NLMSG_DATA(message);
	struct link *link = into;

	link->index = head->ifi_index;
	link->flags = head->ifi_flags;
	return USHER_GO_ON;
}

static int print_link(void *into, const struct nlmsghdr *message) {
	const struct link *link = into;

	(void)message;
	printf("%d %s %s%s%s", link->index, link->name, link->flags & IFF_UP ? "up" : "down",
	       *link->kind ? " " : "", link->kind);
	if (link->has_table)
		printf(" table %u", link->table);
	if (link->has_id)
		printf(" id %u", link->id);
	if (link->has_port)
		printf(" port %u", link->port);
	if (link->has_key)
		printf(" key %u", link->key);
	if (link->has_version)
		printf(" version %u", link->version);
	print_address("local", &link->local);
	print_address("remote", &link->remote);
	putchar('\n');
	return USHER_GO_ON;
}

static int list(struct usher_socket *socket) {
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	struct link link;
	struct usher_reading reading = {
		.type = RTM_NEWLINK,
		.header = sizeof head,
		.level = whole_level,
		.into = &link,
		.size = sizeof link,
		.begin = take_head,
		.end = print_link,
	};
	struct usher_request *request;
	int r = usher_request_new(RTM_GETLINK, 0, &request);

	if (r < 0)
		return r;
	usher_request_add_header(request, &head, sizeof head);
	/* Without their counters, of which nothing is printed. */
	usher_request_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	r = usher_socket_dump(socket, request, &reading);
	usher_request_free(request);
	return r;
}

static int change(struct usher_socket *socket, uint16_t type, uint16_t flags,
		  const struct link *link) {
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	struct usher_request *request;
	int r = usher_request_new(type, flags, &request);

	if (r < 0)
		return r;
	usher_request_add_header(request, &head, sizeof head);
	usher_request_add_level(request, &whole_level, link);
	r = usher_socket_transact(socket, request, NULL);
	usher_request_free(request);
	return r;
}

static bool is_key(const char *word, const char *key, const char **ret_value) {
	size_t length = strlen(key);

	*ret_value = word + length + 1;
	return strncmp(word, key, length) == 0 && word[length] == '=';
}

static int take_word(struct link *link, const char *word) {
	const char *value;

	if (is_key(word, "table", &value)) {
		link->table = (uint32_t)strtoul(value, NULL, 0);
		link->has_table = true;
	} else if (is_key(word, "id", &value)) {
		link->id = (uint32_t)strtoul(value, NULL, 0);
		link->has_id = true;
	} else if (is_key(word, "port", &value)) {
		link->port = (uint16_t)strtoul(value, NULL, 0);
		link->has_port = true;
	} else if (is_key(word, "version", &value)) {
		link->version = (uint8_t)strtoul(value, NULL, 0);
		link->has_version = true;
	} else if (is_key(word, "learning", &value)) {
		link->learning = (uint8_t)strtoul(value, NULL, 0);
		link->has_learning = true;
	} else if (is_key(word, "key", &value)) {
		link->key = (uint32_t)strtoul(value, NULL, 0);
		link->tunnel_flags = 0x2000 | 0x1000; /* it has a key and a sequence */
		link->has_key = link->has_tunnel_flags = true;
	} else if (is_key(word, "local", &value)) {
		return usher_address_from_string(value, &link->local);
	} else if (is_key(word, "remote", &value)) {
		return usher_address_from_string(value, &link->remote);
	} else {
		return -1;
	}
	return 0;
}

static int add(struct usher_socket *socket, char **words) {
	struct link link = { 0 };

	snprintf(link.kind, sizeof link.kind, "%s", words[0]);
	snprintf(link.name, sizeof link.name, "%s", words[1]);
	for (words += 2; *words; words++)
		if (take_word(&link, *words) < 0) {
			fprintf(stderr, "links: what is '%s'?\n", *words);
			return -1;
		}
	return change(socket, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link);
}

static int del(struct usher_socket *socket, const char *name) {
	struct link link = { 0 };

	snprintf(link.name, sizeof link.name, "%s", name);
	return change(socket, RTM_DELLINK, 0, &link);
}

int main(int argc, char **argv) {
	struct usher_socket *socket;
	int r;

	if (usher_socket_new(NETLINK_ROUTE, &socket) < 0)
		return 1;
	if (argc > 3 && strcmp(argv[1], "add") == 0)
		r = add(socket, argv + 2);
	else if (argc == 3 && strcmp(argv[1], "del") == 0)
		r = del(socket, argv[2]);
	else
		r = list(socket);
	if (r < 0)
		fprintf(stderr, "links: %s\n", usher_socket_message(socket));
	usher_socket_close(socket);
	return r < 0;
}
