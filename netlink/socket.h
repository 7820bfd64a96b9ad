/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The type "socket": sockets of all families of a network namespace, as sock_diag(7) tells of them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "schema.h"

/* Forms of message: which attributes there are, and what is before them. */
enum socket_part {
	SOCKET_TCP,
	SOCKET_UDP,
	SOCKET_RAW,
	SOCKET_SCTP,
	SOCKET_MPTCP,
	SOCKET_UNIX,
	SOCKET_PACKET,
	SOCKET_NETLINK,
	SOCKET_VSOCK,
	SOCKET_PARTS,
};

/* The kernel is asked for each family and protocol by itself: that is a pass. */
struct socket_pass {
	enum socket_part part;
	uint8_t family;
	uint16_t protocol; /* IPPROTO_*, of other families 0 */
	uint16_t type;     /* SOCK_*, where all of them are the same; 0: the message says it */
};

extern const struct socket_pass socket_passes[];
extern const size_t socket_passes_n;

/* What the kernel tells only if asked, in a field's `ask`: what idiag_ext, udiag_show, pdiag_show
 * and ndiag_show become. */
enum {
	SOCKET_ASK_UNIX_SHIFT = 8,
	SOCKET_ASK_PACKET_SHIFT = 16,
	SOCKET_ASK_NETLINK_SHIFT = 24,
};

/* The states that TCP has, which all families use. */
extern const struct netlink_words socket_states;

/* decode() of a number of 64 bits that is told in two of 32, the lower one first. */
int socket_decode_halves(struct decoding *decoding, const struct netlink_field *field,
			 const uint8_t *value, size_t size);

/* One pass after the other: those that the filter leaves, with what of it the kernel can apply. */
int socket_request(struct encoding *encoding, const struct netlink_type *type,
		   const struct selection *selection, struct netlink_pass *pass);
