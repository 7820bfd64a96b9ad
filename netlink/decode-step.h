/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a step puts into its column of the row that is being made; what decode.c and those beside it
 * have of each other. All that return an int are 0, 1 if the field is not there, or a negative
 * errno.
 */
#pragma once

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"
#include "level.h"

/* ---- the column of the step ---- */

static inline uint8_t *decode_column(const struct decoding *decoding) {
	return decoding->row + decoding->step->column;
}

static inline void decode_mark(struct decoding *decoding, const struct step *step) {
	decoding->row[step->byte] |= step->mask;
}

static inline bool decode_is_there(const struct decoding *decoding, const struct step *step) {
	return decoding->row[step->byte] & step->mask;
}

/* What is put into a column is put member by member: a copy of what has just been written in
 * smaller parts waits until they have arrived. */
static inline int decode_put_heap(struct decoding *decoding, const void *bytes, size_t size) {
	uint8_t *column = decode_column(decoding);
	struct block_heap heap = block_heap(decoding->block, size, 1);
	uint32_t length = (uint32_t)size;

	if (!heap.bytes)
		return -EMSGSIZE;
	memcpy(heap.bytes, bytes, size);
	memcpy(column + offsetof(struct usher_netlink_bytes, offset), &heap.offset,
	       sizeof heap.offset);
	memcpy(column + offsetof(struct usher_netlink_bytes, length), &length, sizeof length);
	decode_mark(decoding, decoding->step);
	return 0;
}

static inline int decode_put_bytes(struct decoding *decoding, enum usher_netlink_form form,
				   const void *bytes, size_t size) {
	if (form == USHER_NETLINK_STRING)
		size = strnlen(bytes, size);
	if (form == USHER_NETLINK_HARDWARE && size == 0)
		return 1;
	return decode_put_heap(decoding, bytes, size);
}

static inline int decode_put_address(struct decoding *decoding, int family, const void *bytes,
				     unsigned length) {
	struct usher_netlink_address *address = (void *)decode_column(decoding);
	unsigned most = family == AF_INET ? 32 : 128;

	if (family != AF_INET && family != AF_INET6)
		return 1;
	*address = (struct usher_netlink_address){
		.family = (uint8_t)family,
		.length = (uint8_t)(length < most ? length : most),
	};
	if (family == AF_INET)
		memcpy(address->bytes, bytes, 4);
	else
		memcpy(address->bytes, bytes, 16);
	decode_mark(decoding, decoding->step);
	return 0;
}

void decode_put_number(struct decoding *decoding, enum usher_netlink_form form, uint64_t number);
/* A number of so many bytes, as it stands in a message. */
uint64_t decode_load(const struct netlink_field *field, const uint8_t *value, size_t width);

/* ---- rows ---- */

/* What the step does with the value, or would with another operation. */
int decode_run(struct decoding *decoding, const struct step *step, enum step_operation operation,
	       const uint8_t *value, size_t size);
/* The whole of a level into a row that is 0. Whether it passes the filter is in
 * decoding->rejected. */
int decode_fill_row(struct decoding *decoding, const struct decoding_frame *frame, uint8_t *row);

/* What lies in a field, by the operations of the same names. */
int decode_put_object(struct decoding *decoding, const struct step *step, const uint8_t *value,
		      size_t size);
int decode_put_elements(struct decoding *decoding, const struct step *step, const uint8_t *value,
			size_t size);
int decode_put_repeated(struct decoding *decoding, const struct step *step, const uint8_t *value,
			size_t size);
int decode_put_variant(struct decoding *decoding, const struct step *step);
