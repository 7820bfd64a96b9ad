/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values by name, from the inside: a tree of rows and lists. */
#pragma once

#include "bus.h"

struct values_item {
	char *name; /* NULL in a list */
	enum usher_values_type type;

	union {
		bool flag;
		uint64_t number;
		int64_t signed_number;

		struct {
			uint8_t *bytes; /* of a string, too; 0 behind them */
			size_t length;
		};
		struct usher_values *inside; /* of a list or a row */
	};
};

struct usher_values {
	struct values_item *items;
	size_t n;
	bool is_list;
	int error; /* the first that setting had */
};

static inline void values_done(struct usher_values **values) {
	usher_values_free(*values);
}

#define _cleanup_values_ _cleanup_(values_done)

/* One more, of which only the name is set; of a list it is NULL. NULL: no memory. */
struct values_item *values_add(struct usher_values *values, const char *name);

/* Takes bytes over, or frees them. 0 or -ENOMEM. */
int values_set_bytes(struct values_item *item, enum usher_values_type type, const void *bytes,
		     size_t length);

/* Appends them to a message: as an a{sv}; or to one that is open, with rows in rows by the names of
 * both ("linkinfo.kind"). 0 or a negative errno; -EINVAL: a list holds values of several types. */
int values_append(const struct usher_values *values, struct bus_message *m);
int values_append_flat(const struct usher_values *values, struct bus_message *m);

/* Reads an a{sv}; or an aa{sv}, as an array of pointers that ends with NULL: returns how many. What
 * is of a type that no row has is left out. */
int values_read(struct bus_message *m, struct usher_values **ret);
int values_read_all(struct bus_message *m, struct usher_values ***ret);
