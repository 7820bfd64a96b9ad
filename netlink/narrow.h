/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A filter of the kernel's on a socket that hears of changes, where those who listen want so little
 * of a type that it is worth more than it costs: what nobody wants then fills nobody's buffer.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema.h"
#include "selection.h"

enum { NARROW_TESTS_MAX = 4, NARROW_VALUES_MAX = 8, NARROW_PROGRAM_MAX = 2048 };

/* A number of the message's fixed part must be one of these. */
struct narrow_test {
	uint16_t offset; /* from behind the struct nlmsghdr */
	uint8_t width;   /* 1, 2, 4 */
	uint8_t n;
	uint32_t values[NARROW_VALUES_MAX];
};

/* What one of them wants of a type: messages that pass all tests. */
struct narrow_wish {
	const struct netlink_type *type;
	size_t n;
	struct narrow_test tests[NARROW_TESTS_MAX];
};

/* Only of what does not change in the life of an object: of what changes, also the change to
 * something that is not wanted is. */
void narrow_find(const struct selection *selection, const struct netlink_type *type,
		 struct narrow_wish *ret);
/* The length of the program; 0 if there is no use for one. */
size_t narrow_compile(const struct narrow_wish *wishes, size_t n,
		      struct sock_filter program[NARROW_PROGRAM_MAX]);
/* Has a socket filter by it from now on. 0 or a negative errno. */
int narrow_apply(int socket, const struct narrow_wish *wishes, size_t n);
