/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A child of the worker's that serves one order of a test's, which is its broker. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fd.h"
#include "refusal.h"
#include "usher.pb-c.h"

struct child {
	int socket;
	pid_t pid;
	int status; /* once it has ended */
	Usher__Reply *said;
	struct fds fds;
};

/* The tier that orders grant, or -1; and until when. */
extern int serving_ahead;
extern uint64_t serving_until;

void child_start(struct child *child, const char *libexec);
/* The next thing that it says; false where it says nothing more. */
bool child_says(struct child *child);
void child_forget(struct child *child);
/* Leaves it alone, and waits for its end. */
void child_end(struct child *child);
/* Orders something, for a caller of whom this is a pidfd; takes the descriptors. */
void order_as(struct child *child, const char *name, const char *fields, struct fds *fds, uid_t uid,
	      uint64_t deadline, int caller);
/* The same for this process, which is the caller. */
void order(struct child *child, const char *name, const char *fields);
/* Of this process. */
int self_pidfd(void);
void grant(struct child *child, uint32_t tier);
const char *detail(const struct child *child, const char *key);
/* The last thing that it says is that it did not go well. */
void assert_outcome(struct child *child, enum refusal_code code, const char *word);
/* It ends without a word. */
void assert_silence(struct child *child);
