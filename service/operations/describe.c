/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Describe: what there is to be asked for, which the broker knows by itself. */

#include "netlink/schema.h"
#include "operations.h"

static int describe_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__DescribeRequest *m = (const void *)message;
	const char *meant;

	if (m->has_in_as_fd || m->in_as_object)
		return refusal_note(refusal, REFUSED_INVALID, "in: it is the same everywhere");
	if (!*m->type || netlink_type_find(m->type))
		return 0;
	meant = netlink_type_suggest(m->type);
	return refusal_note(refusal, REFUSED_INVALID, "type: there is no '%.64s'%s%s%s", m->type,
			    meant ? "; is '" : "", meant ?: "", meant ? "' meant?" : "");
}

const struct operation operation_describe = {
	.interface = "Netlink",
	.method = "Describe",
	.request = &usher__describe_request__descriptor,
	.reply = &usher__describe_reply__descriptor,
	.syscalls = (const int[]){ -1 },
	.here = true,
	.bare = true,
	.looks = true,
	.check = describe_check,
};
