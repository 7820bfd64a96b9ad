/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What ethtool(8) tells of interfaces. Each of the kernel's commands is a type of its own here: an
 * interface that has nothing of the kind has no row of it.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "decode.h"
#include "encode.h"
#include "selection.h"
#include "table.h"
#include "types.h"

/* Of what is asked for only if wanted. */
enum { ASK_STATISTICS = 1 };

/* ---- whose it is: in front of each message is which interface's ---- */

static int decode_index(struct decoding *decoding, const struct netlink_field *field,
			const uint8_t *value, size_t size) {
	const uint8_t *inner;
	size_t n;

	if (!netlink_attribute(value, size, 0, ETHTOOL_A_HEADER_DEV_INDEX, &inner, &n))
		return 1;
	return decoding_set_plain(decoding, field, inner, n);
}

static int decode_name(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size) {
	const uint8_t *inner;
	size_t n;

	if (!netlink_attribute(value, size, 0, ETHTOOL_A_HEADER_DEV_NAME, &inner, &n))
		return 1;
	return decoding_set_plain(decoding, field, inner, n);
}

/* All commands have it at the same number. */
#define INTERFACE                                                                          \
	ATTRIBUTE("ifindex", ETHTOOL_A_LINKINFO_HEADER, U32, .decode = decode_index,       \
		  .unit = "interface", .filtered = NETLINK_FILTERED_SPECIALLY),            \
		ATTRIBUTE("dev", ETHTOOL_A_LINKINFO_HEADER, STRING, .decode = decode_name, \
			  .filtered = NETLINK_FILTERED_SPECIALLY)

static int request(struct encoding *encoding, const struct netlink_type *type,
		   const struct selection *selection, struct netlink_pass *pass) {
	const struct selection_value *index = selection_value(selection, type, "ifindex");
	const struct selection_value *name = selection_value(selection, type, "dev");
	size_t header;

	if (pass->number > 0)
		return 1;
	header = encode_nest(encoding, ETHTOOL_A_LINKINFO_HEADER);
	if (pass->one && index) {
		encode_put_u32(encoding, ETHTOOL_A_HEADER_DEV_INDEX, (uint32_t)index->number);
		selection_set_by_kernel(selection, type, "ifindex");
	} else if (pass->one && name) {
		encode_put_string(encoding, ETHTOOL_A_HEADER_DEV_NAME, (const char *)name->bytes);
		selection_set_by_kernel(selection, type, "dev");
	}
	if (selection_ask(selection, type) & ASK_STATISTICS)
		encode_put_u32(encoding, ETHTOOL_A_HEADER_FLAGS, ETHTOOL_FLAG_STATS);
	encode_nest_end(encoding, header);
	pass->optional = true; /* a device that has nothing of the kind */
	return 0;
}

/* ---- sets of bits, each of which says its name ---- */

/* The next bit's name; of those that are listed, or only of those that are set. */
static int next_bit(const uint8_t **value, size_t *size, bool all, const uint8_t **ret_element,
		    size_t *ret_size) {
	while (*size >= NLA_HDRLEN) {
		const struct nlattr *attribute = (const void *)*value;
		size_t length = attribute->nla_len, whole = NLA_ALIGN(length);
		const uint8_t *bit = *value + NLA_HDRLEN, *unused;
		size_t n;

		if (length < NLA_HDRLEN || length > *size)
			return -EBADMSG;
		*value += whole < *size ? whole : *size;
		*size -= whole < *size ? whole : *size;
		length -= NLA_HDRLEN;
		if ((all ||
		     netlink_attribute(bit, length, 0, ETHTOOL_A_BITSET_BIT_VALUE, &unused, &n)) &&
		    netlink_attribute(bit, length, 0, ETHTOOL_A_BITSET_BIT_NAME, ret_element,
				      ret_size))
			return 1;
	}
	return 0;
}

static int next_listed(const uint8_t **value, size_t *size, const uint8_t **ret_element,
		       size_t *ret_size, unsigned *ret_number) {
	return next_bit(value, size, true, ret_element, ret_size);
}

