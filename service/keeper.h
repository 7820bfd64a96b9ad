/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A job that stays when it is done, as the parent of the process that it made: it waits, tells the
 * broker what became of it, and goes.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct keeper {
	int socket; /* to the broker */
	int proc;   /* the service's */
	pid_t pid;  /* a child of ours, which has not been waited for */
	bool stays; /* the process does, if the broker goes */
	/* What it says meanwhile, to be passed on; -1: nothing. False when nothing more can come.
	 */
	int report;
	bool (*pass_on)(const struct keeper *keeper);
	const void *data; /* for that */
	int kept;         /* stays open, for that; or -1 */
};

/* Kills what there is of children and their children, as far as they become ours, and waits for
 * their end. */
void keeper_end_children(int proc);
/* What staying takes, for a row. */
#define KEEPER_SYSCALLS     SYS_ppoll, SYS_waitid, SYS_kill, SYS_rt_sigaction, SYS_rt_sigprocmask
#define KEEPER_CAPABILITIES CAP(CAP_KILL)
/* Until the process has ended, or nobody wants to know. Nothing else is open then. */
void keeper_stay(const struct keeper *keeper);
