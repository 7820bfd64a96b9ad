/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Families of generic netlink, with their commands and groups. */
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "table.h"
#include "types.h"

static const struct netlink_words operation_flags =
	NETLINK_BITS({ GENL_ADMIN_PERM, "admin-perm" }, { GENL_CMD_CAP_DO, "cap-do" },
		     { GENL_CMD_CAP_DUMP, "cap-dump" }, { GENL_CMD_CAP_HASPOL, "cap-haspol" },
		     { GENL_UNS_ADMIN_PERM, "uns-admin-perm" });

static const struct netlink_field operations_fields[] = {
	ATTRIBUTE("id", CTRL_ATTR_OP_ID, U32),
	ATTRIBUTE("flags", CTRL_ATTR_OP_FLAGS, U32, .words = &operation_flags),
	{},
};
NESTED(operations, "generic-family.ops");

static const struct netlink_field groups_fields[] = {
	ATTRIBUTE("name", CTRL_ATTR_MCAST_GRP_NAME, STRING),
	ATTRIBUTE("id", CTRL_ATTR_MCAST_GRP_ID, U32),
	{},
};
NESTED(groups, "generic-family.mcast-groups");

static const struct netlink_field fields[] = {
	ATTRIBUTE("family-id", CTRL_ATTR_FAMILY_ID, U16),
	ATTRIBUTE("family-name", CTRL_ATTR_FAMILY_NAME, STRING),
	ATTRIBUTE("version", CTRL_ATTR_VERSION, U32),
	ATTRIBUTE("hdrsize", CTRL_ATTR_HDRSIZE, U32, .unit = "bytes"),
	ATTRIBUTE("maxattr", CTRL_ATTR_MAXATTR, U32),
	ATTRIBUTE("ops", CTRL_ATTR_OPS, OBJECTS, .nested = &operations),
	ATTRIBUTE("mcast-groups", CTRL_ATTR_MCAST_GROUPS, OBJECTS, .nested = &groups),
	{},
};

static const char *const keys[] = { "family-id", NULL };
static const char *const lookups[] = { "family-id", "family-name", NULL };

const struct netlink_type netlink_generic_family = {
	.name = "generic-family",
	.summary = "families of generic netlink, their commands and multicast groups",
	.schema = { .name = "generic-family", .fields = fields },
	.protocol = NETLINK_GENERIC,
	.family = "nlctrl",
	.get = CTRL_CMD_GETFAMILY,
	.new = CTRL_CMD_NEWFAMILY,
	.del = CTRL_CMD_DELFAMILY,
	.keys = keys,
	.lookups = lookups,
};
