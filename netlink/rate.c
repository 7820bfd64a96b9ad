/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rate.h"

#include <string.h>

#include "decode.h"
#include "encode.h"

#define NSEC_PER_SEC UINT64_C(1000000000)

enum {
	MTU_DEFAULT = 2047, /* what tc(8) takes */
	CELL_OF_ATM = 53,
	PAYLOAD_OF_ATM = 48,
};

__extension__ typedef unsigned __int128 wide;

uint32_t rate_ticks_to_bytes(uint64_t rate, uint32_t ticks) {
	const wide bytes = (wide)rate * ticks * RATE_TICK_NSEC / NSEC_PER_SEC;

	return bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

uint32_t rate_bytes_to_ticks(uint64_t rate, uint64_t bytes) {
	const wide divisor = (wide)rate * RATE_TICK_NSEC;
	const wide ticks =
		rate > 0 ? ((wide)bytes * NSEC_PER_SEC + divisor - 1) / divisor : UINT32_MAX;

	return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

uint32_t rate_ticks_to_usec(uint32_t ticks) {
	return (uint32_t)((uint64_t)ticks * RATE_TICK_NSEC / 1000);
}

uint64_t rate_wide(const struct decoding *decoding, uint32_t rate, unsigned attribute) {
	const uint8_t *value;
	uint64_t number;
	size_t size;

	if (!netlink_attribute(decoding->frame->attributes, decoding->frame->attributes_size, 0,
			       attribute, &value, &size) ||
	    size < sizeof number)
		return rate;
	memcpy(&number, value, sizeof number);
	return number;
}

int rate_decode(struct decoding *decoding, const struct netlink_field *field, const uint8_t *value,
		size_t size, unsigned attribute) {
	uint32_t rate;

	if (size < sizeof rate)
		return 1;
	memcpy(&rate, value, sizeof rate);
	return decoding_set_number(decoding, field, rate_wide(decoding, rate, attribute));
}

uint32_t rate_put(struct encoding *encoding, unsigned attribute, uint64_t rate) {
	if (rate <= UINT32_MAX)
		return (uint32_t)rate;
	encode_put_u64(encoding, (uint16_t)attribute, rate);
	return UINT32_MAX;
}

/* What a packet of that size takes on the wire. */
static uint64_t size_on_wire(const struct tc_ratespec *specification, uint64_t size) {
	if (size < specification->mpu)
		size = specification->mpu;
	if ((specification->linklayer & TC_LINKLAYER_MASK) == TC_LINKLAYER_ATM)
		size = (size + PAYLOAD_OF_ATM - 1) / PAYLOAD_OF_ATM * CELL_OF_ATM;
	return size;
}

void rate_fill_table(struct tc_ratespec *specification, uint64_t rate, uint32_t mtu,
		     uint32_t table[RATE_TABLE_N]) {
	unsigned char log = 0;

	for (mtu = mtu ?: MTU_DEFAULT; mtu >> log >= RATE_TABLE_N; log++)
		;
	specification->cell_log = log;
	specification->cell_align = -1;
	for (uint64_t i = 0; i < RATE_TABLE_N; i++)
		table[i] = rate_bytes_to_ticks(rate, size_on_wire(specification, (i + 1) << log));
}
