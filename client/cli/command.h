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
	bool alone;           /* asks the service nothing */
	bool asks;            /* a person, with an operand */
	bool asks_later;      /* a person, if it must: its function is called again then */
	bool program;         /* runs one: what stands after the first operand is the program's */
	bool placed;          /* the first operand says where, as --in does */
	bool networks;        /* --in may be the name of a network namespace, too */
	int minimum, maximum; /* how many operands */
	int (*check)(const struct arguments *);               /* 0, or EXIT_USAGE; may be NULL */
	int (*run)(const struct arguments *, struct usher *); /* the exit status */
};

extern const struct command command_bind;
extern const struct command command_domainname;
extern const struct command command_enter;
extern const struct command command_hostname;
extern const struct command command_kill;
extern const struct command command_limits;
extern const struct command command_log;
extern const struct command command_mount;
extern const struct command command_mounts;
extern const struct command command_move;
extern const struct command command_namespace_attach;
extern const struct command command_namespace_create;
extern const struct command command_namespace_destroy;
extern const struct command command_namespace_enter;
extern const struct command command_namespace_list;
extern const struct command command_namespace_show;
extern const struct command command_net;
extern const struct command command_net_add;
extern const struct command command_net_change;
extern const struct command command_net_del;
extern const struct command command_net_describe;
extern const struct command command_net_get;
extern const struct command command_net_monitor;
extern const struct command command_net_replace;
extern const struct command command_overlay;
extern const struct command command_pivot_root;
extern const struct command command_ps;
extern const struct command command_remount;
extern const struct command command_run;
extern const struct command command_status;
extern const struct command command_timer;
extern const struct command command_trap;
extern const struct command command_umount;
extern const struct command command_watch;
