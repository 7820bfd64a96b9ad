/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of a watcher's time goes to what one user alone can make long: of each second so much,
 * so that nobody holds up the others.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

enum { TOIL_USERS = 256 };

/* Who has the same remainder shares one. */
struct toil {
	struct {
		uint64_t since, spent;
	} of[TOIL_USERS];
};

/* How many microseconds are left of this second. */
uint64_t toil_left(struct toil *toil, uid_t uid, uint64_t now);
void toil_spend(struct toil *toil, uid_t uid, uint64_t usec);
