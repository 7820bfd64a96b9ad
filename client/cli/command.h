/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command of usher: one file each, that ends in one of these. */
#pragma once

#include "answer.h"
#include "arguments.h"
#include "usher.h"

struct command {
	const char *name;
	const char *synopsis; /* the operands */
	const char *help;     /* one line */
	const struct parameter *parameters;
	bool alone;                                           /* asks the service nothing */
	bool asks;                                            /* a person, with an operand */
	int minimum, maximum;                                 /* how many operands */
	int (*check)(const struct arguments *);               /* 0, or EXIT_USAGE; may be NULL */
	int (*run)(const struct arguments *, struct usher *); /* the exit status */
};

extern const struct command command_bind;
extern const struct command command_domainname;
extern const struct command command_hostname;
extern const struct command command_limits;
extern const struct command command_log;
extern const struct command command_mount;
extern const struct command command_mounts;
extern const struct command command_move;
extern const struct command command_overlay;
extern const struct command command_pivot_root;
extern const struct command command_remount;
extern const struct command command_status;
extern const struct command command_umount;
