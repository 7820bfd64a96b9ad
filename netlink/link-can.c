/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Controller area networks. */
#include <linux/can/netlink.h>

#include "flags.h"
#include "link-kinds.h"
#include "table.h"

static const struct netlink_words states =
	NETLINK_WORDS({ CAN_STATE_ERROR_ACTIVE, "error-active" },
		      { CAN_STATE_ERROR_WARNING, "error-warning" },
		      { CAN_STATE_ERROR_PASSIVE, "error-passive" },
		      { CAN_STATE_BUS_OFF, "bus-off" }, { CAN_STATE_STOPPED, "stopped" },
		      { CAN_STATE_SLEEPING, "sleeping" });
static const struct netlink_words modes =
	NETLINK_BITS({ CAN_CTRLMODE_LOOPBACK, "loopback" },
		     { CAN_CTRLMODE_LISTENONLY, "listen-only" },
		     { CAN_CTRLMODE_3_SAMPLES, "triple-sampling" },
		     { CAN_CTRLMODE_ONE_SHOT, "one-shot" },
		     { CAN_CTRLMODE_BERR_REPORTING, "berr-reporting" }, { CAN_CTRLMODE_FD, "fd" },
		     { CAN_CTRLMODE_PRESUME_ACK, "presume-ack" },
		     { CAN_CTRLMODE_FD_NON_ISO, "fd-non-iso" },
		     { CAN_CTRLMODE_CC_LEN8_DLC, "cc-len8-dlc" },
		     { CAN_CTRLMODE_TDC_AUTO, "tdc-auto" },
		     { CAN_CTRLMODE_TDC_MANUAL, "tdc-manual" });

static const struct netlink_field timing_fields[] = {
	MEMBER("bitrate", struct can_bittiming, bitrate, U32, .unit = "bits per second"),
	/* in tenths of a percent */
	MEMBER("sample-point", struct can_bittiming, sample_point, U32),
	MEMBER("tq", struct can_bittiming, tq, U32, .unit = "nanoseconds"),
	MEMBER("prop-seg", struct can_bittiming, prop_seg, U32),
	MEMBER("phase-seg1", struct can_bittiming, phase_seg1, U32),
	MEMBER("phase-seg2", struct can_bittiming, phase_seg2, U32),
	MEMBER("sjw", struct can_bittiming, sjw, U32),
	MEMBER("brp", struct can_bittiming, brp, U32),
	{},
};
NESTED(timing, "link.linkinfo.can.bittiming", .fixed = sizeof(struct can_bittiming),
       .structure = true);

static const struct netlink_field constants_fields[] = {
	MEMBER("name", struct can_bittiming_const, name, STRING),
	MEMBER("tseg1-min", struct can_bittiming_const, tseg1_min, U32),
	MEMBER("tseg1-max", struct can_bittiming_const, tseg1_max, U32),
	MEMBER("tseg2-min", struct can_bittiming_const, tseg2_min, U32),
	MEMBER("tseg2-max", struct can_bittiming_const, tseg2_max, U32),
	MEMBER("sjw-max", struct can_bittiming_const, sjw_max, U32),
	MEMBER("brp-min", struct can_bittiming_const, brp_min, U32),
	MEMBER("brp-max", struct can_bittiming_const, brp_max, U32),
	MEMBER("brp-inc", struct can_bittiming_const, brp_inc, U32),
	{},
};
NESTED(constants, "link.linkinfo.can.bittiming-const", .fixed = sizeof(struct can_bittiming_const),
       .structure = true);

static const struct netlink_field ohms_fields[] = { ELEMENT(U16), {} };
NESTED(ohms, "link.linkinfo.can.termination-const", .structure = true);

static const struct netlink_field rates_fields[] = { ELEMENT(U32), {} };
NESTED(rates, "link.linkinfo.can.bitrate-const", .structure = true);

