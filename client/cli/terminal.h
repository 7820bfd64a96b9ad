/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A terminal of the program's own, and the user's, between which all that is typed and written goes
 * back and forth. The user's is raw meanwhile, as long as we are in its foreground.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

enum { TERMINAL_POLLS = 2 };

struct terminal {
	int user;   /* the user's; -1: there is none, and nothing below does anything */
	int output; /* the same, open for writing */
	int master; /* -1 once nobody has the other end any more */
	int slave;  /* for the program; -1 when it has it */
	struct termios saved;
	bool alike; /* the program's has been made like the user's */
	bool raw;
	char typed[4096]; /* read, and not yet written to the program */
	size_t typed_count;
};

#define TERMINAL_INIT \
	{ .user = -1, .output = -1, .master = -1, .slave = -1 }

/* Whether the user sits before standard input and output. */
bool terminal_is_there(void);

/* Makes one like the user's, which is the first of standard input, output and error that is a
 * terminal; -ENOTTY: none is. */
int terminal_open(struct terminal *terminal);

/* The program has it: from here on. */
void terminal_start(struct terminal *terminal);

/* Passes on the size of the window, and what the user's foreground has become. */
void terminal_adjust(struct terminal *terminal);

/* What to poll for, and how long at most (-1: for ever); and what to do then. */
int terminal_prepare(struct terminal *terminal, struct pollfd polls[static TERMINAL_POLLS]);
void terminal_forward(struct terminal *terminal, const struct pollfd polls[static TERMINAL_POLLS]);

/* Gives the user's back as it was: for a while, or, after the rest has been written, for good. */
void terminal_restore(struct terminal *terminal);
void terminal_finish(struct terminal *terminal);
void terminal_done(struct terminal *terminal);
