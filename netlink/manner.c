/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "manner.h"

#include <endian.h>
#include <linux/fib_rules.h>
#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static bool has(const struct encoding *encoding, const char *name) {
	return encode_member(encoding->row, name) != NULL;
}

/* ---- the family ---- */

static int family_of(const Usher__Value *value) {
	if (value && value->text) /* "default" says nothing */
		return strchr(value->text, ':')   ? AF_INET6
		       : strchr(value->text, '.') ? AF_INET
						  : AF_UNSPEC;
	return value && value->row ? family_of(encode_member(value->row, "gateway")) : AF_UNSPEC;
}

/* Of a route over several ways, what the first of them says. */
static int family_of_any(const Usher__Value *value) {
	if (value && value->list && value->list->n_values > 0)
		return family_of(value->list->values[0]);
	return family_of(value);
}

static void find_family(const struct manner *manner, struct encoding *encoding) {
	uint8_t *family = encode_header(encoding);
	int found = AF_UNSPEC;

	for (const char *const *name = manner->addresses; found == AF_UNSPEC && *name; name++)
		found = family_of_any(encode_member(encoding->row, *name));
	*family = (uint8_t)(found == AF_UNSPEC ? AF_INET : found);
}

/* ---- one function a type ---- */

static void complete_address(struct encoding *encoding, enum change_action action) {
	const bool local = has(encoding, "local"), address = has(encoding, "address");
	const uint16_t there = local ? IFA_LOCAL : IFA_ADDRESS;
	const uint16_t lacking = local ? IFA_ADDRESS : IFA_LOCAL;
	const size_t fixed = encoding->attributes - encoding->header;
	const uint8_t *value;
	size_t size;

	/* that of the other end is one's own where there is no other end */
	if (local != address &&
	    netlink_attribute(encode_header(encoding), encoding->size - encoding->header, fixed,
			      there, &value, &size))
		encode_put(encoding, lacking, value, size);
}

static bool is_local(unsigned char type) {
	return type == RTN_LOCAL || type == RTN_NAT || type == RTN_BROADCAST || type == RTN_ANYCAST;
}

static unsigned char scope_of(const struct encoding *encoding, const struct rtmsg *head,
			      enum change_action action) {
	if (head->rtm_family != AF_INET)
		return RT_SCOPE_UNIVERSE;
	switch (head->rtm_type) {
	case RTN_LOCAL:
	case RTN_NAT: return RT_SCOPE_HOST;
	case RTN_BROADCAST:
	case RTN_MULTICAST:
	case RTN_ANYCAST: return RT_SCOPE_LINK;
	case RTN_UNICAST:
	case RTN_UNSPEC:
		if (action == CHANGE_DEL)
			return RT_SCOPE_NOWHERE;
		return has(encoding, "gateway") || has(encoding, "via") ||
				       has(encoding, "multipath") || has(encoding, "nh-id")
			       ? RT_SCOPE_UNIVERSE
			       : RT_SCOPE_LINK;
	default: return RT_SCOPE_UNIVERSE;
	}
}

static void complete_route(struct encoding *encoding, enum change_action action) {
	struct rtmsg *head = encode_header(encoding);

	if (action != CHANGE_DEL && !has(encoding, "type"))
		head->rtm_type = RTN_UNICAST;
	if (action != CHANGE_DEL && !has(encoding, "protocol"))
		head->rtm_protocol = RTPROT_BOOT;
	if (!has(encoding, "scope"))
		head->rtm_scope = scope_of(encoding, head, action);
	/* what the kernel would take; said, so that it can be compared */
	if (action != CHANGE_DEL && head->rtm_family == AF_INET6 && !has(encoding, "priority"))
		encode_put_u32(encoding, RTA_PRIORITY, 1024);
	if (!has(encoding, "table"))
		encode_put_u32(encoding, RTA_TABLE,
			       is_local(head->rtm_type) ? RT_TABLE_LOCAL : RT_TABLE_MAIN);
}

static void complete_neighbour(struct encoding *encoding, enum change_action action) {
	struct ndmsg *head = encode_header(encoding);

	if (action != CHANGE_DEL && !has(encoding, "state"))
		head->ndm_state = NUD_PERMANENT;
}

