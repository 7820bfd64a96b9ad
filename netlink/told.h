/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of which objects somebody has been told that they are there: a set of numbers that stand for
 * their identities. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct told {
	uint64_t *slots; /* 0: empty */
	size_t n, n_slots;
};

bool told_has(const struct told *told, uint64_t number);
/* 1 if it was not there, 0 if it was, or -ENOMEM. */
int told_add(struct told *told, uint64_t number);
/* Whether it was there. */
bool told_remove(struct told *told, uint64_t number);
void told_clear(struct told *told);
