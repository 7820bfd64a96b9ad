/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What comes through the descriptors that Netlink.Open and Netlink.OpenMonitor hand out.
 *
 * A sealed memfd or a pipe: blocks, one behind the other, each a multiple of eight bytes long, the
 * first USHER_NETLINK_START. A type is described, by a USHER_NETLINK_TYPE, before the first row of
 * it; nothing is described that no row has. Rows of a type are all of the same width, and what is
 * not of a fixed width lies behind the rows of the same block, in its heap. So a block can be read
 * where it lies, and no block refers to another but by the numbers of types. Numbers are in the
 * byte order of the machine. Offsets are from the beginning of their block.
 *
 * The last block is USHER_NETLINK_END, which says whether the answer is whole; where there is none,
 * it is not.
 *
 * A monitor's is a SOCK_SEQPACKET socket: each packet is whole blocks, no more than
 * USHER_NETLINK_PACKET_MAX bytes of them. There may be another USHER_NETLINK_START, from which on
 * types are described anew, when another process has gone on in the place of one that was killed.
 * It has no end: when the monitor has gone, the socket has no other end any more.
 *
 * Fields may be added at the end of structures, and kinds of blocks: go on by `size`, pass over
 * kinds that are not known.
 */
#ifndef USHER_NETLINK_RECORDS_H
#define USHER_NETLINK_RECORDS_H

#include <stdint.h>

#define USHER_NETLINK_MAGIC                                                   \
	UINT64_C(0x31304b4e4c485355) /* "USHLNK01" on a little-endian machine \
				      */
#define USHER_NETLINK_BLOCK_MAX  (1U << 20)
#define USHER_NETLINK_PACKET_MAX (256U << 10)
/* Types that are described in one stream; fields of a type; how deep one lies in another. */
#define USHER_NETLINK_TYPES_MAX  256
#define USHER_NETLINK_FIELDS_MAX 256
#define USHER_NETLINK_DEPTH_MAX  8

enum usher_netlink_kind {
	USHER_NETLINK_START = 1,
	USHER_NETLINK_TYPE = 2,
	USHER_NETLINK_ROWS = 3,
	/* Of a monitor: changes have been lost. All rows follow anew, as USHER_NETLINK_NEW, and
	 * then USHER_NETLINK_SYNCED: what has not been told again by then is not there any more. */
	USHER_NETLINK_GAP = 4,
	USHER_NETLINK_SYNCED = 5,
	USHER_NETLINK_END = 6,
};

/* At the beginning of each block. */
struct usher_netlink_block {
	uint32_t size; /* of the whole block */
	uint16_t kind;
	uint16_t type; /* the number of the type that is described, or that the rows are of */
};

struct usher_netlink_start {
	struct usher_netlink_block block;
	uint64_t magic;
};

/* What a column holds, and how it is written on the bus and in JSON. */
enum usher_netlink_form {
	USHER_NETLINK_BOOL = 1, /* one byte, 0 or 1 */
	USHER_NETLINK_U8 = 2,
	USHER_NETLINK_U16 = 3,
	USHER_NETLINK_U32 = 4,
	USHER_NETLINK_U64 = 5,
	USHER_NETLINK_S8 = 6,
	USHER_NETLINK_S16 = 7,
	USHER_NETLINK_S32 = 8,
	USHER_NETLINK_S64 = 9,
	USHER_NETLINK_ADDRESS = 10,  /* struct usher_netlink_address; 192.0.2.1, 2001:db8::1 */
	USHER_NETLINK_PREFIX = 11,   /* the same, with its length; 192.0.2.0/24 */
	USHER_NETLINK_HARDWARE = 12, /* struct usher_netlink_bytes; 02:00:5e:10:00:01 */
	USHER_NETLINK_STRING = 13,   /* struct usher_netlink_bytes; any bytes, no 0 among them */
	USHER_NETLINK_BYTES = 14,   /* struct usher_netlink_bytes; ay, in JSON hexadecimal digits */
	USHER_NETLINK_OBJECT = 15,  /* struct usher_netlink_nested, with count 1; a{sv} */
	USHER_NETLINK_OBJECTS = 16, /* struct usher_netlink_nested; aa{sv} */
	/* struct usher_netlink_nested, of a type with one field, which has no name; an array of it
	 */
	USHER_NETLINK_LIST = 17,
};

enum usher_netlink_flag {
	USHER_NETLINK_WORDS =
		1 << 0, /* the words are names of values; an unnamed one is a decimal */
	USHER_NETLINK_BITS = 1 << 1, /* the words are names of bits: a list of those that are set,
				      * and the others together as one hexadecimal number */
};

struct usher_netlink_type {
	struct usher_netlink_block block;
	uint32_t name; /* "route"; of types in others the names of both, "link.linkinfo" */
	uint16_t name_length;
	uint16_t n_fields;
	uint32_t row_size; /* a multiple of eight */
	uint32_t fields;   /* where the array of struct usher_netlink_field is */
};

struct usher_netlink_field {
	uint32_t name;
	uint16_t name_length;
	uint8_t form;
	uint8_t flags;
	uint32_t column; /* where it is in the row, at a multiple of its alignment */
	uint16_t n_words;
	uint16_t reserved;
	uint32_t words; /* where the array of struct usher_netlink_word is */
	uint32_t reserved2;
};

struct usher_netlink_word {
	uint64_t value;
	uint32_t name;
	uint32_t name_length;
};

enum usher_netlink_action {
	USHER_NETLINK_ROW = 0, /* of an answer, not of a monitor */
	USHER_NETLINK_NEW = 1,
	USHER_NETLINK_CHANGE = 2,
	USHER_NETLINK_DEL = 3,
};

/*
 * Followed by the rows, then by the heap. A row begins with a bit for each field, that it is there,
 * in as many 64-bit numbers as that takes, the first field's the lowest of the first; then come the
 * columns. What is not there is 0.
 */
struct usher_netlink_rows {
	struct usher_netlink_block block;
	uint32_t n;
	uint16_t action;
	uint16_t reserved;
};

struct usher_netlink_address {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t length; /* of the prefix, in bits; of an address 32 or 128 */
	uint8_t reserved[2];
	uint8_t bytes[16]; /* in the order of the network; of an IPv4 address the first four */
};

struct usher_netlink_bytes {
	uint32_t offset;
	uint32_t length;
};

struct usher_netlink_nested {
	uint32_t offset; /* of the first row, at a multiple of eight */
	uint32_t count;
	uint16_t type;
	uint16_t reserved;
	uint32_t reserved2;
};

struct usher_netlink_gap {
	struct usher_netlink_block block;
	uint64_t lost; /* at least so many changes; 0: nobody knows */
};

struct usher_netlink_end {
	struct usher_netlink_block block;
	uint64_t rows;
	uint32_t complete;
	int32_t code; /* 0 or a negative errno, of the kernel's */
	uint32_t why; /* where a text is: what makes it incomplete */
	uint32_t why_length;
	uint32_t message; /* the kernel's extended acknowledgement */
	uint32_t message_length;
};

#endif