/* An entry that the kernel told of is the bridge's, where it has one, or the interface's own. */
static void complete_fdb(struct encoding *encoding, enum change_action action) {
	struct ndmsg *head = encode_header(encoding);

	head->ndm_family = AF_BRIDGE;
	complete_neighbour(encoding, action);
	if (!(head->ndm_flags & (NTF_SELF | NTF_MASTER)))
		head->ndm_flags |= has(encoding, "master") ? NTF_MASTER : NTF_SELF;
}

static void complete_rule(struct encoding *encoding, enum change_action action) {
	struct fib_rule_hdr *head = encode_header(encoding);

	if (action == CHANGE_DEL)
		return;
	if (!has(encoding, "action"))
		head->action = FR_ACT_TO_TBL;
	if (head->action == FR_ACT_TO_TBL && !has(encoding, "table") && !has(encoding, "l3mdev"))
		head->table = RT_TABLE_MAIN;
	if (!has(encoding, "protocol"))
		encode_put_u8(encoding, FRA_PROTOCOL, RTPROT_BOOT);
}

/* A group has no family of its own. */
static void complete_nexthop(struct encoding *encoding, enum change_action action) {
	struct nhmsg *head = encode_header(encoding);

	if (action == CHANGE_DEL || (has(encoding, "group") && !has(encoding, "family")))
		head->nh_family = AF_UNSPEC;
}

static bool is_kind(const struct encoding *encoding, const char *kind) {
	const Usher__Value *value = encode_member(encoding->row, "kind");

	return value && value->text && strcmp(value->text, kind) == 0;
}

static void complete_qdisc(struct encoding *encoding, enum change_action action) {
	struct tcmsg *head = encode_header(encoding);
	const bool at_entrance = is_kind(encoding, "ingress") || is_kind(encoding, "clsact");

	if (!has(encoding, "parent"))
		head->tcm_parent = at_entrance ? TC_H_INGRESS : TC_H_ROOT;
	if (!has(encoding, "handle") && at_entrance)
		head->tcm_handle = TC_H_MAKE(TC_H_INGRESS, 0);
}

static void complete_filter(struct encoding *encoding, enum change_action action) {
	struct tcmsg *head = encode_header(encoding);

	if (!has(encoding, "protocol") && action != CHANGE_DEL)
		head->tcm_info |= htobe16(ETH_P_ALL);
}

/* Of a route by a nexthop's number the kernel tells what that one is, too. */
static bool is_implied(const Usher__Row *row, const char *name) {
	static const char *const ways[] = { "oif",   "dev",       "gateway",    "via",
					    "flags", "multipath", "encap-type", "encap" };

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (strcmp(ways[i], name) == 0)
			return encode_member(row, "nh-id") != NULL;
	return false;
}

/* ---- the table ---- */

#define FLAGS(ADD, CHANGE, REPLACE) \
	{ [CHANGE_ADD] = (ADD), [CHANGE_CHANGE] = (CHANGE), [CHANGE_REPLACE] = (REPLACE) }
#define USUAL_FLAGS FLAGS(NLM_F_CREATE | NLM_F_EXCL, NLM_F_REPLACE, NLM_F_CREATE | NLM_F_REPLACE)

