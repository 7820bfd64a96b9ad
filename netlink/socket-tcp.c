/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What TCP tells of a connection: struct tcp_info, its congestion control, what lies above it. */
#include "socket-tcp.h"

#include <linux/inet_diag.h>
#include <linux/mptcp.h>
#include <linux/tcp.h>
#include <linux/tls.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"
#include "socket.h"
#include "table.h"

/* ---- struct tcp_info ---- */

/* What has no offset in C, and what later kernels have behind what the headers here know. */
enum {
	TCP_INFO_WSCALE = 6,
	TCP_INFO_FLAGS = 7,
	TCP_INFO_RCV_WND = 232,
	TCP_INFO_REHASH = 236,
	TCP_INFO_TOTAL_RTO = 240,
	TCP_INFO_TOTAL_RTO_RECOVERIES = 242,
	TCP_INFO_TOTAL_RTO_TIME = 244,
};

#define BYTES(NAME, OFFSET, FORM, ...)                                                   \
	{                                                                                \
		.name = NAME, .form = USHER_NETLINK_##FORM, .from = NETLINK_FROM_HEADER, \
		.at = (OFFSET), ##__VA_ARGS__                                            \
	}
#define INFO(NAME, WHICH, FORM, ...) \
	MEMBER(NAME, struct tcp_info, tcpi_##WHICH, FORM, ##__VA_ARGS__)

static int decode_low_half(struct decoding *decoding, const struct netlink_field *field,
			   const uint8_t *value, size_t size) {
	return size < 1 ? 1 : decoding_set_number(decoding, field, value[0] & 0xf);
}

static int decode_high_half(struct decoding *decoding, const struct netlink_field *field,
			    const uint8_t *value, size_t size) {
	return size < 1 ? 1 : decoding_set_number(decoding, field, value[0] >> 4);
}

static int decode_app_limited(struct decoding *decoding, const struct netlink_field *field,
			      const uint8_t *value, size_t size) {
	return size < 1 ? 1 : decoding_set_number(decoding, field, value[0] & 1);
}

static int decode_fastopen_fail(struct decoding *decoding, const struct netlink_field *field,
				const uint8_t *value, size_t size) {
	return size < 1 ? 1 : decoding_set_number(decoding, field, value[0] >> 1 & 3);
}

static const struct netlink_words ca_state =
	NETLINK_WORDS({ 0, "open" }, { 1, "disorder" }, { 2, "cwr" }, { 3, "recovery" },
		      { 4, "loss" });

static const struct netlink_words tcp_options =
	NETLINK_BITS({ 1, "timestamps" }, { 2, "sack" }, { 4, "wscale" }, { 8, "ecn" },
		     { 16, "ecn-seen" }, { 32, "syn-data" }, { 64, "usec-ts" },
		     { 128, "tfo-child" });

static const struct netlink_words fastopen_fail =
	NETLINK_WORDS({ 0, "unspecified" }, { 1, "cookie-unavailable" }, { 2, "data-not-acked" },
		      { 3, "syn-retransmitted" });

static const struct netlink_field tcp_info_fields[] = {
	INFO("state", state, U8, .words = &socket_states),
	INFO("ca-state", ca_state, U8, .words = &ca_state),
	INFO("retransmits", retransmits, U8),
	INFO("probes", probes, U8),
	INFO("backoff", backoff, U8),
	INFO("options", options, U8, .words = &tcp_options),
	BYTES("snd-wscale", TCP_INFO_WSCALE, U8, .decode = decode_low_half),
	BYTES("rcv-wscale", TCP_INFO_WSCALE, U8, .decode = decode_high_half),
	BYTES("delivery-rate-app-limited", TCP_INFO_FLAGS, BOOL, .decode = decode_app_limited),
	BYTES("fastopen-client-fail", TCP_INFO_FLAGS, U8, .decode = decode_fastopen_fail,
	      .words = &fastopen_fail),
	INFO("rto", rto, U32, .unit = "microseconds"),
	INFO("ato", ato, U32, .unit = "microseconds"),
	INFO("snd-mss", snd_mss, U32, .unit = "bytes"),
	INFO("rcv-mss", rcv_mss, U32, .unit = "bytes"),
	INFO("unacked", unacked, U32),
	INFO("sacked", sacked, U32),
	INFO("lost", lost, U32),
	INFO("retrans", retrans, U32),
	INFO("fackets", fackets, U32),
	INFO("last-data-sent", last_data_sent, U32, .unit = "milliseconds"),
	INFO("last-ack-sent", last_ack_sent, U32, .unit = "milliseconds"),
	INFO("last-data-recv", last_data_recv, U32, .unit = "milliseconds"),
	INFO("last-ack-recv", last_ack_recv, U32, .unit = "milliseconds"),
	INFO("pmtu", pmtu, U32, .unit = "bytes"),
	INFO("rcv-ssthresh", rcv_ssthresh, U32, .unit = "bytes"),
	INFO("rtt", rtt, U32, .unit = "microseconds"),
	INFO("rttvar", rttvar, U32, .unit = "microseconds"),
	INFO("snd-ssthresh", snd_ssthresh, U32),
	INFO("snd-cwnd", snd_cwnd, U32),
	INFO("advmss", advmss, U32, .unit = "bytes"),
	INFO("reordering", reordering, U32),
	INFO("rcv-rtt", rcv_rtt, U32, .unit = "microseconds"),
	INFO("rcv-space", rcv_space, U32, .unit = "bytes"),
	INFO("total-retrans", total_retrans, U32),
	INFO("pacing-rate", pacing_rate, U64, .unit = "bytes/second"),
	INFO("max-pacing-rate", max_pacing_rate, U64, .unit = "bytes/second"),
	INFO("bytes-acked", bytes_acked, U64, .unit = "bytes"),
	INFO("bytes-received", bytes_received, U64, .unit = "bytes"),
	INFO("segs-out", segs_out, U32),
	INFO("segs-in", segs_in, U32),
	INFO("notsent-bytes", notsent_bytes, U32, .unit = "bytes"),
	INFO("min-rtt", min_rtt, U32, .unit = "microseconds"),
	INFO("data-segs-in", data_segs_in, U32),
	INFO("data-segs-out", data_segs_out, U32),
	INFO("delivery-rate", delivery_rate, U64, .unit = "bytes/second"),
	INFO("busy-time", busy_time, U64, .unit = "microseconds"),
	INFO("rwnd-limited", rwnd_limited, U64, .unit = "microseconds"),
	INFO("sndbuf-limited", sndbuf_limited, U64, .unit = "microseconds"),
	INFO("delivered", delivered, U32),
	INFO("delivered-ce", delivered_ce, U32),
	INFO("bytes-sent", bytes_sent, U64, .unit = "bytes"),
	INFO("bytes-retrans", bytes_retrans, U64, .unit = "bytes"),
	INFO("dsack-dups", dsack_dups, U32),
	INFO("reord-seen", reord_seen, U32),
	INFO("rcv-ooopack", rcv_ooopack, U32),
	INFO("snd-wnd", snd_wnd, U32, .unit = "bytes"),
	BYTES("rcv-wnd", TCP_INFO_RCV_WND, U32, .unit = "bytes"),
	BYTES("rehash", TCP_INFO_REHASH, U32),
	BYTES("total-rto", TCP_INFO_TOTAL_RTO, U16),
	BYTES("total-rto-recoveries", TCP_INFO_TOTAL_RTO_RECOVERIES, U16),
	BYTES("total-rto-time", TCP_INFO_TOTAL_RTO_TIME, U32, .unit = "milliseconds"),
	{},
};
const struct netlink_schema socket_tcp_info = {
	.name = "socket.tcp-info",
	.fields = tcp_info_fields,
	.structure = true,
};

/* ---- congestion control ---- */

static const struct netlink_field vegas_fields[] = {
	MEMBER("enabled", struct tcpvegas_info, tcpv_enabled, U32),
	MEMBER("rttcnt", struct tcpvegas_info, tcpv_rttcnt, U32),
	MEMBER("rtt", struct tcpvegas_info, tcpv_rtt, U32, .unit = "microseconds"),
	MEMBER("minrtt", struct tcpvegas_info, tcpv_minrtt, U32, .unit = "microseconds"),
	{},
};
const struct netlink_schema socket_vegas = {
	.name = "socket.vegas",
	.fields = vegas_fields,
	.structure = true,
};

static const struct netlink_field dctcp_fields[] = {
	MEMBER("enabled", struct tcp_dctcp_info, dctcp_enabled, U16),
	MEMBER("ce-state", struct tcp_dctcp_info, dctcp_ce_state, U16),
	MEMBER("alpha", struct tcp_dctcp_info, dctcp_alpha, U32),
	MEMBER("ab-ecn", struct tcp_dctcp_info, dctcp_ab_ecn, U32, .unit = "bytes"),
	MEMBER("ab-tot", struct tcp_dctcp_info, dctcp_ab_tot, U32, .unit = "bytes"),
	{},
};
const struct netlink_schema socket_dctcp = {
	.name = "socket.dctcp",
	.fields = dctcp_fields,
	.structure = true,
};

static const struct netlink_field bbr_fields[] = {
	BYTES("bw", 0, U64, .unit = "bytes/second", .decode = socket_decode_halves),
	MEMBER("min-rtt", struct tcp_bbr_info, bbr_min_rtt, U32, .unit = "microseconds"),
	MEMBER("pacing-gain", struct tcp_bbr_info, bbr_pacing_gain, U32, .unit = "1/256"),
	MEMBER("cwnd-gain", struct tcp_bbr_info, bbr_cwnd_gain, U32, .unit = "1/256"),
	{},
};
const struct netlink_schema socket_bbr = {
	.name = "socket.bbr",
	.fields = bbr_fields,
	.structure = true,
};

/* ---- MPTCP ---- */

static const struct netlink_words mptcp_flags =
	NETLINK_BITS({ 1, "fallback" }, { 2, "remote-key-received" });

static const struct netlink_field mptcp_info_fields[] = {
	MEMBER("subflows", struct mptcp_info, mptcpi_subflows, U8),
	MEMBER("add-addr-signal", struct mptcp_info, mptcpi_add_addr_signal, U8),
	MEMBER("add-addr-accepted", struct mptcp_info, mptcpi_add_addr_accepted, U8),
	MEMBER("subflows-max", struct mptcp_info, mptcpi_subflows_max, U8),
	MEMBER("add-addr-signal-max", struct mptcp_info, mptcpi_add_addr_signal_max, U8),
	MEMBER("add-addr-accepted-max", struct mptcp_info, mptcpi_add_addr_accepted_max, U8),
	MEMBER("flags", struct mptcp_info, mptcpi_flags, U32, .words = &mptcp_flags),
	MEMBER("token", struct mptcp_info, mptcpi_token, U32),
	MEMBER("write-seq", struct mptcp_info, mptcpi_write_seq, U64),
	MEMBER("snd-una", struct mptcp_info, mptcpi_snd_una, U64),
	MEMBER("rcv-nxt", struct mptcp_info, mptcpi_rcv_nxt, U64),
	MEMBER("local-addr-used", struct mptcp_info, mptcpi_local_addr_used, U8),
	MEMBER("local-addr-max", struct mptcp_info, mptcpi_local_addr_max, U8),
	MEMBER("csum-enabled", struct mptcp_info, mptcpi_csum_enabled, BOOL),
	{},
};
const struct netlink_schema socket_mptcp_info = {
	.name = "socket.mptcp-info",
	.fields = mptcp_info_fields,
	.structure = true,
};

/* ---- what lies above TCP ---- */

static const struct netlink_words tls_version =
	NETLINK_WORDS({ TLS_1_2_VERSION, "1.2" }, { TLS_1_3_VERSION, "1.3" });

static const struct netlink_words tls_cipher =
	NETLINK_WORDS({ TLS_CIPHER_AES_GCM_128, "aes-gcm-128" },
		      { TLS_CIPHER_AES_GCM_256, "aes-gcm-256" },
		      { TLS_CIPHER_AES_CCM_128, "aes-ccm-128" },
		      { TLS_CIPHER_CHACHA20_POLY1305, "chacha20-poly1305" },
		      { TLS_CIPHER_SM4_GCM, "sm4-gcm" }, { TLS_CIPHER_SM4_CCM, "sm4-ccm" });

static const struct netlink_words tls_conf =
	NETLINK_WORDS({ TLS_CONF_BASE, "none" }, { TLS_CONF_SW, "sw" }, { TLS_CONF_HW, "hw" },
		      { TLS_CONF_HW_RECORD, "hw-record" });

static const struct netlink_field ulp_tls_fields[] = {
	ATTRIBUTE("version", TLS_INFO_VERSION, U16, .words = &tls_version),
	ATTRIBUTE("cipher", TLS_INFO_CIPHER, U16, .words = &tls_cipher),
	ATTRIBUTE("txconf", TLS_INFO_TXCONF, U16, .words = &tls_conf),
	ATTRIBUTE("rxconf", TLS_INFO_RXCONF, U16, .words = &tls_conf),
	ATTRIBUTE("zc-ro-tx", TLS_INFO_ZC_RO_TX, BOOL),
	ATTRIBUTE("rx-no-pad", TLS_INFO_RX_NO_PAD, BOOL),
	{},
};
NESTED(ulp_tls, "socket.ulp.tls");

static const struct netlink_words subflow_flags =
	NETLINK_BITS({ MPTCP_SUBFLOW_FLAG_MCAP_REM, "mcap-rem" },
		     { MPTCP_SUBFLOW_FLAG_MCAP_LOC, "mcap-loc" },
		     { MPTCP_SUBFLOW_FLAG_JOIN_REM, "join-rem" },
		     { MPTCP_SUBFLOW_FLAG_JOIN_LOC, "join-loc" },
		     { MPTCP_SUBFLOW_FLAG_BKUP_REM, "bkup-rem" },
		     { MPTCP_SUBFLOW_FLAG_BKUP_LOC, "bkup-loc" },
		     { MPTCP_SUBFLOW_FLAG_FULLY_ESTABLISHED, "fully-established" },
		     { MPTCP_SUBFLOW_FLAG_CONNECTED, "connected" },
		     { MPTCP_SUBFLOW_FLAG_MAPVALID, "mapvalid" });

static const struct netlink_field ulp_mptcp_fields[] = {
	ATTRIBUTE("token-rem", MPTCP_SUBFLOW_ATTR_TOKEN_REM, U32),
	ATTRIBUTE("token-loc", MPTCP_SUBFLOW_ATTR_TOKEN_LOC, U32),
	ATTRIBUTE("relwrite-seq", MPTCP_SUBFLOW_ATTR_RELWRITE_SEQ, U32),
	ATTRIBUTE("map-seq", MPTCP_SUBFLOW_ATTR_MAP_SEQ, U64),
	ATTRIBUTE("map-sfseq", MPTCP_SUBFLOW_ATTR_MAP_SFSEQ, U32),
	ATTRIBUTE("ssn-offset", MPTCP_SUBFLOW_ATTR_SSN_OFFSET, U32),
	ATTRIBUTE("map-datalen", MPTCP_SUBFLOW_ATTR_MAP_DATALEN, U16, .unit = "bytes"),
	ATTRIBUTE("flags", MPTCP_SUBFLOW_ATTR_FLAGS, U32, .words = &subflow_flags),
	ATTRIBUTE("id-rem", MPTCP_SUBFLOW_ATTR_ID_REM, U8),
	ATTRIBUTE("id-loc", MPTCP_SUBFLOW_ATTR_ID_LOC, U8),
	{},
};
NESTED(ulp_mptcp, "socket.ulp.mptcp");

static const struct netlink_field ulp_fields[] = {
	ATTRIBUTE("name", INET_ULP_INFO_NAME, STRING),
	ATTRIBUTE("tls", INET_ULP_INFO_TLS, OBJECT, .nested = &ulp_tls),
	ATTRIBUTE("mptcp", INET_ULP_INFO_MPTCP, OBJECT, .nested = &ulp_mptcp),
	{},
};
const struct netlink_schema socket_ulp = { .name = "socket.ulp", .fields = ulp_fields };

/* ---- keys of TCP MD5 signatures: whose they are, not what ---- */

static int decode_md5_address(struct decoding *decoding, const struct netlink_field *field,
			      const uint8_t *value, size_t size) {
	const uint8_t *structure = value - field->at;

	if (size < 16)
		return 1;
	return decoding_set_address(decoding, field,
				    structure[offsetof(struct tcp_diag_md5sig, tcpm_family)], value,
				    structure[offsetof(struct tcp_diag_md5sig, tcpm_prefixlen)]);
}

static const struct netlink_field md5sig_fields[] = {
	BYTES("prefix", offsetof(struct tcp_diag_md5sig, tcpm_addr), PREFIX,
	      .decode = decode_md5_address),
	{},
};
/* The key itself, which the kernel tells who has CAP_NET_ADMIN, has no field. */
const struct netlink_schema socket_md5sig = {
	.name = "socket.md5sig",
	.fields = md5sig_fields,
	.structure = true,
	.fixed = sizeof(struct tcp_diag_md5sig),
};
