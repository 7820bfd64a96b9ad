/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A message to the kernel, in the making: attribute by attribute, or of a whole row, by the same
 * tables that decode.h reads by. Into a buffer of the caller's, never beyond it; that it did not
 * suffice is said once, by encode_done().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interfaces/netlink-records.h"
#include "refusal.h"
#include "schema.h"
#include "usher.pb-c.h"

struct encoding_outer;
struct fds;
struct names;

enum {
	ENCODE_MAX = 65536,      /* a message longer than that nobody needs, and few could send */
	ENCODE_MARKS_MAX = 1024, /* fields of a message of which it is known where they are */
};

/* Where in the message a field of the row is: the kernel names what it refuses by an offset. */
struct encoding_mark {
	uint32_t offset;
	uint16_t parent;  /* the mark of what it is in; ENCODE_MARKS_MAX: nothing */
	uint16_t element; /* of a list, from 1 */
	const struct netlink_field *field;
	const struct netlink_schema *schema; /* of what is in it, or NULL */
};

struct encoding {
	uint8_t *bytes;
	size_t capacity, size;
	bool overflown;
	size_t header, attributes; /* where these are, of the level that is being written */
	const struct netlink_schema *schema, *outermost; /* of that, and of the whole row */
	const Usher__Row *row; /* of that level; a hook may look at its neighbours */

	/* Who encodes rows sets these, after encode_start(). */
	const char *argument;    /* what refusals begin with: "row" */
	struct refusal *refusal; /* where they are noted */
	const struct fds *fds;   /* of descriptors in a row; NULL: where words are checked */
	/* The row is one that the kernel told: what only it sets is passed over. */
	bool told;
	struct names *names; /* of interfaces; NULL: any name passes, as where words are checked */

	struct encoding_mark marks[ENCODE_MARKS_MAX];
	size_t n_marks;
	const struct encoding_outer *outer; /* the level that this one is in; NULL: none */
	uint16_t level;                     /* the mark of what is being written into */
};

/* A message without attributes, its fixed part all zeros. */
void encode_start(struct encoding *encoding, void *buffer, size_t capacity, uint16_t type,
		  uint16_t flags, size_t header);
/* The fixed part of the level that is being written. */
void *encode_header(const struct encoding *encoding);
/* The length is that of all attributes: 0, or -EMSGSIZE where they did not fit. */
int encode_done(struct encoding *encoding);

void encode_put(struct encoding *encoding, uint16_t attribute, const void *data, size_t size);
/* An attribute of so many zeros, to be filled; NULL where it does not fit. */
void *encode_put_room(struct encoding *encoding, uint16_t attribute, size_t size);
void encode_put_u8(struct encoding *encoding, uint16_t attribute, uint8_t value);
void encode_put_u16(struct encoding *encoding, uint16_t attribute, uint16_t value);
void encode_put_u32(struct encoding *encoding, uint16_t attribute, uint32_t value);
void encode_put_u64(struct encoding *encoding, uint16_t attribute, uint64_t value);
/* With the zero at its end. */
void encode_put_string(struct encoding *encoding, uint16_t attribute, const char *text);
/* What is put until the end is inside it. Nesting is flagged, but by plain. */
size_t encode_nest(struct encoding *encoding, uint16_t attribute);
size_t encode_nest_plain(struct encoding *encoding, uint16_t attribute);
void encode_nest_end(struct encoding *encoding, size_t nest);
/* The attribute of that number on the level, which is a structure of so many bytes, zeros where it
 * was not there yet: several fields are parts of it. NULL where it does not fit. */
void *encode_structure(struct encoding *encoding, uint16_t attribute, size_t whole);
/* So many zeros, as the kernel aligns what is in a message; NULL where they do not fit. */
void *encode_append(struct encoding *encoding, size_t size);

/* All of a row, into the level that is being written. 0, a refusal that names the field, or a
 * negative errno. */
int encode_row(struct encoding *encoding, const struct netlink_schema *schema,
	       const Usher__Row *row);
/* One value of one field, as encode_row() does it. */
int encode_field(struct encoding *encoding, const struct netlink_field *field,
		 const Usher__Value *value);

/* The same of what lies in another, where it stands without an attribute of its own; the element
 * of a list from 1, or 0. */
int encode_inner(struct encoding *encoding, const struct netlink_field *field,
		 const struct netlink_schema *schema, const Usher__Row *row, size_t element);

/* ---- hooks ---- */

/* A prefix whose length is in the fixed part, as those of routes and rules. */
int encode_destination(struct encoding *encoding, const struct netlink_field *field,
		       const void *value);
int encode_source(struct encoding *encoding, const struct netlink_field *field, const void *value);
/* The number of a descriptor that was handed over; or -1, for none. */
int encode_file(struct encoding *encoding, const struct netlink_field *field, const void *value);

/* ---- for the hooks of fields ---- */

/* What a row has under a name; NULL if nothing. */
const Usher__Value *encode_member(const Usher__Row *row, const char *name);
/* An integer of any type, a word of the field's, bits by their words, an interface's name where the
 * unit is "interface", or decimal digits: in the range of the field. Of a signed one the bits. */
int encode_number(struct encoding *encoding, const struct netlink_field *field,
		  const Usher__Value *value, uint64_t *ret);
/* A string without a zero in it, its escapes undone. The caller frees. */
int encode_text(struct encoding *encoding, const struct netlink_field *field,
		const Usher__Value *value, char **ret);
/* "192.0.2.1", of a prefix "192.0.2.0/24", "default" with the length 0, of which family is 0. */
int encode_address(struct encoding *encoding, const struct netlink_field *field,
		   const Usher__Value *value, struct usher_netlink_address *ret);
/* ay, or hexadecimal digits with colons between them or without. The caller frees. */
int encode_bytes(struct encoding *encoding, const struct netlink_field *field,
		 const Usher__Value *value, uint8_t **ret, size_t *ret_size);
/* The rows of a list of objects, or a single one. */
int encode_objects(struct encoding *encoding, const struct netlink_field *field,
		   const Usher__Value *value, size_t *ret_n);
const Usher__Row *encode_object(const Usher__Value *value, size_t i);
/* The index of the interface of that name, as far as names are taken. */
int encode_index(struct encoding *encoding, const struct netlink_field *field, const char *name,
		 uint64_t *ret);
/* How many bytes a field that is a number takes in a message. */
size_t encode_width(const struct netlink_field *field);
/* The descriptor of a value that is one. */
int encode_descriptor(struct encoding *encoding, const struct netlink_field *field,
		      const Usher__Value *value, int *ret);
/* REFUSED_INVALID, with "row.linkinfo.data.id: " before the text. */
int encode_refuse(struct encoding *encoding, const struct netlink_field *field, const char *format,
		  ...) __attribute__((format(printf, 3, 4)));
/* Remembers that a field begins here; encode_row() does it for each. ENCODE_MARKS_MAX: there are
 * too many, and the kernel's words will not name this one. */
uint16_t encode_mark(struct encoding *encoding, const struct netlink_field *field, size_t element);
/* The path of the field that is at an offset of the message, "row.gateway"; false where none is. */
bool encode_path_at(const struct encoding *encoding, uint32_t offset, char *path, size_t size);
/* The path of the attribute of that number in what begins at an offset; 0: in the message. */
bool encode_path_within(const struct encoding *encoding, uint32_t offset, uint16_t attribute,
			char *path, size_t size);