static const struct netlink_field compensation_fields[] = {
	ATTRIBUTE("tdcv-min", IFLA_CAN_TDC_TDCV_MIN, U32),
	ATTRIBUTE("tdcv-max", IFLA_CAN_TDC_TDCV_MAX, U32),
	ATTRIBUTE("tdco-min", IFLA_CAN_TDC_TDCO_MIN, U32),
	ATTRIBUTE("tdco-max", IFLA_CAN_TDC_TDCO_MAX, U32),
	ATTRIBUTE("tdcf-min", IFLA_CAN_TDC_TDCF_MIN, U32),
	ATTRIBUTE("tdcf-max", IFLA_CAN_TDC_TDCF_MAX, U32),
	ATTRIBUTE("tdcv", IFLA_CAN_TDC_TDCV, U32),
	ATTRIBUTE("tdco", IFLA_CAN_TDC_TDCO, U32),
	ATTRIBUTE("tdcf", IFLA_CAN_TDC_TDCF, U32),
	{},
};
NESTED(compensation, "link.linkinfo.can.tdc");

static const struct netlink_field extended_fields[] = {
	ATTRIBUTE("supported", IFLA_CAN_CTRLMODE_SUPPORTED, U32, .words = &modes),
	{},
};
NESTED(extended, "link.linkinfo.can.ctrlmode-ext");

#define TOLD .read_only = true

static const struct netlink_field can_fields[] = {
	ATTRIBUTE("bittiming", IFLA_CAN_BITTIMING, OBJECT, .nested = &timing),
	ATTRIBUTE("bittiming-const", IFLA_CAN_BITTIMING_CONST, OBJECT, TOLD, .nested = &constants),
	ATTRIBUTE("clock", IFLA_CAN_CLOCK, U32, TOLD, .unit = "hertz"),
	ATTRIBUTE("state", IFLA_CAN_STATE, U32, TOLD, .words = &states),
	PART("ctrlmode", IFLA_CAN_CTRLMODE, struct can_ctrlmode, flags, U32, .words = &modes,
	     .encode = flags_encode),
	ATTRIBUTE("restart-ms", IFLA_CAN_RESTART_MS, U32, .unit = "milliseconds"),
	ATTRIBUTE("restart", IFLA_CAN_RESTART, U32),
	PART("berr-tx", IFLA_CAN_BERR_COUNTER, struct can_berr_counter, txerr, U16, TOLD),
	PART("berr-rx", IFLA_CAN_BERR_COUNTER, struct can_berr_counter, rxerr, U16, TOLD),
	ATTRIBUTE("data-bittiming", IFLA_CAN_DATA_BITTIMING, OBJECT, .nested = &timing),
	ATTRIBUTE("data-bittiming-const", IFLA_CAN_DATA_BITTIMING_CONST, OBJECT, TOLD,
		  .nested = &constants),
	ATTRIBUTE("termination", IFLA_CAN_TERMINATION, U16, .unit = "ohms"),
	ATTRIBUTE("termination-const", IFLA_CAN_TERMINATION_CONST, LIST, TOLD, .nested = &ohms),
	ATTRIBUTE("bitrate-const", IFLA_CAN_BITRATE_CONST, LIST, TOLD, .nested = &rates),
	ATTRIBUTE("data-bitrate-const", IFLA_CAN_DATA_BITRATE_CONST, LIST, TOLD, .nested = &rates),
	ATTRIBUTE("bitrate-max", IFLA_CAN_BITRATE_MAX, U32, TOLD, .unit = "bits per second"),
	ATTRIBUTE("tdc", IFLA_CAN_TDC, OBJECT, .nested = &compensation),
	ATTRIBUTE("ctrlmode-ext", IFLA_CAN_CTRLMODE_EXT, OBJECT, TOLD, .nested = &extended),
	{},
};

const struct netlink_schema netlink_link_can = {
	.name = "link.linkinfo.can",
	.fields = can_fields,
};

static const struct netlink_field statistics_fields[] = {
	MEMBER("bus-error", struct can_device_stats, bus_error, U32),
	MEMBER("error-warning", struct can_device_stats, error_warning, U32),
	MEMBER("error-passive", struct can_device_stats, error_passive, U32),
	MEMBER("bus-off", struct can_device_stats, bus_off, U32),
	MEMBER("arbitration-lost", struct can_device_stats, arbitration_lost, U32),
	MEMBER("restarts", struct can_device_stats, restarts, U32),
	{},
};

const struct netlink_schema netlink_link_can_statistics = {
	.name = "link.linkinfo.can-statistics",
	.fields = statistics_fields,
	.fixed = sizeof(struct can_device_stats),
	.structure = true,
};
