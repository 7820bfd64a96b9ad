/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * WireGuard's interfaces and peers. The kernel tells private and preshared keys, too, to who may
 * ask at all: they have no fields here, and so go no further than the buffer that they came in.
 */
#include <linux/netlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "decode.h"
#include "encode.h"
#include "table.h"
#include "types.h"

/* As wg(8) writes keys. */
static int decode_key(struct decoding *decoding, const struct netlink_field *field,
		      const uint8_t *value, size_t size) {
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[(WG_KEY_LEN + 2) / 3 * 4];
	char *end = text;

	if (size != WG_KEY_LEN)
		return 1;
	for (size_t i = 0; i < size; i += 3) {
		uint32_t bits = (uint32_t)value[i] << 16;

		bits |= i + 1 < size ? (uint32_t)value[i + 1] << 8 : 0;
		bits |= i + 2 < size ? (uint32_t)value[i + 2] : 0;
		*end++ = letters[bits >> 18];
		*end++ = letters[bits >> 12 & 63];
		*end++ = i + 1 < size ? letters[bits >> 6 & 63] : '=';
		*end++ = i + 2 < size ? letters[bits & 63] : '=';
	}
	return decoding_set_bytes(decoding, field, text, sizeof(text));
}

/* A socket's address, of either family. */
static int decode_endpoint(struct decoding *decoding, const struct netlink_field *field,
			   const uint8_t *value, size_t size) {
	sa_family_t family;

	if (size < sizeof(struct sockaddr_in))
		return 1;
	memcpy(&family, value, sizeof(family));
	if (family == AF_INET)
		return decoding_set_address(decoding, field, AF_INET,
					    value + offsetof(struct sockaddr_in, sin_addr), 32);
	if (family == AF_INET6 && size >= sizeof(struct sockaddr_in6))
		return decoding_set_address(decoding, field, AF_INET6,
					    value + offsetof(struct sockaddr_in6, sin6_addr), 128);
	return 1;
}

static int decode_allowed(struct decoding *decoding, const struct netlink_field *field,
			  const uint8_t *value, size_t size) {
	const uint8_t *address, *mask;
	size_t n, m;

	if (!netlink_attribute(value, size, 0, WGALLOWEDIP_A_IPADDR, &address, &n) ||
	    !netlink_attribute(value, size, 0, WGALLOWEDIP_A_CIDR_MASK, &mask, &m) || m < 1)
		return 1;
	if (n != 4 && n != 16)
		return 1;
	return decoding_set_address(decoding, field, n == 4 ? AF_INET : AF_INET6, address, mask[0]);
}

static const struct netlink_field allowed_fields[] = {
	ELEMENT(PREFIX, .decode = decode_allowed),
	{},
};
NESTED(allowed, "wireguard.allowed-ips");

/* 0: there has been none. */
static int decode_handshake(struct decoding *decoding, const struct netlink_field *field,
			    const uint8_t *value, size_t size) {
	int64_t seconds;

	if (size < 2 * sizeof(seconds))
		return 1;
	memcpy(&seconds, value, sizeof(seconds));
	return seconds == 0 ? 1 : decoding_set_signed(decoding, field, seconds);
}

static const struct netlink_field peers_fields[] = {
	ATTRIBUTE("public-key", WGPEER_A_PUBLIC_KEY, STRING, .decode = decode_key),
	ATTRIBUTE("endpoint", WGPEER_A_ENDPOINT, ADDRESS, .decode = decode_endpoint),
	/* where it is in the addresses of both families */
	PART("endpoint-port", WGPEER_A_ENDPOINT, struct sockaddr_in, sin_port, U16,
	     .network_order = true),
	ATTRIBUTE("persistent-keepalive-interval", WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, U16,
		  .unit = "seconds"),
	ATTRIBUTE("last-handshake-time", WGPEER_A_LAST_HANDSHAKE_TIME, S64, .unit = "seconds",
		  .decode = decode_handshake),
	ATTRIBUTE("rx-bytes", WGPEER_A_RX_BYTES, U64, .unit = "bytes"),
	ATTRIBUTE("tx-bytes", WGPEER_A_TX_BYTES, U64, .unit = "bytes"),
	ATTRIBUTE("allowed-ips", WGPEER_A_ALLOWEDIPS, LIST, .nested = &allowed),
	ATTRIBUTE("protocol-version", WGPEER_A_PROTOCOL_VERSION, U32),
	{},
};
NESTED(peers, "wireguard.peers");

/* Peers that do not fit in one message follow in further rows of the same interface; a peer whose
 * addresses do not fit is there again with the rest of them. */
static const struct netlink_field fields[] = {
	ATTRIBUTE("ifindex", WGDEVICE_A_IFINDEX, U32, .unit = "interface",
		  .filtered = NETLINK_FILTERED_SPECIALLY),
	ATTRIBUTE("dev", WGDEVICE_A_IFNAME, STRING, .filtered = NETLINK_FILTERED_SPECIALLY),
	ATTRIBUTE("public-key", WGDEVICE_A_PUBLIC_KEY, STRING, .decode = decode_key),
	ATTRIBUTE("listen-port", WGDEVICE_A_LISTEN_PORT, U16),
	ATTRIBUTE("fwmark", WGDEVICE_A_FWMARK, U32),
	ATTRIBUTE("peers", WGDEVICE_A_PEERS, OBJECTS, .nested = &peers),
	{},
};

static int request(struct encoding *encoding, const struct netlink_type *type,
		   const struct selection *selection, struct netlink_pass *pass) {
	if (pass->number > 0)
		return 1;
	encode_put_u32(encoding, WGDEVICE_A_IFINDEX, pass->ifindex);
	pass->optional = true; /* most interfaces are none of these */
	return 0;
}

static const char *const keys[] = { "ifindex", NULL };

const struct netlink_type netlink_wireguard = {
	.name = "wireguard",
	.summary = "interfaces of WireGuard and their peers, without secret keys",
	.schema = { .name = "wireguard", .fields = fields },
	.protocol = NETLINK_GENERIC,
	.family = WG_GENL_NAME,
	.get = WG_CMD_GET_DEVICE,
	.new = WG_CMD_GET_DEVICE,
	.by_link = true,
	.keys = keys,
	.privileged = true,
	.request = request,
};
