/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What usher knows of the kernel's tables: which rows there are, which fields they have, and where
 * in the kernel's messages these are. One literal a type, read in both directions: a message of the
 * kernel becomes a row (decode.h), and a row a message to the kernel (encode.h). The names are the
 * kernel's own, of its specifications of netlink: lower case, words joined by "-".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interfaces/netlink-records.h"

struct netlink_schema;
struct decoding;
struct encoding;
struct selection;

struct netlink_word {
	uint64_t value;
	const char *name;
};

/* Names of values or, with `bits`, of bits. */
struct netlink_words {
	const struct netlink_word *words;
	size_t n;
	bool bits;
};

#define NETLINK_WORDS(...)                                                  \
	{                                                                   \
		.words = (const struct netlink_word[]){ __VA_ARGS__ },      \
		.n = sizeof((const struct netlink_word[]){ __VA_ARGS__ }) / \
		     sizeof(struct netlink_word),                           \
	}

#define NETLINK_BITS(...)                                                   \
	{                                                                   \
		.words = (const struct netlink_word[]){ __VA_ARGS__ },      \
		.n = sizeof((const struct netlink_word[]){ __VA_ARGS__ }) / \
		     sizeof(struct netlink_word),                           \
		.bits = true,                                               \
	}

/* Where a field is. */
enum netlink_from {
	NETLINK_FROM_ATTRIBUTE, /* `at` is its number */
	NETLINK_FROM_HEADER, /* `at` is the offset in the message's fixed part; of a nested schema
			      * with a `fixed` part, in that */
	NETLINK_FROM_LIST,   /* of a schema that is a list: each attribute, or the whole of a plain
			      * array, is an element */
	NETLINK_FROM_STRUCTURE, /* `at` is the number of an attribute that is a structure of `whole`
				 * bytes; it is `within` bytes into that */
	NETLINK_COMPUTED, /* nowhere: decode() makes it of others, or of what was asked before;
			   * it is given the whole level, when that has been walked */
};

/* Which of several schemas the value of an attribute has, by a word of the same level. */
struct netlink_variant {
	const char *kind; /* "vlan"; "" the last of all: any other. Without that an unknown one has
			   * the one field `raw`. */
	const struct netlink_schema *schema;
};

/* Who applies a filter on this field: the kernel, too, or only we. */
enum netlink_filtered {
	NETLINK_FILTERED_HERE,
	NETLINK_FILTERED_BY_KERNEL, /* a dump with strict checking takes it as it is in a row */
	NETLINK_FILTERED_SPECIALLY, /* the type's request() sees to it */
};

struct netlink_field {
	const char *name; /* NULL ends a schema's fields */
	enum usher_netlink_form form;
	enum netlink_from from;
	uint16_t at;
	uint16_t within, whole; /* of NETLINK_FROM_STRUCTURE */
	uint8_t width;          /* in the message, where that is not the form's: 1, 2, 4, 8; a BOOL
				 * without a width is true by being there */
	bool network_order;
	bool flag;      /* an attribute without a value: it is there, or not (BOOL) */
	bool repeated;  /* the attribute stands there once for each element of the list */
	bool always;    /* decode() is called without a value, too, where there is none */
	bool read_only; /* Change refuses it */
	enum netlink_filtered filtered;
	const char *unit; /* "bytes", "milliseconds", "interface", ...; NULL: none */
	const struct netlink_words *words;
	const struct netlink_schema *nested;    /* of objects and lists */
	const struct netlink_variant *variants; /* or, by the field named `variant_by`; NULL ends */
	const char *variant_by;
	uint32_t ask;   /* bits that the request must have for the kernel to tell it (a type's own);
			 * of the fields of the type itself, not of those in them */
	uint16_t parts; /* bits: the forms of message that have it so (netlink_type.parts); 0: all.
			 * Fields of the same name, of other parts or at other attributes, are one
			 * column, and the first of them says all of it but where it is. */
	bool privileged; /* only who has CAP_NET_ADMIN there is told */
	/* Where the value takes more than moving it: what stands at `at` (decode.h has what it is
	 * put with). 0, a negative errno, or 1: the field is not there. */
	int (*decode)(struct decoding *decoding, const struct netlink_field *field,
		      const uint8_t *value, size_t size);
	int (*encode)(struct encoding *encoding, const struct netlink_field *field,
		      const void *value);
};

