/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What new namespaces and new processes are to be like: collected first, sent with a call. */
#pragma once

#include "bus.h"

struct mount {
	char *source, *target, *fstype;
	char **words;
};

struct limit {
	char *name;
	uint64_t soft, hard;
};

struct variable {
	char *name, *value;
};

struct descriptor {
	uint32_t number;
	int fd;
};

/* A key and its value; which of the members counts is in the signature. */
struct attribute {
	const char *key;
	const char *signature;
	char **words; /* s: the first; as: all, up to NULL */
	uint32_t *numbers;
	size_t count; /* au: of numbers; a(uuu): of threes of them */
	uint64_t number;
};

struct usher_attributes {
	int error; /* the first, which sticks */
	struct attribute *attributes;
	struct mount *mounts;
	struct limit *limits;
	struct variable *variables;
	struct descriptor *descriptors;
	size_t attribute_count, mount_count, limit_count, variable_count, descriptor_count;
};

/* Of a process: its environment as a{ss}, its descriptors as a{uh}. */
int attributes_append_environment(const struct usher_attributes *attributes, struct bus_message *m);
int attributes_append_fds(struct usher *usher, const struct usher_attributes *attributes,
			  struct bus_message *m);

/* All others, as entries of an a{sv} that is open; paths are made absolute, unless they are meant
 * elsewhere. What goes wrong is kept in the handle. */
int attributes_append_keys(struct usher *usher, const struct usher_attributes *attributes,
			   bool elsewhere, struct bus_message *m);

/* The failure that stuck, if any; -ENOMEM without attributes. */
int attributes_error(struct usher *usher, const struct usher_attributes *attributes);
