/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "socket.h"

#include <linux/if_packet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"
#include "ethertype.h"
#include "socket-tcp.h"
#include "table.h"
#include "types.h"

#define TCP     (1U << SOCKET_TCP)
#define RAW     (1U << SOCKET_RAW)
#define INET    (TCP | 1U << SOCKET_UDP | RAW | 1U << SOCKET_SCTP | 1U << SOCKET_MPTCP)
#define MPTCP   (1U << SOCKET_MPTCP)
#define UNIX    (1U << SOCKET_UNIX)
#define PACKET  (1U << SOCKET_PACKET)
#define NETLINK (1U << SOCKET_NETLINK)
#define VSOCK   (1U << SOCKET_VSOCK)

#define ASK_INET(EXTENSION) (1U << ((EXTENSION)-1))
#define ASK_UNIX(SHOW)      ((uint32_t)(SHOW) << SOCKET_ASK_UNIX_SHIFT)
#define ASK_PACKET(SHOW)    ((uint32_t)(SHOW) << SOCKET_ASK_PACKET_SHIFT)
#define ASK_NETLINK(SHOW)   ((uint32_t)(SHOW) << SOCKET_ASK_NETLINK_SHIFT)

const struct socket_pass socket_passes[] = {
	{ SOCKET_TCP, AF_INET, IPPROTO_TCP, SOCK_STREAM },
	{ SOCKET_TCP, AF_INET6, IPPROTO_TCP, SOCK_STREAM },
	{ SOCKET_UDP, AF_INET, IPPROTO_UDP, SOCK_DGRAM },
	{ SOCKET_UDP, AF_INET6, IPPROTO_UDP, SOCK_DGRAM },
	{ SOCKET_RAW, AF_INET, IPPROTO_RAW, SOCK_RAW },
	{ SOCKET_RAW, AF_INET6, IPPROTO_RAW, SOCK_RAW },
	{ SOCKET_SCTP, AF_INET, IPPROTO_SCTP, 0 },
	{ SOCKET_SCTP, AF_INET6, IPPROTO_SCTP, 0 },
	{ SOCKET_MPTCP, AF_INET, IPPROTO_MPTCP, SOCK_STREAM },
	{ SOCKET_MPTCP, AF_INET6, IPPROTO_MPTCP, SOCK_STREAM },
	{ SOCKET_UNIX, AF_UNIX, 0, 0 },
	{ SOCKET_PACKET, AF_PACKET, 0, 0 },
	{ SOCKET_NETLINK, AF_NETLINK, 0, 0 },
	{ SOCKET_VSOCK, AF_VSOCK, 0, 0 },
};
const size_t socket_passes_n = sizeof(socket_passes) / sizeof(socket_passes[0]);

static const uint16_t parts[SOCKET_PARTS] = {
	[SOCKET_TCP] = sizeof(struct inet_diag_msg),
	[SOCKET_UDP] = sizeof(struct inet_diag_msg),
	[SOCKET_RAW] = sizeof(struct inet_diag_msg),
	[SOCKET_SCTP] = sizeof(struct inet_diag_msg),
	[SOCKET_MPTCP] = sizeof(struct inet_diag_msg),
	[SOCKET_UNIX] = sizeof(struct unix_diag_msg),
	[SOCKET_PACKET] = sizeof(struct packet_diag_msg),
	[SOCKET_NETLINK] = sizeof(struct netlink_diag_msg),
	[SOCKET_VSOCK] = sizeof(struct vsock_diag_msg),
};

/* ---- words ---- */

static const struct netlink_words families =
	NETLINK_WORDS({ AF_UNIX, "unix" }, { AF_INET, "inet" }, { AF_INET6, "inet6" },
		      { AF_NETLINK, "netlink" }, { AF_PACKET, "packet" }, { AF_VSOCK, "vsock" });

static const struct netlink_words types =
	NETLINK_WORDS({ SOCK_STREAM, "stream" }, { SOCK_DGRAM, "dgram" }, { SOCK_RAW, "raw" },
		      { SOCK_RDM, "rdm" }, { SOCK_SEQPACKET, "seqpacket" }, { SOCK_DCCP, "dccp" },
		      { SOCK_PACKET, "packet" });

