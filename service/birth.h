/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a job has a process of the caller's: it forks one before it gives up its own rights, and that
 * one becomes the caller's step by step, each at the job's word. It is called born. It holds
 * nothing of the service's from the moment when the caller could look into it, and what it says is
 * believed as far as nobody could gain by a lie: the job knows it by pidfds that the kernel made.
 *
 *	job			born
 *	birth_begin()		waits for the word, unless all is made in a user namespace of its
 *				own
 *	... is asked about,	joins the place; becomes the caller; forks, if new ids of processes
 *				are to be below the place's; new namespaces, of which the
 *	granted ...		first process of a new pid namespace makes the network
 *	birth_run()		waits for its maps, and has done nothing yet that anybody could see
 *				forks, if what is new shows in children only, or it is to lead
 *				nothing; its child has its memory until execve(2), and it ends
 *	job_announce()		mounts, root, directory, descriptors, credentials
 *	the last word		waits for that, where it has not been said yet
 *	...			execve(2)
 */
#pragma once

#include <linux/capability.h>

#include "allowance.h"
#include "entrance.h"
#include "filesystem.h"
#include "heritage.h"
#include "identity.h"
#include "interior.h"
#include "job.h"
#include "surroundings.h"
#include "tree.h"

enum birth_step {
	BIRTH_INSIDE, /* it goes on in a process of the place's, whose pidfd this is */
	BIRTH_SPLIT,  /* new namespaces are there: maps are wanted */
	BIRTH_MADE,   /* the same, and that one will stay */
	BIRTH_READY,  /* nothing is left but execve(2) */
	BIRTH_FAILED, /* and has ended */
};

enum { BIRTH_TEXT_MAX = REFUSAL_TEXT_MAX };

/* From born to the job; in the other direction it is a byte, the first one with descriptors. */
struct birth_word {
	uint32_t step;
	int32_t code;
	char text[BIRTH_TEXT_MAX];
};

struct birth {
	const Usher__SpawnRequest *spawn; /* NULL: it is to lead new namespaces, and no more */
	const char *own;                  /* a program of the service's, instead of spawn's argv */
	struct surroundings surroundings;
	struct entrance entrance;
	struct identity identity; /* where own_users, or below */
	struct interior interior;
	struct heritage heritage;
	struct allowance allowance;
	bool own_users; /* a user namespace is made for it */
	bool ahead;     /* it need not wait: what it does first is the caller's to do, and unseen */
	bool made;      /* it is the process that will stay */
	bool ready;     /* and nothing is left but execve(2) */
	bool power; /* the caller has every right in the place's own, which is not the service's */
	bool below; /* and it lies below the caller's */
	gid_t groups[PLACE_GROUPS_MAX]; /* the program's, unless it is to have others */
	size_t n_groups;
	int null, program; /* for born: /dev/null, and that program */
	int socket;        /* one end for each */
	pid_t pid;         /* of the process that will stay; first of born */
	int pidfd;
};

/* Forks it; before confinement. 0, a refusal or a negative errno. */
int birth_begin(struct job *job, const char *libexec);
/* The same for a program of our own from libexec, which is not to be found anywhere inside: as if
 * `spawn` had been asked for, which stays with the caller. */
int birth_begin_own(struct job *job, const char *libexec, const Usher__SpawnRequest *spawn,
		    const char *program);
/* In resolve(): who must allow it, and what to tell. */
int birth_resolve(struct job *job);
/* In run(): up to where it is known which process will stay; describe() puts that into the reply,
 * of which the broker is told, with a pidfd behind it; then all the rest, and the last step. */
int birth_run(struct job *job, int (*describe)(struct job *job));
/* Whether what is new shows in children only, or it is to lead nothing, so that it goes on in one.
 */
bool birth_branches(const struct birth *birth);
/* Nothing of it is left, if anything was there. */
void birth_end(struct job *job);
void birth_done(struct birth *birth);

/* What a row takes for all this. */
#define BIRTH_CAPABILITIES (IDENTITY_CAPABILITIES | INTERIOR_CAPABILITIES | CAP(CAP_SYS_PTRACE))
#define BIRTH_SYSCALLS     IDENTITY_SYSCALLS, FILESYSTEM_CREATE, TREE_SEAL, SYS_waitid, SYS_kill
/* What is done besides with the rights that the job has before it gives them up: who it is, the
 * loopback device, and a control group that belongs to a user. */
#define BIRTH_BEFORE \
	(CAP(CAP_NET_ADMIN) | CAP(CAP_SETUID) | CAP(CAP_SETGID) | CAP(CAP_DAC_OVERRIDE))
