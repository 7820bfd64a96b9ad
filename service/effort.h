/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it takes to read what users send. A message of 16 MiB takes a tenth of a second, in which
 * nobody else is heard, and how large one is nobody knows who has not read it. So what a user's
 * messages took is remembered, and of one who makes the service read all the time nothing is read
 * for a while.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { EFFORT_USERS_MAX = 32 };

struct effort {
	struct debt {
		uid_t uid;
		uint64_t nsec; /* as of then, of the processor's time */
		uint64_t usec; /* then */
	} debts[EFFORT_USERS_MAX];

	size_t n;
};

/* Whose messages are read before it is known who sent them. */
#define EFFORT_UNKNOWN ((uid_t)-1)

/* The processor's time that the service has used, in nanoseconds. */
uint64_t effort_now(void);
/* Nothing more is read of that user, at this time. */
bool effort_is_spent(const struct effort *effort, uid_t uid, uint64_t now_usec);
void effort_add(struct effort *effort, uid_t uid, uint64_t nsec, uint64_t now_usec);
/* What honest calls take, some twenty microseconds, is not added, however many there are: those
 * have their turns. */
void effort_note(struct effort *effort, uid_t uid, uint64_t nsec, uint64_t now_usec);
