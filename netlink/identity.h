/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which object a message of the kernel's is about: of each type that is monitored, the fields that
 * no other object has the same of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block.h"
#include "decode.h"
#include "schema.h"

struct nlmsghdr;

struct identity {
	struct identity *next;
	const struct netlink_type *type;
	unsigned users;
	uint64_t changed;            /* the number of the last change of one of the type */
	struct selection *selection; /* NULL: nothing tells its objects apart */
	struct block *block;
	struct block_buffer buffer;
	struct decoding decoding;
};

/* The one of a type, which is made for its first user. 0 or a negative errno. */
int identity_get(struct identity **identities, const struct netlink_type *type,
		 struct identity **ret);
/* Goes with its last user. */
void identity_put(struct identity **identities, struct identity *identity);

/* Whether the message is about one of the type at all, and then that it is there or not. */
bool identity_concerns(const struct identity *identity, const struct nlmsghdr *message,
		       bool *ret_there);
/* The key, which lives until the next call; of no size where there is none. 0, or a negative errno:
 * the message is not whole. */
int identity_key(struct identity *identity, const struct nlmsghdr *message, const uint8_t **ret,
		 size_t *ret_size);
