/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The numbers by which a network namespace knows others. */

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include "encode.h"
#include "table.h"
#include "types.h"

static const struct netlink_field namespace_fields[] = {
	ATTRIBUTE("nsid", NETNSA_NSID, S32),
	/* whose number it shall be, by a descriptor of it; the kernel does not tell */
	ATTRIBUTE("fd", NETNSA_FD, U32, .encode = encode_file),
	{},
};

const struct netlink_type netlink_namespace_id = {
	.name = "namespace-id",
	.summary = "numbers of other network namespaces",
	.schema = { .name = "namespace-id", .fields = namespace_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETNSID,
	.new = RTM_NEWNSID,
	.del = RTM_DELNSID,
	.header = sizeof(struct rtgenmsg),
	.groups = (const uint32_t[]){ RTNLGRP_NSID, 0 },
	.keys = (const char *const[]){ "nsid", NULL },
	.changes = true,
};
