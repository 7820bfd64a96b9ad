/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ranges of ids that nobody has, set aside for user namespaces: as long as a call or an object has
 * one, nobody else gets it. There is no list of those that are taken but the calls and the objects,
 * which outlive the service.
 *
 * Files may be left behind that belong to an id of a range that was given back. So a range comes
 * to others as late as can be: it goes first to those that have had it before, of these the one
 * that was given back longest ago, as soon as a user has had many; else one that nobody has had.
 * That is written down, for after a restart and for after a boot.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "refusal.h"

struct desk;

enum { ID_POOL_RANGES_MAX = 65536, ID_POOL_OWN_MAX = 64 };

/* What the administrator says: where they are, and how many are in one. */
struct id_pool_bounds {
	uint32_t first, last, size;
};

extern const struct id_pool_bounds id_pool_bounds_usual;

/* "1879048192-2147352575". False if it is nothing of that, or begins among the system's users. */
bool id_pool_parse(const char *text, struct id_pool_bounds *bounds);
bool id_pool_parse_size(const char *text, struct id_pool_bounds *bounds);

struct id_range; /* who had it last, and when */

struct id_pool {
	struct id_pool_bounds bounds;
	struct id_range *ranges;
	uint32_t n, last_turn;
	int fd; /* where that is written down, or -1 */
};

/* What the pool has to know: its bounds, and where it finds the book (NULL: nowhere). What is in
 * the book about other bounds is forgotten. 0 or -ENOMEM: then there is no range to be had. */
int id_pool_open(struct id_pool *pool, const struct id_pool_bounds *bounds, const char *book);
void id_pool_done(struct id_pool *pool);

/* If a request takes one, sets a range aside for the user. 0, a refusal, or a negative errno. */
int id_pool_fill(struct desk *desk, ProtobufCMessage *request, uint32_t uid,
		 struct refusal *refusal);
/* What is made from a request, or in the place of another object, has what that has. */
void id_pool_pass_on(const ProtobufCMessage *from, ProtobufCMessage *to);