static int next_set(const uint8_t **value, size_t *size, const uint8_t **ret_element,
		    size_t *ret_size, unsigned *ret_number) {
	return next_bit(value, size, false, ret_element, ret_size);
}

/* Of a set without a mask those that are listed are set; of one with a mask, those in the mask are
 * listed, and say whether they are set. */
static int decode_bits(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size) {
	const uint8_t *bits, *unused;
	size_t n, m;
	bool all = netlink_attribute(value, size, 0, ETHTOOL_A_BITSET_NOMASK, &unused, &m);

	if (!netlink_attribute(value, size, 0, ETHTOOL_A_BITSET_BITS, &bits, &n))
		return 1;
	return decoding_set_elements(decoding, field, all ? next_listed : next_set, bits, n);
}

static int decode_mask(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size) {
	const uint8_t *bits;
	size_t n;

	if (!netlink_attribute(value, size, 0, ETHTOOL_A_BITSET_BITS, &bits, &n))
		return 1;
	return decoding_set_elements(decoding, field, next_listed, bits, n);
}

static const struct netlink_field bits_fields[] = { ELEMENT(STRING), {} };
NESTED(bits, "ethtool.bits");

#define BITSET(NAME, NUMBER) ATTRIBUTE(NAME, NUMBER, LIST, .nested = &bits, .decode = decode_bits)
#define MASK(NAME, NUMBER)   ATTRIBUTE(NAME, NUMBER, LIST, .nested = &bits, .decode = decode_mask)

/* ---- the types ---- */

static const char *const keys[] = { "ifindex", NULL };
static const char *const lookups[] = { "ifindex", "dev", NULL };

