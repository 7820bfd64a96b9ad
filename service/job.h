/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One operation in a child of the worker, from the order to the outcome. */
#pragma once

#include "fd.h"
#include "operation.h"
#include "place.h"
#include "refusal.h"

struct birth;

struct job {
	const struct operation *operation;
	ProtobufCMessage *request;
	struct fds fds;           /* of the request */
	struct place place, peer; /* the second of a row that connects two */
	struct refusal refusal;

	enum tier needed; /* what resolve() found */
	const char *why;  /* that is the administrator's, or NULL */
	int granted;      /* with the order: a tier that need not be waited for, or -1 */
	bool untold;      /* the finding goes with the outcome */
	Usher__Finding finding;

	ProtobufCMessage *reply; /* of the row's type, made empty */
	struct fds reply_fds;

	int caller, in; /* pidfds, borrowed; -1: there is none */
	int network;    /* a namespace of the network that was given instead of a process; or -1 */
	int socket;     /* to the broker */
	bool announced; /* the broker has the reply */
	int attached;   /* the mount that was attached, or -1 */
	bool gone;      /* it is not, or not any more */

	uint64_t deadline_usec; /* of looking, and again of doing */
	uint32_t loop_devices;  /* so many of the caller's there may be; 0: any number */
	char **watchers;        /* of which the broker has the roots */
	size_t n_watchers;

	int prober;  /* a socket to the program that knows file systems, or -1 */
	int own_ids; /* a user namespace in which the caller's ids, and no others, are there; or -1
		      */
	int idmap;   /* the user namespace of the request's map, or -1 */
	struct birth *birth; /* of a process that is to be */
	char *ranges;        /* what the program that knows id ranges said, or NULL */

	void *state; /* what resolve() keeps for run(); freed with free() */
};

/* The system calls that joining a place takes. */
#define JOB_JOIN SYS_setns, SYS_fchdir, SYS_chroot

/* At least this tier is needed. */
void job_require(struct job *job, enum tier tier);
/* The administrator's, for a reason that whoever is refused is told. Of several the first counts.
 */
void job_require_admin(struct job *job, const char *why);
/* Something for the person who is asked to know; value may be NULL (then it is left out). */
int job_detail(struct job *job, const char *key, const char *value);
/* A descriptor of the request by its field; -1 if the caller gave none. */
int job_descriptor(const struct job *job, bool given, uint32_t place);
/* Tells the broker of what will stay when it is done, and waits until that has written it down:
 * from then on it is known to somebody, whoever dies. What the reply says is final. */
int job_announce(struct job *job);
/* From here on nothing can hang and nothing may be left half done: no deadline any more. */
void job_commit(void);

/* Runs a function in a child that shares our memory and descriptors, and waits for it: what it does
 * to its own namespaces and rights goes with it. What the function returns, or a negative errno. */
int job_in_child(struct job *job, int (*function)(struct job *job, void *data), void *data);

/* The system calls of job_in_child(). */
#define JOB_IN_CHILD SYS_clone, SYS_wait4, SYS_timer_create

/* Opens what is the service's own, once, for all children of the process that does it: three
 * descriptors, by the lowest numbers that are free. vessel: an open one, which is taken, or -1. */
int job_open_own(int vessel);
/* What a child does before there is an order: it gives up what no order needs. Of its descriptors
 * these are kept. */
int job_prepare(int first, int last);
/* Lets go of all that a job holds. */
void job_done(struct job *job);
/* Serves one order on a connection from the broker, and exits. libexec is where the small programs
 * live that children may need. */
_Noreturn void job_serve(int socket, const char *libexec);