static const struct manner manners[] = {
	{
		.type = "link",
		.actions = CHANGE_ALL & ~CHANGE_BIT(CHANGE_REPLACE),
		.final = CHANGE_BIT(CHANGE_DEL),
		.flags = FLAGS(NLM_F_CREATE | NLM_F_EXCL, 0, 0),
		.identity = NAMES("ifindex", "ifname"),
		.needs = NAMES("ifindex", "ifname"),
		.by_name = true,
	},
	{
		.type = "address",
		.actions = CHANGE_ALL,
		.flags = FLAGS(NLM_F_CREATE | NLM_F_EXCL, NLM_F_REPLACE,
			       NLM_F_CREATE | NLM_F_REPLACE),
		.identity = NAMES("family", "ifindex", "dev", "local", "address", "prefixlen"),
		.needs = NAMES("local", "address"),
		.addresses = NAMES("local", "address"),
		.checks_existence = true,
		.tells = true,
		.complete = complete_address,
	},
	{
		.type = "route",
		.actions = CHANGE_ALL,
		.flags = USUAL_FLAGS,
		.keys = NAMES("family", "table", "dst", "tos", "priority"),
		.addresses = NAMES("dst", "gateway", "via", "src", "prefsrc", "multipath"),
		.tells = true,
		.is_implied = is_implied,
		.complete = complete_route,
	},
	{
		.type = "neighbour",
		.actions = CHANGE_ALL,
		.flags = USUAL_FLAGS,
		.identity = NAMES("family", "ifindex", "dev", "dst", "flags"),
		.addresses = NAMES("dst"),
		.complete = complete_neighbour,
	},
	{
		.type = "fdb",
		.actions = CHANGE_ALL,
		.flags = USUAL_FLAGS,
		.identity = NAMES("ifindex", "dev", "lladdr", "vlan", "flags", "dst", "vni", "port",
				  "src-vni", "nh-id"),
		.keys = NAMES("ifindex", "lladdr", "vlan", "src-vni"),
		.complete = complete_fdb,
	},
	{
		.type = "rule",
		.actions = CHANGE_BIT(CHANGE_ADD) | CHANGE_BIT(CHANGE_DEL),
		.flags = FLAGS(NLM_F_CREATE | NLM_F_EXCL, 0, 0),
		.addresses = NAMES("src", "dst"),
		.tells = true,
		.complete = complete_rule,
	},
	{
		.type = "nexthop",
		.actions = CHANGE_ALL,
		.final = CHANGE_BIT(CHANGE_DEL),
		.flags = USUAL_FLAGS,
		.identity = NAMES("id"),
		.needs = NAMES("id"),
		.addresses = NAMES("gateway"),
		.tells = true,
		.complete = complete_nexthop,
	},
	{
		.type = "qdisc",
		.actions = CHANGE_ALL,
		.final = CHANGE_BIT(CHANGE_DEL) | CHANGE_BIT(CHANGE_REPLACE),
		.flags = FLAGS(NLM_F_CREATE | NLM_F_EXCL, 0, NLM_F_CREATE | NLM_F_REPLACE),
		.identity = NAMES("ifindex", "dev", "parent", "handle", "kind"),
		.needs = NAMES("ifindex", "dev"),
		.numbered = true,
		.tells = true,
		.complete = complete_qdisc,
	},
	{
		.type = "class",
		.actions = CHANGE_ALL,
		.final = CHANGE_BIT(CHANGE_DEL),
		.flags = FLAGS(NLM_F_CREATE | NLM_F_EXCL, 0, NLM_F_CREATE),
		.identity = NAMES("ifindex", "dev", "parent", "handle", "kind"),
		.needs = NAMES("ifindex", "dev"),
		.numbered = true,
		.tells = true,
	},
	{
		.type = "filter",
		.actions = CHANGE_ALL,
		.final = CHANGE_BIT(CHANGE_DEL) | CHANGE_BIT(CHANGE_REPLACE),
		.flags = FLAGS(NLM_F_CREATE | NLM_F_EXCL, 0, NLM_F_CREATE),
		.identity = NAMES("ifindex", "dev", "block", "parent", "handle", "protocol",
				  "priority", "chain", "kind"),
		.needs = NAMES("ifindex", "dev", "block"),
		.numbered = true,
		.tells = true,
		.complete = complete_filter,
	},
	{
		.type = "namespace-id",
		.actions = CHANGE_BIT(CHANGE_ADD),
		.final = CHANGE_BIT(CHANGE_ADD),
		.flags = FLAGS(NLM_F_CREATE | NLM_F_EXCL, 0, 0),
	},
};

const struct manner *manner_find(const struct netlink_type *type) {
	for (size_t i = 0; type->changes && i < sizeof manners / sizeof *manners; i++)
		if (strcmp(manners[i].type, type->name) == 0)
			return &manners[i];
	return NULL;
}

void manner_complete(const struct manner *manner, struct encoding *encoding,
		     enum change_action action) {
	if (encoding->overflown)
		return;
	if (manner->addresses && !has(encoding, "family"))
		find_family(manner, encoding);
	if (manner->complete)
		manner->complete(encoding, action);
}

bool manner_is_named(const struct manner *manner, const Usher__Row *row) {
	for (const char *const *name = manner->needs; name && *name; name++)
		if (encode_member(row, *name))
			return true;
	return !manner->needs;
}
