/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What somebody wants to know: rows of these types, these fields of them, of such rows as pass the
 * filter. Its words are checked and compiled once; see level.h for what comes of it. A field in
 * another is named by both: "linkinfo.kind".
 *
 * A filter's value is what the field must be, or a list of which it must be one. An address is also
 * in a prefix; of bits all that are named must be set; names of values and their numbers are the
 * same.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema.h"
#include "service/refusal.h"
#include "usher.pb-c.h"

struct level;
struct selection;

/* One value of a filter, as it stands in a row. */
struct selection_value {
	uint64_t number; /* of numbers, words and bits; signed ones extended to the sign */
	struct usher_netlink_address address; /* of addresses, with the length of the prefix */
	const uint8_t *bytes; /* of strings, bytes and hardware addresses; 0 behind them */
	size_t size;
};

/* No fields: all. NULL filter: everything. 0, -ENOMEM or a refusal that names the argument. A field
 * or key need be known to one of the types only. */
int selection_new(char *const *types, size_t n_types, char *const *fields, size_t n_fields,
		  const Usher__Row *filter, struct refusal *refusal, struct selection **ret);
void selection_free(struct selection *selection);

static inline void cleanup_selection(struct selection **selection) {
	selection_free(*selection);
}

size_t selection_n_types(const struct selection *selection);
const struct netlink_type *selection_type(const struct selection *selection, size_t i);
/* Whether a field or key was named that only who has CAP_NET_ADMIN is told. */
bool selection_is_privileged(const struct selection *selection);

/* How a row of the type is made; NULL of a type that is not asked for. */
const struct level *selection_level(const struct selection *selection,
				    const struct netlink_type *type);
/* The bits of `ask` of all the type's fields that are wanted or filtered by. */
uint32_t selection_ask(const struct selection *selection, const struct netlink_type *type);
/* Whether this field of the type's own is wanted or filtered by. */
bool selection_wants(const struct selection *selection, const struct netlink_type *type,
		     const char *field);

/* The values that the filter allows for this field, of which there may be one inside another:
 * "linkinfo.kind"; NULL if it says nothing of it. */
const struct selection_value *selection_filter(const struct selection *selection,
					       const struct netlink_type *type, const char *field,
					       size_t *ret_n);
/* The same where it allows exactly one, NULL otherwise. */
const struct selection_value *selection_value(const struct selection *selection,
					      const struct netlink_type *type, const char *field);
/* By which fields one object can be got without a dump: one of type->lookups, or NULL. */
const char *selection_lookup(const struct selection *selection, const struct netlink_type *type);

/* The kernel applies the filter on this field; what it lets through is judged here all the same. */
void selection_set_by_kernel(const struct selection *selection, const struct netlink_type *type,
			     const char *field);
bool selection_by_kernel(const struct selection *selection, const struct netlink_type *type,
			 const char *field);
/* The keys of the filter, each once; NULL beyond them. */
const char *selection_key(const struct selection *selection, size_t i);
/* The same as it was written: of a link's number, where its name was given, not the name's. */
const char *selection_given(const struct selection *selection, size_t i);
