/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rates of traffic control, and what is told in time although it means bytes: the kernel's ticks of
 * 64 ns are how long so many bytes take at that rate.
 */
#pragma once

#include <linux/pkt_sched.h>
#include <stddef.h>
#include <stdint.h>

struct decoding;
struct encoding;
struct netlink_field;

enum {
	RATE_TICK_NSEC = 64,
	RATE_TABLE_N = TC_RTAB_SIZE / 4,
};

uint32_t rate_ticks_to_bytes(uint64_t rate, uint32_t ticks);
/* Not less than what these bytes take; at most UINT32_MAX. */
uint32_t rate_bytes_to_ticks(uint64_t rate, uint64_t bytes);
uint32_t rate_ticks_to_usec(uint32_t ticks);

/* The 32 bits of a rate in a structure, or the 64 that the attribute of this level has, if it is
 * there. */
uint64_t rate_wide(const struct decoding *decoding, uint32_t rate, unsigned attribute);
/* Sets the field to that. value is the 32 bits. */
int rate_decode(struct decoding *decoding, const struct netlink_field *field, const uint8_t *value,
		size_t size, unsigned attribute);
/* The 32 bits, and the attribute if they do not suffice. */
uint32_t rate_put(struct encoding *encoding, unsigned attribute, uint64_t rate);

/* How long packets take by their size, each cell of which there are RATE_TABLE_N. Sets cell_log. */
void rate_fill_table(struct tc_ratespec *specification, uint64_t rate, uint32_t mtu,
		     uint32_t table[RATE_TABLE_N]);
