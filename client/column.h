/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A number as it stands in a column of a row, which need not be aligned: see
 * usher-netlink-records.h. */
#pragma once

#include <stdint.h>
#include <string.h>

#include "interfaces/netlink-records.h"

static inline uint64_t column_unsigned(unsigned form, const uint8_t *column) {
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (form) {
	case USHER_NETLINK_BOOL: return *column != 0;
	case USHER_NETLINK_U16: memcpy(&u16, column, sizeof u16); return u16;
	case USHER_NETLINK_U32: memcpy(&u32, column, sizeof u32); return u32;
	case USHER_NETLINK_U64: memcpy(&u64, column, sizeof u64); return u64;
	default: return *column;
	}
}

static inline int64_t column_signed(unsigned form, const uint8_t *column) {
	int64_t s64;
	int32_t s32;
	int16_t s16;

	switch (form) {
	case USHER_NETLINK_S16: memcpy(&s16, column, sizeof s16); return s16;
	case USHER_NETLINK_S32: memcpy(&s32, column, sizeof s32); return s32;
	case USHER_NETLINK_S64: memcpy(&s64, column, sizeof s64); return s64;
	default: return (int8_t)*column;
	}
}
