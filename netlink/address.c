/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses of interfaces. */

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"
#include "encode.h"
#include "names.h"
#include "table.h"
#include "types.h"
#include "words.h"

/* Of IPv4 the first bit says another thing; iproute2 calls it so, too. */
static const struct netlink_words flags =
	NETLINK_BITS({ IFA_F_SECONDARY, "secondary" }, { IFA_F_NODAD, "nodad" },
		     { IFA_F_OPTIMISTIC, "optimistic" }, { IFA_F_DADFAILED, "dadfailed" },
		     { IFA_F_HOMEADDRESS, "home" }, { IFA_F_DEPRECATED, "deprecated" },
		     { IFA_F_TENTATIVE, "tentative" }, { IFA_F_PERMANENT, "permanent" },
		     { IFA_F_MANAGETEMPADDR, "mngtmpaddr" },
		     { IFA_F_NOPREFIXROUTE, "noprefixroute" }, { IFA_F_MCAUTOJOIN, "autojoin" },
		     { IFA_F_STABLE_PRIVACY, "stable-privacy" });

static const struct netlink_words origins =
	NETLINK_WORDS({ IFAPROT_UNSPEC, "unspec" }, { IFAPROT_KERNEL_LO, "kernel_lo" },
		      { IFAPROT_KERNEL_RA, "kernel_ra" }, { IFAPROT_KERNEL_LL, "kernel_ll" });

static const struct netlink_field cacheinfo_fields[] = {
	/* 4294967295: for ever. */
	MEMBER("preferred", struct ifa_cacheinfo, ifa_prefered, U32, .unit = "seconds"),
	MEMBER("valid", struct ifa_cacheinfo, ifa_valid, U32, .unit = "seconds"),
	MEMBER("created", struct ifa_cacheinfo, cstamp, U32, .unit = "1/100 seconds",
	       .read_only = true),
	MEMBER("updated", struct ifa_cacheinfo, tstamp, U32, .unit = "1/100 seconds",
	       .read_only = true),
	{},
};
NESTED(cacheinfo, "address.cacheinfo", .structure = true, .fixed = sizeof(struct ifa_cacheinfo));

/* "192.0.2.1/24" says both. */
static int encode_with_length(struct encoding *encoding, const struct netlink_field *field,
			      const void *value) {
	const struct netlink_field prefix = { .name = field->name, .form = USHER_NETLINK_PREFIX };
	struct ifaddrmsg *header = encode_header(encoding);
	struct usher_netlink_address address;
	int r = encode_address(encoding, &prefix, value, &address);

	if (r != 0)
		return r;
	if (address.family == 0)
		return encode_refuse(encoding, field, "is an address");
	if (!encode_member(encoding->row, "prefixlen") && !encoding->overflown &&
	    (header->ifa_prefixlen == 0 || strchr(((const Usher__Value *)value)->text, '/')))
		header->ifa_prefixlen = address.length;
	encode_put(encoding, field->at, address.bytes, address.family == AF_INET ? 4 : 16);
	return 0;
}

/* Of IPv6 the kernel tells it only where there is another end. */
static int decode_local(struct decoding *decoding, const struct netlink_field *field,
			const uint8_t *value, size_t size) {
	if (!value && !netlink_attribute(decoding->message, decoding->size, decoding->type->header,
					 IFA_ADDRESS, &value, &size))
		return 1;
	return decoding_set_plain(decoding, field, value, size);
}

static const struct netlink_field address_fields[] = {
	MEMBER("family", struct ifaddrmsg, ifa_family, U8, .words = &words_family,
	       .filtered = NETLINK_FILTERED_BY_KERNEL),
	MEMBER("ifindex", struct ifaddrmsg, ifa_index, U32, .unit = "interface",
	       .filtered = NETLINK_FILTERED_BY_KERNEL),
	MEMBER("dev", struct ifaddrmsg, ifa_index, STRING, .decode = decode_device,
	       .filtered = NETLINK_FILTERED_SPECIALLY),
	/* Of a link between two it is the other one's, and `local` ours. */
	ATTRIBUTE("address", IFA_ADDRESS, ADDRESS, .encode = encode_with_length),
	ATTRIBUTE("local", IFA_LOCAL, ADDRESS, .always = true, .decode = decode_local,
		  .encode = encode_with_length),
	MEMBER("prefixlen", struct ifaddrmsg, ifa_prefixlen, U8, .unit = "bits"),
	MEMBER("scope", struct ifaddrmsg, ifa_scope, U8, .words = &words_scope),
	ATTRIBUTE("flags", IFA_FLAGS, U32, .words = &flags),
	ATTRIBUTE("label", IFA_LABEL, STRING),
	ATTRIBUTE("broadcast", IFA_BROADCAST, ADDRESS),
	ATTRIBUTE("anycast", IFA_ANYCAST, ADDRESS),
	ATTRIBUTE("multicast", IFA_MULTICAST, ADDRESS),
	ATTRIBUTE("rt-priority", IFA_RT_PRIORITY, U32),
	ATTRIBUTE("proto", IFA_PROTO, U8, .words = &origins),
	ATTRIBUTE("cacheinfo", IFA_CACHEINFO, OBJECT, .nested = &cacheinfo),
	{},
};

static int request_addresses(struct encoding *encoding, const struct netlink_type *type,
			     const struct selection *selection, struct netlink_pass *pass) {
	const struct selection_value *device = selection_value(selection, type, "dev");
	struct ifaddrmsg *header = encode_header(encoding);
	uint32_t index = device && encoding->names
				 ? names_index(encoding->names, (const char *)device->bytes)
				 : 0;

	if (pass->number > 0)
		return 1;
	if (index > 0 && !selection_value(selection, type, "ifindex")) {
		header->ifa_index = index;
		selection_set_by_kernel(selection, type, "dev");
	}
	return 0;
}

const struct netlink_type netlink_address = {
	.name = "address",
	.summary = "addresses of interfaces",
	.schema = { .name = "address", .fields = address_fields },
	.protocol = NETLINK_ROUTE,
	.get = RTM_GETADDR,
	.new = RTM_NEWADDR,
	.del = RTM_DELADDR,
	.header = sizeof(struct ifaddrmsg),
	.groups = (const uint32_t[]){ RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, 0 },
	.keys = (const char *const[]){ "ifindex", "local", "address", "prefixlen", NULL },
	.flags_interruption = true,
	.changes = true,
	.request = request_addresses,
};
