/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Neighbours: which hardware address a network address has, and, of bridges and tunnels, behind
 * which port a hardware address is. */

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "decode.h"
#include "encode.h"
#include "names.h"
#include "table.h"
#include "types.h"
#include "words.h"

#define TOLD   .read_only = true
#define DEVICE .unit = "interface"

/* Since Linux 6.2, and above what a byte of flags has. */
#define NEIGHBOUR_EXT_LOCKED (1 << 1)

static const struct netlink_words states =
	NETLINK_BITS({ NUD_INCOMPLETE, "incomplete" }, { NUD_REACHABLE, "reachable" },
		     { NUD_STALE, "stale" }, { NUD_DELAY, "delay" }, { NUD_PROBE, "probe" },
		     { NUD_FAILED, "failed" }, { NUD_NOARP, "noarp" },
		     { NUD_PERMANENT, "permanent" });

static const struct netlink_words flags =
	NETLINK_BITS({ NTF_USE, "use" }, { NTF_SELF, "self" }, { NTF_MASTER, "master" },
		     { NTF_PROXY, "proxy" }, { NTF_EXT_LEARNED, "ext-learned" },
		     { NTF_OFFLOADED, "offloaded" }, { NTF_STICKY, "sticky" },
		     { NTF_ROUTER, "router" });

static const struct netlink_words more_flags =
	NETLINK_BITS({ NTF_EXT_MANAGED, "managed" }, { NEIGHBOUR_EXT_LOCKED, "locked" });

static const struct netlink_words activities =
	NETLINK_BITS({ FDB_NOTIFY_BIT, "notify" }, { FDB_NOTIFY_INACTIVE_BIT, "inactive" });

static const struct netlink_field times_fields[] = {
	MEMBER("confirmed", struct nda_cacheinfo, ndm_confirmed, U32, .unit = "centiseconds"),
	MEMBER("used", struct nda_cacheinfo, ndm_used, U32, .unit = "centiseconds"),
	MEMBER("updated", struct nda_cacheinfo, ndm_updated, U32, .unit = "centiseconds"),
	MEMBER("refcnt", struct nda_cacheinfo, ndm_refcnt, U32),
	{},
};
NESTED(times, "neighbour.cacheinfo", .fixed = sizeof(struct nda_cacheinfo), .structure = true);

static const struct netlink_field activity_fields[] = {
	ATTRIBUTE("activity", NFEA_ACTIVITY_NOTIFY, U8, .words = &activities),
	FLAG("dont-refresh", NFEA_DONT_REFRESH),
	{},
};
NESTED(activity, "fdb.ext-attrs");

/* Where both types have the same. */
#define COMMON_FIELDS                                                                          \
	MEMBER("ifindex", struct ndmsg, ndm_ifindex, S32, DEVICE,                              \
	       .filtered = NETLINK_FILTERED_SPECIALLY),                                        \
		MEMBER("dev", struct ndmsg, ndm_ifindex, STRING, .decode = decode_device,      \
		       .filtered = NETLINK_FILTERED_SPECIALLY),                                \
		ATTRIBUTE("lladdr", NDA_LLADDR, HARDWARE), ATTRIBUTE("dst", NDA_DST, ADDRESS), \
		MEMBER("state", struct ndmsg, ndm_state, U16, .words = &states),               \
		MEMBER("flags", struct ndmsg, ndm_flags, U8, .words = &flags),                 \
		ATTRIBUTE("flags-ext", NDA_FLAGS_EXT, U32, .words = &more_flags),              \
		ATTRIBUTE("vlan", NDA_VLAN, U16), ATTRIBUTE("vni", NDA_VNI, U32),              \
		ATTRIBUTE("src-vni", NDA_SRC_VNI, U32),                                        \
		ATTRIBUTE("port", NDA_PORT, U16, .network_order = true),                       \
		ATTRIBUTE("via", NDA_IFINDEX, U32, DEVICE),                                    \
		ATTRIBUTE("via-dev", NDA_IFINDEX, STRING, .decode = decode_device),            \
		ATTRIBUTE("link-netnsid", NDA_LINK_NETNSID, S32),                              \
		ATTRIBUTE("nh-id", NDA_NH_ID, U32),                                            \
		ATTRIBUTE("protocol", NDA_PROTOCOL, U8, .words = &words_protocol),             \
		ATTRIBUTE("cacheinfo", NDA_CACHEINFO, OBJECT, TOLD, .nested = &times)