static const struct netlink_words protocols =
	NETLINK_WORDS({ IPPROTO_IP, "ip" }, { IPPROTO_ICMP, "icmp" }, { IPPROTO_IGMP, "igmp" },
		      { IPPROTO_IPIP, "ipip" }, { IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" },
		      { IPPROTO_IPV6, "ipv6" }, { IPPROTO_GRE, "gre" }, { IPPROTO_ESP, "esp" },
		      { IPPROTO_AH, "ah" }, { IPPROTO_ICMPV6, "icmpv6" }, { 89, "ospf" },
		      { IPPROTO_PIM, "pim" }, { 112, "vrrp" }, { IPPROTO_SCTP, "sctp" },
		      { IPPROTO_UDPLITE, "udplite" }, { IPPROTO_RAW, "raw" },
		      { IPPROTO_MPTCP, "mptcp" });

const struct netlink_words socket_states =
	NETLINK_WORDS({ 1, "established" }, { 2, "syn-sent" }, { 3, "syn-recv" },
		      { 4, "fin-wait-1" }, { 5, "fin-wait-2" }, { 6, "time-wait" }, { 7, "close" },
		      { 8, "close-wait" }, { 9, "last-ack" }, { 10, "listen" }, { 11, "closing" });

static const struct netlink_words timers =
	NETLINK_WORDS({ 0, "off" }, { 1, "on" }, { 2, "keepalive" }, { 3, "timewait" },
		      { 4, "persist" });

static const struct netlink_words directions = NETLINK_BITS({ 1, "receive" }, { 2, "send" });

/* Of two bytes, the first the lower one. */
static const struct netlink_words sockopts =
	NETLINK_BITS({ 1 << 0, "recverr" }, { 1 << 1, "is-icsk" }, { 1 << 2, "freebind" },
		     { 1 << 3, "hdrincl" }, { 1 << 4, "mc-loop" }, { 1 << 5, "transparent" },
		     { 1 << 6, "mc-all" }, { 1 << 7, "nodefrag" },
		     { 1 << 8, "bind-address-no-port" }, { 1 << 9, "recverr-rfc4884" },
		     { 1 << 10, "defer-connect" });

static const struct netlink_words packet_flags =
	NETLINK_BITS({ PDI_RUNNING, "running" }, { PDI_AUXDATA, "auxdata" },
		     { PDI_ORIGDEV, "origdev" }, { PDI_VNETHDR, "vnethdr" }, { PDI_LOSS, "loss" });

static const struct netlink_words netlink_protocols =
	NETLINK_WORDS({ NETLINK_ROUTE, "route" }, { NETLINK_USERSOCK, "usersock" },
		      { NETLINK_FIREWALL, "firewall" }, { NETLINK_SOCK_DIAG, "sock-diag" },
		      { NETLINK_NFLOG, "nflog" }, { NETLINK_XFRM, "xfrm" },
		      { NETLINK_SELINUX, "selinux" }, { NETLINK_ISCSI, "iscsi" },
		      { NETLINK_AUDIT, "audit" }, { NETLINK_FIB_LOOKUP, "fib-lookup" },
		      { NETLINK_CONNECTOR, "connector" }, { NETLINK_NETFILTER, "netfilter" },
		      { NETLINK_KOBJECT_UEVENT, "kobject-uevent" }, { NETLINK_GENERIC, "generic" },
		      { NETLINK_SCSITRANSPORT, "scsitransport" }, { NETLINK_ECRYPTFS, "ecryptfs" },
		      { NETLINK_RDMA, "rdma" }, { NETLINK_CRYPTO, "crypto" },
		      { NETLINK_SMC, "smc" });

static const struct netlink_words netlink_flags =
	NETLINK_BITS({ NDIAG_FLAG_CB_RUNNING, "cb-running" }, { NDIAG_FLAG_PKTINFO, "pktinfo" },
		     { NDIAG_FLAG_BROADCAST_ERROR, "broadcast-error" },
		     { NDIAG_FLAG_NO_ENOBUFS, "no-enobufs" },
		     { NDIAG_FLAG_LISTEN_ALL_NSID, "listen-all-nsid" },
		     { NDIAG_FLAG_CAP_ACK, "cap-ack" }, { 0x40, "ext-ack" },
		     { 0x80, "strict-check" });

/* ---- values that take more than moving them ---- */

static const struct socket_pass *pass_of(const struct decoding *decoding) {
	return &socket_passes[decoding->pass.number < socket_passes_n ? decoding->pass.number : 0];
}

/* Messages do not say what was asked for. */
static int decode_protocol(struct decoding *decoding, const struct netlink_field *field,
			   const uint8_t *value, size_t size) {
	return decoding_set_number(decoding, field, pass_of(decoding)->protocol);
}

static int decode_type(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size) {
	const struct socket_pass *pass = pass_of(decoding);

	return pass->type ? decoding_set_number(decoding, field, pass->type) : 1;
}

/* In the place of an IPv6 address, whatever the family. */
static int decode_address(struct decoding *decoding, const struct netlink_field *field,
			  const uint8_t *value, size_t size) {
	const uint8_t *header = value - field->at;

	return size < 16
		       ? 1
		       : decoding_set_address(decoding, field,
					      header[offsetof(struct inet_diag_msg, idiag_family)],
					      value, 128);
}

/* A socket that is bound to no interface has none. */
static int decode_interface(struct decoding *decoding, const struct netlink_field *field,
			    const uint8_t *value, size_t size) {
	uint32_t index = 0;

	if (size >= sizeof(index))
		memcpy(&index, value, sizeof(index));
	return index ? decoding_set_number(decoding, field, index) : 1;
}

static int decode_interface_name(struct decoding *decoding, const struct netlink_field *field,
				 const uint8_t *value, size_t size) {
	uint32_t index = 0;

	if (size >= sizeof(index))
		memcpy(&index, value, sizeof(index));
	return index ? decode_device(decoding, field, value, size) : 1;
}

/* A path, or a name that begins with a zero: it is not a file's, and written with "@" for zeros. */
static int decode_unix_name(struct decoding *decoding, const struct netlink_field *field,
			    const uint8_t *value, size_t size) {
	char name[128];

	if (size == 0)
		return 1;
	if (value[0] != '\0')
		return decoding_set_bytes(decoding, field, value,
					  strnlen((const char *)value, size));
	if (size > sizeof(name))
		size = sizeof(name);
	for (size_t i = 0; i < size; i++)
		name[i] = value[i] == '\0' ? '@' : (char)value[i];
	return decoding_set_bytes(decoding, field, name, size);
}

/* Netlink's own two states as those that all others have. */
static int decode_netlink_state(struct decoding *decoding, const struct netlink_field *field,
				const uint8_t *value, size_t size) {
	enum { ESTABLISHED = 1, CLOSE = 7 };

	return size < 1 ? 1
			: decoding_set_number(decoding, field, value[0] == 1 ? ESTABLISHED : CLOSE);
}

/* A bitmap of 64-bit words: the numbers of the bits, from 1. */
static int decode_groups(struct decoding *decoding, const struct netlink_field *field,
			 const uint8_t *value, size_t size) {
	int r = decoding_begin_list(decoding, field, size * 8);

	for (size_t at = 0; r == 0 && at + sizeof(unsigned long) <= size;
	     at += sizeof(unsigned long)) {
		unsigned long bits;

		memcpy(&bits, value + at, sizeof(bits));
		for (unsigned bit = 0; r == 0 && bits != 0; bits >>= 1, bit++)
			if (bits & 1)
				r = decoding_add_number(decoding, field, at * 8 + bit + 1);
	}
	return r;
}

int socket_decode_halves(struct decoding *decoding, const struct netlink_field *field,
			 const uint8_t *value, size_t size) {
	uint32_t halves[2];

	if (size < sizeof(halves))
		return 1;
	memcpy(halves, value, sizeof(halves));
	return decoding_set_number(decoding, field, (uint64_t)halves[1] << 32 | halves[0]);
}

/* ---- structures ---- */

static const struct netlink_field meminfo_fields[] = {
	MEMBER("rmem", struct inet_diag_meminfo, idiag_rmem, U32, .unit = "bytes"),
	MEMBER("wmem", struct inet_diag_meminfo, idiag_wmem, U32, .unit = "bytes"),
	MEMBER("fmem", struct inet_diag_meminfo, idiag_fmem, U32, .unit = "bytes"),
	MEMBER("tmem", struct inet_diag_meminfo, idiag_tmem, U32, .unit = "bytes"),
	{},
};
NESTED(meminfo, "socket.meminfo", .structure = true);

#define VARIABLE(NAME, WHICH, ...)                                                    \
	{                                                                             \
		.name = NAME, .form = USHER_NETLINK_U32, .from = NETLINK_FROM_HEADER, \
		.at = SK_MEMINFO_##WHICH * sizeof(uint32_t), ##__VA_ARGS__            \
	}
static const struct netlink_field skmeminfo_fields[] = {
	VARIABLE("rmem-alloc", RMEM_ALLOC, .unit = "bytes"),
	VARIABLE("rcvbuf", RCVBUF, .unit = "bytes"),
	VARIABLE("wmem-alloc", WMEM_ALLOC, .unit = "bytes"),
	VARIABLE("sndbuf", SNDBUF, .unit = "bytes"),
	VARIABLE("fwd-alloc", FWD_ALLOC, .unit = "bytes"),
	VARIABLE("wmem-queued", WMEM_QUEUED, .unit = "bytes"),
	VARIABLE("optmem", OPTMEM, .unit = "bytes"),
	VARIABLE("backlog", BACKLOG, .unit = "bytes"),
	VARIABLE("drops", DROPS, .unit = "packets"),
	{},
};
NESTED(skmeminfo, "socket.skmeminfo", .structure = true);

static const struct netlink_field vfs_fields[] = {
	MEMBER("inode", struct unix_diag_vfs, udiag_vfs_ino, U32),
	MEMBER("dev", struct unix_diag_vfs, udiag_vfs_dev, U32),
	{},
};
NESTED(vfs, "socket.vfs", .structure = true);

static const struct netlink_field icons_fields[] = { ELEMENT(U32), {} };
NESTED(icons, "socket.icons", .structure = true);

static const struct netlink_field groups_fields[] = { ELEMENT(U32), {} };
NESTED(groups, "socket.groups", .structure = true);

static const struct netlink_words membership_types =
	NETLINK_WORDS({ PACKET_MR_MULTICAST, "multicast" }, { PACKET_MR_PROMISC, "promiscuous" },
		      { PACKET_MR_ALLMULTI, "allmulti" }, { PACKET_MR_UNICAST, "unicast" });

static int decode_membership_address(struct decoding *decoding, const struct netlink_field *field,
				     const uint8_t *value, size_t size) {
	const uint8_t *structure = value - field->at;
	uint16_t length;

	memcpy(&length, structure + offsetof(struct packet_diag_mclist, pdmc_alen), sizeof(length));
	return length == 0 || length > size ? 1
					    : decoding_set_bytes(decoding, field, value, length);
}

static const struct netlink_field mclist_fields[] = {
	MEMBER("ifindex", struct packet_diag_mclist, pdmc_index, U32, .unit = "interface"),
	MEMBER("count", struct packet_diag_mclist, pdmc_count, U32),
	MEMBER("type", struct packet_diag_mclist, pdmc_type, U16, .words = &membership_types),
	MEMBER("address", struct packet_diag_mclist, pdmc_addr, HARDWARE,
	       .decode = decode_membership_address),
	{},
};
NESTED(mclist, "socket.mclist", .structure = true, .fixed = sizeof(struct packet_diag_mclist));

static const struct netlink_field ring_fields[] = {
	MEMBER("block-size", struct packet_diag_ring, pdr_block_size, U32, .unit = "bytes"),
	MEMBER("block-nr", struct packet_diag_ring, pdr_block_nr, U32),
	MEMBER("frame-size", struct packet_diag_ring, pdr_frame_size, U32, .unit = "bytes"),
	MEMBER("frame-nr", struct packet_diag_ring, pdr_frame_nr, U32),
	MEMBER("retire-tmo", struct packet_diag_ring, pdr_retire_tmo, U32, .unit = "milliseconds"),
	MEMBER("sizeof-priv", struct packet_diag_ring, pdr_sizeof_priv, U32, .unit = "bytes"),
	MEMBER("features", struct packet_diag_ring, pdr_features, U32),
	{},
};
NESTED(ring, "socket.ring", .structure = true);

/* ---- all of it ---- */

#define HEADER(PARTS, NAME, STRUCTURE, WHICH, FORM, ...) \
	MEMBER(NAME, struct STRUCTURE, WHICH, FORM, .parts = (PARTS), ##__VA_ARGS__)
/* What has no offset of its own: the identity of a socket is a structure in the message. */
#define IDENTITY(NAME, WHICH, FORM, ...)                                                 \
	{                                                                                \
		.name = NAME, .form = USHER_NETLINK_##FORM, .from = NETLINK_FROM_HEADER, \
		.at = offsetof(struct inet_diag_msg, id) +                               \
		      offsetof(struct inet_diag_sockid, idiag_##WHICH),                  \
		.parts = INET, ##__VA_ARGS__                                             \
	}
/* Two numbers of 32 bits, the lower one first. */
#define COOKIE(PARTS, STRUCTURE, WHICH)                                                   \
	{                                                                                 \
		.name = "cookie", .form = USHER_NETLINK_U64, .from = NETLINK_FROM_HEADER, \
		.at = offsetof(struct STRUCTURE, WHICH), .decode = socket_decode_halves,  \
		.parts = (PARTS)                                                          \
	}

static const struct netlink_field fields[] = {
	/* of all */
	HEADER(0, "family", inet_diag_msg, idiag_family, U8, .words = &families,
	       .filtered = NETLINK_FILTERED_SPECIALLY),
	COMPUTED("type", U8, .words = &types, .parts = INET, .decode = decode_type),
	HEADER(UNIX, "type", unix_diag_msg, udiag_type, U8),
	HEADER(PACKET, "type", packet_diag_msg, pdiag_type, U8),
	HEADER(NETLINK, "type", netlink_diag_msg, ndiag_type, U8),
	HEADER(VSOCK, "type", vsock_diag_msg, vdiag_type, U8),
	HEADER(INET, "state", inet_diag_msg, idiag_state, U8, .words = &socket_states,
	       .filtered = NETLINK_FILTERED_SPECIALLY),
	HEADER(UNIX, "state", unix_diag_msg, udiag_state, U8),
	HEADER(NETLINK, "state", netlink_diag_msg, ndiag_state, U8, .decode = decode_netlink_state),
	HEADER(VSOCK, "state", vsock_diag_msg, vdiag_state, U8),
	HEADER(INET, "inode", inet_diag_msg, idiag_inode, U32),
	HEADER(UNIX, "inode", unix_diag_msg, udiag_ino, U32),
	HEADER(PACKET, "inode", packet_diag_msg, pdiag_ino, U32),
	HEADER(NETLINK, "inode", netlink_diag_msg, ndiag_ino, U32),
	HEADER(VSOCK, "inode", vsock_diag_msg, vdiag_ino, U32),
	IDENTITY("cookie", cookie, U64, .decode = socket_decode_halves),
	COOKIE(UNIX, unix_diag_msg, udiag_cookie),
	COOKIE(PACKET, packet_diag_msg, pdiag_cookie),
	COOKIE(NETLINK, netlink_diag_msg, ndiag_cookie),
	COOKIE(VSOCK, vsock_diag_msg, vdiag_cookie),
	HEADER(INET, "uid", inet_diag_msg, idiag_uid, U32),
	ATTRIBUTE("uid", UNIX_DIAG_UID, U32, .parts = UNIX, .ask = ASK_UNIX(UDIAG_SHOW_UID)),
	ATTRIBUTE("uid", PACKET_DIAG_UID, U32, .parts = PACKET,
		  .ask = ASK_PACKET(PACKET_SHOW_INFO)),
	HEADER(INET, "rqueue", inet_diag_msg, idiag_rqueue, U32),
	PART("rqueue", UNIX_DIAG_RQLEN, struct unix_diag_rqlen, udiag_rqueue, U32, .parts = UNIX,
	     .ask = ASK_UNIX(UDIAG_SHOW_RQLEN)),
	HEADER(INET, "wqueue", inet_diag_msg, idiag_wqueue, U32),
	PART("wqueue", UNIX_DIAG_RQLEN, struct unix_diag_rqlen, udiag_wqueue, U32, .parts = UNIX,
	     .ask = ASK_UNIX(UDIAG_SHOW_RQLEN)),
	ATTRIBUTE("shutdown", INET_DIAG_SHUTDOWN, U8, .words = &directions, .parts = INET,
		  .ask = ASK_INET(INET_DIAG_SHUTDOWN)),
	ATTRIBUTE("shutdown", UNIX_DIAG_SHUTDOWN, U8, .parts = UNIX),
	HEADER(VSOCK, "shutdown", vsock_diag_msg, vdiag_shutdown, U8),
	ATTRIBUTE("skmeminfo", INET_DIAG_SKMEMINFO, OBJECT, .nested = &skmeminfo, .parts = INET,
		  .ask = ASK_INET(INET_DIAG_SKMEMINFO)),
	ATTRIBUTE("skmeminfo", UNIX_DIAG_MEMINFO, OBJECT, .nested = &skmeminfo, .parts = UNIX,
		  .ask = ASK_UNIX(UDIAG_SHOW_MEMINFO)),
	ATTRIBUTE("skmeminfo", PACKET_DIAG_MEMINFO, OBJECT, .nested = &skmeminfo, .parts = PACKET,
		  .ask = ASK_PACKET(PACKET_SHOW_MEMINFO)),
	ATTRIBUTE("skmeminfo", NETLINK_DIAG_MEMINFO, OBJECT, .nested = &skmeminfo, .parts = NETLINK,
		  .ask = ASK_NETLINK(NDIAG_SHOW_MEMINFO)),
	/* the interface that it is bound to */
	IDENTITY("ifindex", if, U32, .unit = "interface", .decode = decode_interface,
		 .filtered = NETLINK_FILTERED_SPECIALLY),
	PART("ifindex", PACKET_DIAG_INFO, struct packet_diag_info, pdi_index, U32,
	     .decode = decode_interface, .parts = PACKET, .ask = ASK_PACKET(PACKET_SHOW_INFO)),
	IDENTITY("dev", if, STRING, .decode = decode_interface_name),
	PART("dev", PACKET_DIAG_INFO, struct packet_diag_info, pdi_index, STRING,
	     .decode = decode_interface_name, .parts = PACKET, .ask = ASK_PACKET(PACKET_SHOW_INFO)),
	/* of the internet */
	COMPUTED("protocol", U16, .words = &protocols, .parts = INET & ~RAW,
		 .decode = decode_protocol, .filtered = NETLINK_FILTERED_SPECIALLY),
	ATTRIBUTE("protocol", INET_DIAG_PROTOCOL, U16, .width = 1, .parts = RAW),
	IDENTITY("src", src, ADDRESS, .decode = decode_address,
		 .filtered = NETLINK_FILTERED_SPECIALLY),
	IDENTITY("sport", sport, U16, .network_order = true,
		 .filtered = NETLINK_FILTERED_SPECIALLY),
	IDENTITY("dst", dst, ADDRESS, .decode = decode_address,
		 .filtered = NETLINK_FILTERED_SPECIALLY),
	IDENTITY("dport", dport, U16, .network_order = true,
		 .filtered = NETLINK_FILTERED_SPECIALLY),
	HEADER(INET, "timer", inet_diag_msg, idiag_timer, U8, .words = &timers),
	HEADER(INET, "retransmits", inet_diag_msg, idiag_retrans, U8),
	HEADER(INET, "expires", inet_diag_msg, idiag_expires, U32, .unit = "milliseconds"),
	ATTRIBUTE("tos", INET_DIAG_TOS, U8, .parts = INET, .ask = ASK_INET(INET_DIAG_TOS)),
	ATTRIBUTE("tclass", INET_DIAG_TCLASS, U8, .parts = INET, .ask = ASK_INET(INET_DIAG_TCLASS)),
	ATTRIBUTE("class-id", INET_DIAG_CLASS_ID, U32, .parts = INET,
		  .ask = ASK_INET(INET_DIAG_TCLASS)),
	ATTRIBUTE("v6only", INET_DIAG_SKV6ONLY, BOOL, .width = 1, .parts = INET),
	ATTRIBUTE("cgroup-id", INET_DIAG_CGROUP_ID, U64, .parts = INET,
		  .filtered = NETLINK_FILTERED_SPECIALLY),
	ATTRIBUTE("mark", INET_DIAG_MARK, U32, .parts = INET, .privileged = true,
		  .filtered = NETLINK_FILTERED_SPECIALLY),
	ATTRIBUTE("sockopt", INET_DIAG_SOCKOPT, U16, .words = &sockopts, .parts = INET),
	ATTRIBUTE("meminfo", INET_DIAG_MEMINFO, OBJECT, .nested = &meminfo, .parts = INET,
		  .ask = ASK_INET(INET_DIAG_MEMINFO)),
	/* of TCP */
	ATTRIBUTE("congestion", INET_DIAG_CONG, STRING, .parts = TCP,
		  .ask = ASK_INET(INET_DIAG_CONG)),
	ATTRIBUTE("tcp-info", INET_DIAG_INFO, OBJECT, .nested = &socket_tcp_info, .parts = TCP,
		  .ask = ASK_INET(INET_DIAG_INFO)),
	ATTRIBUTE("mptcp-info", INET_DIAG_INFO, OBJECT, .nested = &socket_mptcp_info,
		  .parts = MPTCP, .ask = ASK_INET(INET_DIAG_INFO)),
	ATTRIBUTE("vegas", INET_DIAG_VEGASINFO, OBJECT, .nested = &socket_vegas, .parts = TCP,
		  .ask = ASK_INET(INET_DIAG_VEGASINFO)),
	ATTRIBUTE("dctcp", INET_DIAG_DCTCPINFO, OBJECT, .nested = &socket_dctcp, .parts = TCP,
		  .ask = ASK_INET(INET_DIAG_VEGASINFO)),
	ATTRIBUTE("bbr", INET_DIAG_BBRINFO, OBJECT, .nested = &socket_bbr, .parts = TCP,
		  .ask = ASK_INET(INET_DIAG_VEGASINFO)),
	ATTRIBUTE("ulp", INET_DIAG_ULP_INFO, OBJECT, .nested = &socket_ulp, .parts = TCP),
	ATTRIBUTE("md5sig", INET_DIAG_MD5SIG, OBJECTS, .nested = &socket_md5sig, .parts = TCP,
		  .privileged = true),
	/* of the others */
	ATTRIBUTE("name", UNIX_DIAG_NAME, STRING, .parts = UNIX, .decode = decode_unix_name,
		  .ask = ASK_UNIX(UDIAG_SHOW_NAME)),
	ATTRIBUTE("vfs", UNIX_DIAG_VFS, OBJECT, .nested = &vfs, .parts = UNIX,
		  .ask = ASK_UNIX(UDIAG_SHOW_VFS)),
	ATTRIBUTE("peer", UNIX_DIAG_PEER, U32, .parts = UNIX, .ask = ASK_UNIX(UDIAG_SHOW_PEER)),
	ATTRIBUTE("icons", UNIX_DIAG_ICONS, LIST, .nested = &icons, .parts = UNIX,
		  .ask = ASK_UNIX(UDIAG_SHOW_ICONS)),
	HEADER(PACKET, "ethertype", packet_diag_msg, pdiag_num, U16, .words = &netlink_ethertypes),
	PART("version", PACKET_DIAG_INFO, struct packet_diag_info, pdi_version, U32,
	     .parts = PACKET, .ask = ASK_PACKET(PACKET_SHOW_INFO)),
	PART("reserve", PACKET_DIAG_INFO, struct packet_diag_info, pdi_reserve, U32,
	     .parts = PACKET, .unit = "bytes", .ask = ASK_PACKET(PACKET_SHOW_INFO)),
	PART("copy-thresh", PACKET_DIAG_INFO, struct packet_diag_info, pdi_copy_thresh, U32,
	     .parts = PACKET, .ask = ASK_PACKET(PACKET_SHOW_INFO)),
	PART("timestamp", PACKET_DIAG_INFO, struct packet_diag_info, pdi_tstamp, U32,
	     .parts = PACKET, .ask = ASK_PACKET(PACKET_SHOW_INFO)),
	PART("packet-flags", PACKET_DIAG_INFO, struct packet_diag_info, pdi_flags, U32,
	     .words = &packet_flags, .parts = PACKET, .ask = ASK_PACKET(PACKET_SHOW_INFO)),
	ATTRIBUTE("mclist", PACKET_DIAG_MCLIST, OBJECTS, .nested = &mclist, .parts = PACKET,
		  .ask = ASK_PACKET(PACKET_SHOW_MCLIST)),
	ATTRIBUTE("rx-ring", PACKET_DIAG_RX_RING, OBJECT, .nested = &ring, .parts = PACKET,
		  .ask = ASK_PACKET(PACKET_SHOW_RING_CFG)),
	ATTRIBUTE("tx-ring", PACKET_DIAG_TX_RING, OBJECT, .nested = &ring, .parts = PACKET,
		  .ask = ASK_PACKET(PACKET_SHOW_RING_CFG)),
	ATTRIBUTE("fanout", PACKET_DIAG_FANOUT, U32, .parts = PACKET,
		  .ask = ASK_PACKET(PACKET_SHOW_FANOUT)),
	ATTRIBUTE("bpf", PACKET_DIAG_FILTER, BYTES, .parts = PACKET, .privileged = true,
		  .ask = ASK_PACKET(PACKET_SHOW_FILTER)),
	HEADER(NETLINK, "netlink-protocol", netlink_diag_msg, ndiag_protocol, U8,
	       .words = &netlink_protocols, .filtered = NETLINK_FILTERED_SPECIALLY),
	HEADER(NETLINK, "portid", netlink_diag_msg, ndiag_portid, U32),
	HEADER(NETLINK, "dst-portid", netlink_diag_msg, ndiag_dst_portid, U32),
	HEADER(NETLINK, "dst-group", netlink_diag_msg, ndiag_dst_group, U32),
	ATTRIBUTE("groups", NETLINK_DIAG_GROUPS, LIST, .nested = &groups, .parts = NETLINK,
		  .decode = decode_groups, .ask = ASK_NETLINK(NDIAG_SHOW_GROUPS)),
	ATTRIBUTE("netlink-flags", NETLINK_DIAG_FLAGS, U32, .words = &netlink_flags,
		  .parts = NETLINK, .ask = ASK_NETLINK(NDIAG_SHOW_FLAGS)),
	HEADER(VSOCK, "src-cid", vsock_diag_msg, vdiag_src_cid, U32),
	HEADER(VSOCK, "src-port", vsock_diag_msg, vdiag_src_port, U32),
	HEADER(VSOCK, "dst-cid", vsock_diag_msg, vdiag_dst_cid, U32),
	HEADER(VSOCK, "dst-port", vsock_diag_msg, vdiag_dst_port, U32),
	{},
};

static const char *const keys[] = { "cookie", NULL };

const struct netlink_type netlink_socket = {
	.name = "socket",
	.summary = "sockets: TCP, UDP, raw, SCTP, MPTCP, UNIX, packet, netlink, vsock",
	.schema = { .name = "socket", .fields = fields },
	.protocol = NETLINK_SOCK_DIAG,
	.get = SOCK_DIAG_BY_FAMILY,
	.new = SOCK_DIAG_BY_FAMILY,
	.header = sizeof(struct inet_diag_msg),
	.parts = parts,
	.keys = keys,
	.calls_roll = true,
	.request = socket_request,
};
