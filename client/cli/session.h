/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that runs elsewhere, as if it ran here: until it ends. */
#pragma once

#include "arguments.h"
#include "terminal.h"

struct session {
	const struct arguments *arguments;
	struct usher *usher;
	const char *object; /* of the process */
	int pidfd;
	struct terminal *terminal;
};

/* Passes on signals and what is typed and written until the program has ended. 0, with a status as
 * of waitpid(2), or an exit status after saying what went wrong. */
int session_attend(const struct session *session, int *ret_status);