static const struct netlink_field neighbour_fields[] = {
	MEMBER("family", struct ndmsg, ndm_family, U8, .words = &words_family,
	       .filtered = NETLINK_FILTERED_BY_KERNEL),
	COMMON_FIELDS,
	MEMBER("type", struct ndmsg, ndm_type, U8, TOLD),
	ATTRIBUTE("master", NDA_MASTER, U32, TOLD, DEVICE, .filtered = NETLINK_FILTERED_BY_KERNEL),
	ATTRIBUTE("probes", NDA_PROBES, U32, TOLD),
	{},
};

static const struct netlink_field fdb_fields[] = {
	COMMON_FIELDS,
	ATTRIBUTE("master", NDA_MASTER, U32, TOLD, DEVICE, .filtered = NETLINK_FILTERED_BY_KERNEL),
	ATTRIBUTE("master-dev", NDA_MASTER, STRING, TOLD, .decode = decode_device),
	ATTRIBUTE("ext-attrs", NDA_FDB_EXT_ATTRS, OBJECT, .nested = &activity),
	{},
};

/* The index in the fixed part is for one of them; a dump takes it as an attribute. */
static void ask_of_interface(struct encoding *encoding, const struct netlink_type *type,
			     const struct selection *selection) {
	const struct selection_value *index = selection_value(selection, type, "ifindex");
	const struct selection_value *name = selection_value(selection, type, "dev");
	uint32_t number = index ? (uint32_t)index->number : 0;

	if (!index && name && encoding->names)
		number = names_index(encoding->names, (const char *)name->bytes);
	if (number == 0)
		return;
	encode_put_u32(encoding, NDA_IFINDEX, number);
	selection_set_by_kernel(selection, type, index ? "ifindex" : "dev");
}

/* Those of which the machine answers for others are kept apart, and told of if asked for. */
static int neighbour_request(struct encoding *encoding, const struct netlink_type *type,
			     const struct selection *selection, struct netlink_pass *pass) {
	const struct selection_value *wanted = selection_value(selection, type, "flags");
	struct ndmsg *head = encode_header(encoding);

	if (pass->number > 0)
		return 1;
	if (wanted && wanted->number & NTF_PROXY)
		head->ndm_flags = NTF_PROXY;
	if (pass->one)
		head->ndm_family = selection_value(selection, type, "dst")->address.family;
	else
		ask_of_interface(encoding, type, selection);
	return 0;
}

static int fdb_request(struct encoding *encoding, const struct netlink_type *type,
		       const struct selection *selection, struct netlink_pass *pass) {
	struct ndmsg *head = encode_header(encoding);

	if (pass->number > 0)
		return 1;
	head->ndm_family = AF_BRIDGE;
	ask_of_interface(encoding, type, selection);
	return 0;
}

static bool is_neighbour(const uint8_t *header, size_t size) {
	return header[0] != AF_BRIDGE;
}

static bool is_fdb(const uint8_t *header, size_t size) {
	return header[0] == AF_BRIDGE;
}

const struct netlink_type netlink_neighbour = {
	.name = "neighbour",
	.summary = "hardware addresses of neighbours",
	.schema = { .name = "neighbour", .fields = neighbour_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETNEIGH,
	.new = RTM_NEWNEIGH,
	.del = RTM_DELNEIGH,
	.header = sizeof(struct ndmsg),
	.groups = (const uint32_t[]){ RTNLGRP_NEIGH, 0 },
	.keys = (const char *const[]){ "ifindex", "dst", NULL },
	.lookups = (const char *const[]){ "ifindex dst", NULL },
	.changes = true,
	.request = neighbour_request,
	.is_one = is_neighbour,
};

const struct netlink_type netlink_fdb = {
	.name = "fdb",
	.summary = "which hardware address is behind which port, of bridges and tunnels",
	.schema = { .name = "fdb", .fields = fdb_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETNEIGH,
	.new = RTM_NEWNEIGH,
	.del = RTM_DELNEIGH,
	.header = sizeof(struct ndmsg),
	.groups = (const uint32_t[]){ RTNLGRP_NEIGH, 0 },
	.keys = (const char *const[]){ "ifindex", "lladdr", "vlan", "dst", "src-vni", "master",
				       NULL },
	.changes = true,
	.request = fdb_request,
	.is_one = is_fdb,
};
