/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One message of the kernel's becomes a row of a block. The message is walked once; what was not
 * asked for is stepped over. Nothing in it is believed: an attribute that is shorter than its head,
 * or reaches beyond what it is in, makes the message malformed; a number that is too short is not
 * there; of one that is there twice the last counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attribute.h"
#include "block.h"
#include "schema.h"
#include "selection.h"

struct names;
struct step;

/* A level that is being decoded: its fixed part and its attributes. */
struct decoding_frame {
	const struct decoding_frame *outer; /* of which it is a part; NULL: the message */
	const struct level *level;
	const uint8_t *value; /* the fixed part, and behind it the attributes; where a message is
			       * several rows, only the attributes of this one */
	size_t size;
	const uint8_t *fixed;
	size_t fixed_size;
	const uint8_t *attributes;
	size_t attributes_size;
	unsigned depth;
	size_t index; /* the how many-eth it is in a list; and the attribute's number there */
	unsigned number;
};

/* What one query or monitor decodes by. Zeroed but for what is said here. */
struct decoding {
	struct selection *selection; /* these by the caller */
	struct block *block;
	struct names *names;      /* may be NULL: `dev` is not there */
	struct netlink_pass pass; /* of which dump, where there are several */
	bool unfiltered;          /* whatever the filter says, it is a row */
	void *state;              /* a type's own, between its decode() */

	const struct netlink_type *type; /* these by decode_message(), for decode() of fields */
	const uint8_t *message;          /* what is behind the struct nlmsghdr, or genlmsghdr */
	size_t size;
	struct decoding_frame outermost; /* of the message; what is not of it is 0 */
	const struct decoding_frame *frame;
	const struct step *step;
	uint8_t *row;
	size_t list_left; /* elements that may still be added */
	bool rejected;
};

/*
 * A message of a type of the selection's, from behind its struct nlmsghdr (of generic netlink
 * its struct genlmsghdr). How many rows it was, 0 if none passed the filter; -EBADMSG if it is
 * malformed, -EMSGSIZE if a row does not fit in a block, -E2BIG if there are more types than a
 * stream can have, or what the sink says.
 */
int decode_message(struct decoding *decoding, const struct netlink_type *type, unsigned action,
		   const uint8_t *message, size_t size);

/* ---- for a field's decode() ---- */

/* All of these 0, or a negative errno to be returned. What is not of the field's form by its size
 * is 1: it is not there. */
int decoding_set_number(struct decoding *decoding, const struct netlink_field *field,
			uint64_t number);
int decoding_set_signed(struct decoding *decoding, const struct netlink_field *field,
			int64_t number);
/* Of strings, bytes and hardware addresses. */
int decoding_set_bytes(struct decoding *decoding, const struct netlink_field *field,
		       const void *bytes, size_t size);
int decoding_set_string(struct decoding *decoding, const struct netlink_field *field,
			const char *string);
/* family AF_INET or AF_INET6, else 1; length in bits, as many as the address has if above. */
int decoding_set_address(struct decoding *decoding, const struct netlink_field *field, int family,
			 const void *address, unsigned length);
/* What the field would be by its table, of this value; to be used by a decode() that chose it. */
int decoding_set_plain(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size);
/* An object of this schema: its fixed part and attributes. */
int decoding_set_object(struct decoding *decoding, const struct netlink_field *field,
			const struct netlink_schema *schema, const uint8_t *value, size_t size);
/*
 * Of objects and lists: element by element. next() takes the next one off *value and *size: 1, 0 if
 * there is none, or a negative errno; it is called twice for each. NULL: each attribute is one.
 */
typedef int (*decoding_next)(const uint8_t **value, size_t *size, const uint8_t **ret_element,
			     size_t *ret_size, unsigned *ret_number);
int decoding_set_elements(struct decoding *decoding, const struct netlink_field *field,
			  decoding_next next, const uint8_t *value, size_t size);

/*
 * Or one by one: begins a list or objects of at most n elements, and adds to it. Nothing else may
 * be set in between.
 */
int decoding_begin_list(struct decoding *decoding, const struct netlink_field *field, size_t n);
int decoding_add_number(struct decoding *decoding, const struct netlink_field *field,
			uint64_t number);
int decoding_add_bytes(struct decoding *decoding, const struct netlink_field *field,
		       const void *bytes, size_t size);
int decoding_add_address(struct decoding *decoding, const struct netlink_field *field, int family,
			 const void *address, unsigned length);

/* decode() of prefixes whose length is in the fixed part, as those of routes and rules. Without a
 * value it is all addresses. */
int decode_destination_prefix(struct decoding *decoding, const struct netlink_field *field,
			      const uint8_t *value, size_t size);
int decode_source_prefix(struct decoding *decoding, const struct netlink_field *field,
			 const uint8_t *value, size_t size);
/* decode() of the name of an interface, by its index in 4 bytes at `at`: for `dev`. */
int decode_device(struct decoding *decoding, const struct netlink_field *field,
		  const uint8_t *value, size_t size);
