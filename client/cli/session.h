/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that runs elsewhere, as if it ran here: until it ends. */
#pragma once

#include <signal.h>

#include "arguments.h"
#include "terminal.h"

struct session {
	const struct arguments *arguments;
	struct usher *usher;
	const char *object; /* of the process */
	int pidfd;
	int signals;   /* -1 before session_listen() */
	sigset_t mask; /* what it was then */
	struct terminal *terminal;
};

/* From here on signals are for the program. 0 or a negative errno. */
int session_listen(struct session *session);

/* Passes on signals, listening first if need be, and what is typed and written until the program
 * has ended. 0, with a status as of waitpid(2), or an exit status after saying what went wrong. */
int session_attend(struct session *session, int *ret_status);
void session_done(struct session *session);