#define TYPE(SYMBOL, NAME, SUMMARY, GET, REPLY, ...)                                            \
	const struct netlink_type netlink_##SYMBOL = { .name = NAME,                            \
						       .summary = SUMMARY,                      \
						       .schema = { .name = NAME,                \
								   .fields = SYMBOL##_fields }, \
						       .protocol = NETLINK_GENERIC,             \
						       .family = ETHTOOL_GENL_NAME,             \
						       .get = ETHTOOL_MSG_##GET,                \
						       .new = ETHTOOL_MSG_##REPLY,              \
						       .keys = keys,                            \
						       .lookups = lookups,                      \
						       .request = request,                      \
						       ##__VA_ARGS__ }

static const struct netlink_words ports =
	NETLINK_WORDS({ PORT_TP, "tp" }, { PORT_AUI, "aui" }, { PORT_MII, "mii" },
		      { PORT_FIBRE, "fibre" }, { PORT_BNC, "bnc" }, { PORT_DA, "da" },
		      { PORT_NONE, "none" }, { PORT_OTHER, "other" });

static const struct netlink_words mdix =
	NETLINK_WORDS({ ETH_TP_MDI_INVALID, "unknown" }, { ETH_TP_MDI, "off" },
		      { ETH_TP_MDI_X, "on" }, { ETH_TP_MDI_AUTO, "auto" });

static const struct netlink_words transceivers =
	NETLINK_WORDS({ XCVR_INTERNAL, "internal" }, { XCVR_EXTERNAL, "external" });

static const struct netlink_field ethtool_linkinfo_fields[] = {
	INTERFACE,
	ATTRIBUTE("port", ETHTOOL_A_LINKINFO_PORT, U8, .words = &ports),
	ATTRIBUTE("phyaddr", ETHTOOL_A_LINKINFO_PHYADDR, U8),
	ATTRIBUTE("tp-mdix", ETHTOOL_A_LINKINFO_TP_MDIX, U8, .words = &mdix),
	ATTRIBUTE("tp-mdix-ctrl", ETHTOOL_A_LINKINFO_TP_MDIX_CTRL, U8, .words = &mdix),
	ATTRIBUTE("transceiver", ETHTOOL_A_LINKINFO_TRANSCEIVER, U8, .words = &transceivers),
	{},
};
TYPE(ethtool_linkinfo, "ethtool-linkinfo", "ports and transceivers of interfaces", LINKINFO_GET,
     LINKINFO_GET_REPLY);

static const struct netlink_words duplexes =
	NETLINK_WORDS({ DUPLEX_HALF, "half" }, { DUPLEX_FULL, "full" },
		      { DUPLEX_UNKNOWN, "unknown" });

static const struct netlink_words master_slave_cfg =
	NETLINK_WORDS({ MASTER_SLAVE_CFG_UNSUPPORTED, "unsupported" },
		      { MASTER_SLAVE_CFG_UNKNOWN, "unknown" },
		      { MASTER_SLAVE_CFG_MASTER_PREFERRED, "master-preferred" },
		      { MASTER_SLAVE_CFG_SLAVE_PREFERRED, "slave-preferred" },
		      { MASTER_SLAVE_CFG_MASTER_FORCE, "master-force" },
		      { MASTER_SLAVE_CFG_SLAVE_FORCE, "slave-force" });

static const struct netlink_words master_slave_state =
	NETLINK_WORDS({ MASTER_SLAVE_STATE_UNSUPPORTED, "unsupported" },
		      { MASTER_SLAVE_STATE_UNKNOWN, "unknown" },
		      { MASTER_SLAVE_STATE_MASTER, "master" },
		      { MASTER_SLAVE_STATE_SLAVE, "slave" }, { MASTER_SLAVE_STATE_ERR, "error" });

static const struct netlink_words rate_matching =
	NETLINK_WORDS({ RATE_MATCH_NONE, "none" }, { RATE_MATCH_PAUSE, "pause" },
		      { RATE_MATCH_CRS, "crs" }, { RATE_MATCH_OPEN_LOOP, "open-loop" });

/* What nobody knows is not there. */
static int decode_speed(struct decoding *decoding, const struct netlink_field *field,
			const uint8_t *value, size_t size) {
	static const uint8_t unknown[] = { 0xff, 0xff, 0xff, 0xff };

	if (size < sizeof(unknown) || memcmp(value, unknown, sizeof(unknown)) == 0)
		return 1;
	return decoding_set_plain(decoding, field, value, size);
}

static const struct netlink_field ethtool_linkmodes_fields[] = {
	INTERFACE,
	ATTRIBUTE("autoneg", ETHTOOL_A_LINKMODES_AUTONEG, BOOL),
	MASK("supported", ETHTOOL_A_LINKMODES_OURS),
	BITSET("advertised", ETHTOOL_A_LINKMODES_OURS),
	BITSET("peer", ETHTOOL_A_LINKMODES_PEER),
	ATTRIBUTE("speed", ETHTOOL_A_LINKMODES_SPEED, U32, .unit = "megabits/second",
		  .decode = decode_speed),
	ATTRIBUTE("duplex", ETHTOOL_A_LINKMODES_DUPLEX, U8, .words = &duplexes),
	ATTRIBUTE("master-slave-cfg", ETHTOOL_A_LINKMODES_MASTER_SLAVE_CFG, U8,
		  .words = &master_slave_cfg),
	ATTRIBUTE("master-slave-state", ETHTOOL_A_LINKMODES_MASTER_SLAVE_STATE, U8,
		  .words = &master_slave_state),
	ATTRIBUTE("lanes", ETHTOOL_A_LINKMODES_LANES, U32),
	ATTRIBUTE("rate-matching", ETHTOOL_A_LINKMODES_RATE_MATCHING, U8, .words = &rate_matching),
	{},
};
TYPE(ethtool_linkmodes, "ethtool-linkmodes", "speed, duplex and link modes of interfaces",
     LINKMODES_GET, LINKMODES_GET_REPLY);

static const struct netlink_words extended_states =
	NETLINK_WORDS({ ETHTOOL_LINK_EXT_STATE_AUTONEG, "autoneg" },
		      { ETHTOOL_LINK_EXT_STATE_LINK_TRAINING_FAILURE, "link-training-failure" },
		      { ETHTOOL_LINK_EXT_STATE_LINK_LOGICAL_MISMATCH, "link-logical-mismatch" },
		      { ETHTOOL_LINK_EXT_STATE_BAD_SIGNAL_INTEGRITY, "bad-signal-integrity" },
		      { ETHTOOL_LINK_EXT_STATE_NO_CABLE, "no-cable" },
		      { ETHTOOL_LINK_EXT_STATE_CABLE_ISSUE, "cable-issue" },
		      { ETHTOOL_LINK_EXT_STATE_EEPROM_ISSUE, "eeprom-issue" },
		      { ETHTOOL_LINK_EXT_STATE_CALIBRATION_FAILURE, "calibration-failure" },
		      { ETHTOOL_LINK_EXT_STATE_POWER_BUDGET_EXCEEDED, "power-budget-exceeded" },
		      { ETHTOOL_LINK_EXT_STATE_OVERHEAT, "overheat" },
		      { ETHTOOL_LINK_EXT_STATE_MODULE, "module" });

static const struct netlink_field ethtool_linkstate_fields[] = {
	INTERFACE,
	ATTRIBUTE("link", ETHTOOL_A_LINKSTATE_LINK, BOOL),
	ATTRIBUTE("sqi", ETHTOOL_A_LINKSTATE_SQI, U32),
	ATTRIBUTE("sqi-max", ETHTOOL_A_LINKSTATE_SQI_MAX, U32),
	ATTRIBUTE("ext-state", ETHTOOL_A_LINKSTATE_EXT_STATE, U8, .words = &extended_states),
	ATTRIBUTE("ext-substate", ETHTOOL_A_LINKSTATE_EXT_SUBSTATE, U8),
	{},
};
TYPE(ethtool_linkstate, "ethtool-linkstate", "whether interfaces have a link", LINKSTATE_GET,
     LINKSTATE_GET_REPLY);

static const struct netlink_field ethtool_debug_fields[] = {
	INTERFACE,
	BITSET("msgmask", ETHTOOL_A_DEBUG_MSGMASK),
	{},
};
TYPE(ethtool_debug, "ethtool-debug", "what drivers tell the kernel's log", DEBUG_GET,
     DEBUG_GET_REPLY);

/* The password of SecureOn has no field. */
static const struct netlink_field ethtool_wol_fields[] = {
	INTERFACE,
	MASK("supported", ETHTOOL_A_WOL_MODES),
	BITSET("modes", ETHTOOL_A_WOL_MODES),
	{},
};
TYPE(ethtool_wol, "ethtool-wol", "what wakes the machine", WOL_GET, WOL_GET_REPLY,
     .privileged = true);

static const struct netlink_field ethtool_features_fields[] = {
	INTERFACE,
	BITSET("hw", ETHTOOL_A_FEATURES_HW),
	BITSET("wanted", ETHTOOL_A_FEATURES_WANTED),
	BITSET("active", ETHTOOL_A_FEATURES_ACTIVE),
	BITSET("nochange", ETHTOOL_A_FEATURES_NOCHANGE),
	{},
};
TYPE(ethtool_features, "ethtool-features", "offloads and other features of interfaces",
     FEATURES_GET, FEATURES_GET_REPLY);

static const struct netlink_field ethtool_privflags_fields[] = {
	INTERFACE,
	MASK("supported", ETHTOOL_A_PRIVFLAGS_FLAGS),
	BITSET("flags", ETHTOOL_A_PRIVFLAGS_FLAGS),
	{},
};
TYPE(ethtool_privflags, "ethtool-privflags", "switches that a driver alone has", PRIVFLAGS_GET,
     PRIVFLAGS_GET_REPLY);

static const struct netlink_words data_split =
	NETLINK_WORDS({ ETHTOOL_TCP_DATA_SPLIT_UNKNOWN, "unknown" },
		      { ETHTOOL_TCP_DATA_SPLIT_DISABLED, "disabled" },
		      { ETHTOOL_TCP_DATA_SPLIT_ENABLED, "enabled" });

static const struct netlink_field ethtool_rings_fields[] = {
	INTERFACE,
	ATTRIBUTE("rx-max", ETHTOOL_A_RINGS_RX_MAX, U32),
	ATTRIBUTE("rx-mini-max", ETHTOOL_A_RINGS_RX_MINI_MAX, U32),
	ATTRIBUTE("rx-jumbo-max", ETHTOOL_A_RINGS_RX_JUMBO_MAX, U32),
	ATTRIBUTE("tx-max", ETHTOOL_A_RINGS_TX_MAX, U32),
	ATTRIBUTE("rx", ETHTOOL_A_RINGS_RX, U32),
	ATTRIBUTE("rx-mini", ETHTOOL_A_RINGS_RX_MINI, U32),
	ATTRIBUTE("rx-jumbo", ETHTOOL_A_RINGS_RX_JUMBO, U32),
	ATTRIBUTE("tx", ETHTOOL_A_RINGS_TX, U32),
	ATTRIBUTE("rx-buf-len", ETHTOOL_A_RINGS_RX_BUF_LEN, U32, .unit = "bytes"),
	ATTRIBUTE("tcp-data-split", ETHTOOL_A_RINGS_TCP_DATA_SPLIT, U8, .words = &data_split),
	ATTRIBUTE("cqe-size", ETHTOOL_A_RINGS_CQE_SIZE, U32, .unit = "bytes"),
	ATTRIBUTE("tx-push", ETHTOOL_A_RINGS_TX_PUSH, BOOL),
	{},
};
TYPE(ethtool_rings, "ethtool-rings", "sizes of rings", RINGS_GET, RINGS_GET_REPLY);

static const struct netlink_field ethtool_channels_fields[] = {
	INTERFACE,
	ATTRIBUTE("rx-max", ETHTOOL_A_CHANNELS_RX_MAX, U32),
	ATTRIBUTE("tx-max", ETHTOOL_A_CHANNELS_TX_MAX, U32),
	ATTRIBUTE("other-max", ETHTOOL_A_CHANNELS_OTHER_MAX, U32),
	ATTRIBUTE("combined-max", ETHTOOL_A_CHANNELS_COMBINED_MAX, U32),
	ATTRIBUTE("rx-count", ETHTOOL_A_CHANNELS_RX_COUNT, U32),
	ATTRIBUTE("tx-count", ETHTOOL_A_CHANNELS_TX_COUNT, U32),
	ATTRIBUTE("other-count", ETHTOOL_A_CHANNELS_OTHER_COUNT, U32),
	ATTRIBUTE("combined-count", ETHTOOL_A_CHANNELS_COMBINED_COUNT, U32),
	{},
};
TYPE(ethtool_channels, "ethtool-channels", "numbers of channels", CHANNELS_GET, CHANNELS_GET_REPLY);

#define MICROSECONDS(NAME, WHICH) \
	ATTRIBUTE(NAME, ETHTOOL_A_COALESCE_##WHICH, U32, .unit = "microseconds")
#define FRAMES(NAME, WHICH) ATTRIBUTE(NAME, ETHTOOL_A_COALESCE_##WHICH, U32)
#define SWITCH(NAME, WHICH) ATTRIBUTE(NAME, ETHTOOL_A_COALESCE_##WHICH, BOOL)

static const struct netlink_field ethtool_coalesce_fields[] = {
	INTERFACE,
	MICROSECONDS("rx-usecs", RX_USECS),
	FRAMES("rx-max-frames", RX_MAX_FRAMES),
	MICROSECONDS("rx-usecs-irq", RX_USECS_IRQ),
	FRAMES("rx-max-frames-irq", RX_MAX_FRAMES_IRQ),
	MICROSECONDS("tx-usecs", TX_USECS),
	FRAMES("tx-max-frames", TX_MAX_FRAMES),
	MICROSECONDS("tx-usecs-irq", TX_USECS_IRQ),
	FRAMES("tx-max-frames-irq", TX_MAX_FRAMES_IRQ),
	MICROSECONDS("stats-block-usecs", STATS_BLOCK_USECS),
	SWITCH("use-adaptive-rx", USE_ADAPTIVE_RX),
	SWITCH("use-adaptive-tx", USE_ADAPTIVE_TX),
	FRAMES("pkt-rate-low", PKT_RATE_LOW),
	MICROSECONDS("rx-usecs-low", RX_USECS_LOW),
	FRAMES("rx-max-frames-low", RX_MAX_FRAMES_LOW),
	MICROSECONDS("tx-usecs-low", TX_USECS_LOW),
	FRAMES("tx-max-frames-low", TX_MAX_FRAMES_LOW),
	FRAMES("pkt-rate-high", PKT_RATE_HIGH),
	MICROSECONDS("rx-usecs-high", RX_USECS_HIGH),
	FRAMES("rx-max-frames-high", RX_MAX_FRAMES_HIGH),
	MICROSECONDS("tx-usecs-high", TX_USECS_HIGH),
	FRAMES("tx-max-frames-high", TX_MAX_FRAMES_HIGH),
	ATTRIBUTE("rate-sample-interval", ETHTOOL_A_COALESCE_RATE_SAMPLE_INTERVAL, U32,
		  .unit = "seconds"),
	SWITCH("use-cqe-mode-tx", USE_CQE_MODE_TX),
	SWITCH("use-cqe-mode-rx", USE_CQE_MODE_RX),
	{},
};
TYPE(ethtool_coalesce, "ethtool-coalesce", "how many packets are one interrupt", COALESCE_GET,
     COALESCE_GET_REPLY);

static const struct netlink_field pause_stats_fields[] = {
	ATTRIBUTE("tx-frames", ETHTOOL_A_PAUSE_STAT_TX_FRAMES, U64),
	ATTRIBUTE("rx-frames", ETHTOOL_A_PAUSE_STAT_RX_FRAMES, U64),
	{},
};
NESTED(pause_stats, "ethtool-pause.stats");

static const struct netlink_field ethtool_pause_fields[] = {
	INTERFACE,
	ATTRIBUTE("autoneg", ETHTOOL_A_PAUSE_AUTONEG, BOOL),
	ATTRIBUTE("rx", ETHTOOL_A_PAUSE_RX, BOOL),
	ATTRIBUTE("tx", ETHTOOL_A_PAUSE_TX, BOOL),
	ATTRIBUTE("stats", ETHTOOL_A_PAUSE_STATS, OBJECT, .nested = &pause_stats,
		  .ask = ASK_STATISTICS),
	{},
};
TYPE(ethtool_pause, "ethtool-pause", "pause frames", PAUSE_GET, PAUSE_GET_REPLY);

static const struct netlink_field ethtool_eee_fields[] = {
	INTERFACE,
	MASK("supported", ETHTOOL_A_EEE_MODES_OURS),
	BITSET("advertised", ETHTOOL_A_EEE_MODES_OURS),
	BITSET("peer", ETHTOOL_A_EEE_MODES_PEER),
	ATTRIBUTE("active", ETHTOOL_A_EEE_ACTIVE, BOOL),
	ATTRIBUTE("enabled", ETHTOOL_A_EEE_ENABLED, BOOL),
	ATTRIBUTE("tx-lpi-enabled", ETHTOOL_A_EEE_TX_LPI_ENABLED, BOOL),
	ATTRIBUTE("tx-lpi-timer", ETHTOOL_A_EEE_TX_LPI_TIMER, U32, .unit = "microseconds"),
	{},
};
TYPE(ethtool_eee, "ethtool-eee", "Energy Efficient Ethernet", EEE_GET, EEE_GET_REPLY);

static const struct netlink_field ethtool_tsinfo_fields[] = {
	INTERFACE,
	BITSET("timestamping", ETHTOOL_A_TSINFO_TIMESTAMPING),
	BITSET("tx-types", ETHTOOL_A_TSINFO_TX_TYPES),
	BITSET("rx-filters", ETHTOOL_A_TSINFO_RX_FILTERS),
	ATTRIBUTE("phc-index", ETHTOOL_A_TSINFO_PHC_INDEX, U32),
	{},
};
TYPE(ethtool_tsinfo, "ethtool-tsinfo", "how interfaces put times on packets", TSINFO_GET,
     TSINFO_GET_REPLY);

static const struct netlink_field ethtool_fec_fields[] = {
	INTERFACE,
	BITSET("modes", ETHTOOL_A_FEC_MODES),
	ATTRIBUTE("auto", ETHTOOL_A_FEC_AUTO, BOOL),
	ATTRIBUTE("active", ETHTOOL_A_FEC_ACTIVE, U32),
	{},
};
TYPE(ethtool_fec, "ethtool-fec", "forward error correction", FEC_GET, FEC_GET_REPLY);

static const struct netlink_words power_policies =
	NETLINK_WORDS({ ETHTOOL_MODULE_POWER_MODE_POLICY_HIGH, "high" },
		      { ETHTOOL_MODULE_POWER_MODE_POLICY_AUTO, "auto" });

static const struct netlink_words power_modes =
	NETLINK_WORDS({ ETHTOOL_MODULE_POWER_MODE_LOW, "low" },
		      { ETHTOOL_MODULE_POWER_MODE_HIGH, "high" });

static const struct netlink_field ethtool_module_fields[] = {
	INTERFACE,
	ATTRIBUTE("power-mode-policy", ETHTOOL_A_MODULE_POWER_MODE_POLICY, U8,
		  .words = &power_policies),
	ATTRIBUTE("power-mode", ETHTOOL_A_MODULE_POWER_MODE, U8, .words = &power_modes),
	{},
};
TYPE(ethtool_module, "ethtool-module", "power of plug-in modules", MODULE_GET, MODULE_GET_REPLY);

/* ---- names of bits and counters ---- */

static const struct netlink_field strings_fields[] = {
	ATTRIBUTE("index", ETHTOOL_A_STRING_INDEX, U32),
	ATTRIBUTE("value", ETHTOOL_A_STRING_VALUE, STRING),
	{},
};
NESTED(strings, "ethtool-strings.strings");

static const struct netlink_words string_sets =
	NETLINK_WORDS({ ETH_SS_TEST, "test" }, { ETH_SS_STATS, "stats" },
		      { ETH_SS_PRIV_FLAGS, "priv-flags" },
		      { ETH_SS_NTUPLE_FILTERS, "ntuple-filters" }, { ETH_SS_FEATURES, "features" },
		      { ETH_SS_RSS_HASH_FUNCS, "rss-hash-funcs" }, { ETH_SS_TUNABLES, "tunables" },
		      { ETH_SS_PHY_STATS, "phy-stats" }, { ETH_SS_PHY_TUNABLES, "phy-tunables" },
		      { ETH_SS_LINK_MODES, "link-modes" }, { ETH_SS_MSG_CLASSES, "msg-classes" },
		      { ETH_SS_WOL_MODES, "wol-modes" },
		      { ETH_SS_SOF_TIMESTAMPING, "sof-timestamping" },
		      { ETH_SS_TS_TX_TYPES, "ts-tx-types" },
		      { ETH_SS_TS_RX_FILTERS, "ts-rx-filters" },
		      { ETH_SS_UDP_TUNNEL_TYPES, "udp-tunnel-types" },
		      { ETH_SS_STATS_STD, "stats-std" }, { ETH_SS_STATS_ETH_PHY, "stats-eth-phy" },
		      { ETH_SS_STATS_ETH_MAC, "stats-eth-mac" },
		      { ETH_SS_STATS_ETH_CTRL, "stats-eth-ctrl" },
		      { ETH_SS_STATS_RMON, "stats-rmon" });

static const struct netlink_field sets_fields[] = {
	ATTRIBUTE("id", ETHTOOL_A_STRINGSET_ID, U32, .words = &string_sets),
	ATTRIBUTE("count", ETHTOOL_A_STRINGSET_COUNT, U32),
	ATTRIBUTE("strings", ETHTOOL_A_STRINGSET_STRINGS, OBJECTS, .nested = &strings),
	{},
};
NESTED(sets, "ethtool-strings.stringsets");

static const struct netlink_field ethtool_strings_fields[] = {
	INTERFACE,
	ATTRIBUTE("stringsets", ETHTOOL_A_STRSET_STRINGSETS, OBJECTS, .nested = &sets),
	{},
};
TYPE(ethtool_strings, "ethtool-strings", "names of what drivers count and switch", STRSET_GET,
     STRSET_GET_REPLY);