struct netlink_schema {
	const char *name; /* "route", "link.linkinfo" */
	const struct netlink_field *fields;
	uint16_t fixed; /* of a nested one: bytes before the attributes; all of it: a structure */
	bool structure; /* there are no attributes at all; what is shorter than a field lacks it */
	/* What a nested one begins with, before the row's fields are put in; NULL: with nothing. */
	void (*begin)(struct encoding *encoding);
	uint16_t element; /* of objects in a list that is an attribute each: its number; 0: they
			   * are numbered */
};

/*
 * One of the dumps that a query takes: one is all for most types; sockets are asked for by family
 * and protocol, classes by link.
 */
struct netlink_pass {
	bool one;         /* one object is asked for by its key, not a dump */
	unsigned number;  /* 0, 1, ... until request() returns 1; it may go on to a later one */
	uint32_t uid;     /* of who asks */
	uint32_t ifindex; /* of types that are asked for `by_link`: of this one; the numbers begin
			   * anew with each */
	/* Told by request(): which of the type's parts is answered; and that a kernel that says
	 * ENOENT just has none of these. */
	uint8_t part;
	bool optional;
};

/* A type that can be asked for. */
struct netlink_type {
	const char *name; /* of the contract: "link", "route", ... */
	const char *summary;
	struct netlink_schema schema;
	uint16_t protocol;      /* NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_GENERIC, ... */
	const char *family;     /* of generic netlink: "ethtool"; NULL otherwise */
	uint16_t get, new, del; /* message types; of generic netlink commands */
	uint16_t header;        /* the size of the fixed part */
	const uint16_t *parts;  /* where messages have several forms: the size of that in each; NULL
				 * otherwise */
	bool by_link;           /* the kernel tells them of one link only */
	uint16_t each; /* where a message is several rows: the number of the attribute that is one,
			* with the attributes in it and the message's fixed part; 0: it is one */
	const uint32_t *groups; /* multicast groups that tell of changes, ends with 0; NULL: none */
	const char *const *keys; /* fields by which two rows are the same object, ends with NULL */
	bool flags_interruption; /* its dumps carry NLM_F_DUMP_INTR when something has changed */
	/* The kernel goes from row to row without a look at anything else, and a row is such a
	 * message as a lookup's. */
	bool own_table;
	bool calls_roll; /* nothing tells of changes, but each row has a `cookie` that is its own */
	bool privileged; /* the kernel tells only who has CAP_NET_ADMIN there */
	bool changes;    /* Change can make and remove them */
	/* By which fields the kernel finds one object without a dump: sets of names with a blank
	 * between them, the best set first; ends with NULL. NULL: by none. */
	const char *const *lookups;
	bool lookup_only; /* there is no dump: a filter must have one of the sets */
	/* Fields that are the question, and not what an answer is judged by; ends with NULL. */
	const char *const *asked;
	/* What goes into the request besides the filters that the kernel applies; NULL: nothing,
	 * and one pass. 0, a negative errno, or 1: there is no such pass. */
	int (*request)(struct encoding *encoding, const struct netlink_type *type,
		       const struct selection *selection, struct netlink_pass *pass);
	/* Whether a message is a row of this type at all (a bridge's entries among neighbours). */
	bool (*is_one)(const uint8_t *header, size_t size);
};

extern const struct netlink_type *const netlink_types[];
extern const size_t netlink_types_n;

/* NULL if there is none of that name. */
const struct netlink_type *netlink_type_find(const char *name);
/* What somebody who wrote this may have meant; NULL if nothing is like it. */
const char *netlink_type_suggest(const char *name);
const char *netlink_field_suggest(const struct netlink_schema *schema, const char *path);
/* The name of a value, NULL if it has none; and the value of a name: whether there is such. */
const char *netlink_word_name(const struct netlink_words *words, uint64_t value);
bool netlink_word_value(const struct netlink_words *words, const char *name, uint64_t *ret);
/* "linkinfo.kind": the field of a nested schema; NULL if there is none. */
const struct netlink_field *netlink_field_find(const struct netlink_schema *schema,
					       const char *path);
