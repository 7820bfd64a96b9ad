/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call, from its arrival to its answer. The words are checked (examination.h), a child of the
 * worker looks what they mean (errand.h) when it is the caller's turn (turn.h), the authority is
 * asked about exactly that (verdict.h), the child does it, and an object is there (making.h). Here
 * it begins, and here the caller is answered.
 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "audit.h"
#include "authority.h"
#include "caller.h"
#include "configuration.h"
#include "effort.h"
#include "fd.h"
#include "handouts.h"
#include "id-pool.h"
#include "launch.h"
#include "listeners.h"
#include "mounts.h"
#include "netlink-reader.h"
#include "object.h"
#include "operation.h"
#include "roots.h"
#include "watchers.h"

struct call;

extern const char call_stopping[];

/* How an answer gets to whoever asked. Exactly one of them is called, once; not at all when the
 * caller has gone. */
struct door {
	void (*answer)(struct call *call, const ProtobufCMessage *reply, const struct fds *fds);
	void (*refuse)(struct call *call, int code, const char *sentence);
	/* it is over: let go of what the door keeps in `door_data` */
	void (*done)(struct call *call);
};

/* What all calls share. */
struct desk {
	sd_event *event;
	sd_bus *bus;
	struct launcher launcher;
	struct callers *callers;
	struct mounts mounts;
	struct objects objects[_KIND_MAX];
	struct attendants watchers, listeners;
	struct netlink_reader reader;
	struct handouts handouts;
	struct audit audit;
	struct configuration configuration;
	struct id_pool ids;
	struct effort effort;            /* to read what they send */
	struct effort overviews;         /* to tell them of all objects */
	bool session;                    /* no authority: the kernel judges alone */
	bool leaving;                    /* nobody is asked any more */
	struct call *first;              /* call::next */
	sd_event_source *turn;           /* of those that wait for their child */
	void (*idle)(struct desk *desk); /* told when the last call is over, or an object gone */
};

struct call {
	struct desk *desk;
	struct call *next;
	const struct door *door;
	void *door_data;
	const struct operation *operation;
	struct caller *caller; /* NULL: the service's own call */
	bool interactive;
	ProtobufCMessage *request;
	struct fds fds;
	/* the object that a call is about, if it is; by number, since it may go meanwhile */
	uint64_t object;
	/* the number of the mount object that the worker has found it to be about: of that one, and
	 * not of whichever has the same mount id by the time that it is over */
	uint64_t found;
	/* the number of the mount object that this call may make go, once granted */
	uint64_t taken;
	/* of the request; its message holds these descriptors until it is answered */
	size_t bytes, descriptors;

	int worker;
	sd_event_source *io, *timer;
	Usher__Finding *finding;
	enum tier tier;
	struct authority_question *question;
	uint64_t began_usec, stage_usec;
	/* for the journal */
	sd_id128_t id;                      /* drawn when something is noted */
	uint64_t asked_usec, answered_usec; /* the authority; 0: it was not */
	int verdict;
	int refused; /* what is answered when the child has let go of what it found; or 0 */
	char *why;
	uid_t owner;        /* of the object, where the service itself calls */
	struct roots roots; /* that its child need not find */
	/* what is answered; of an object it is known before that is there */
	ProtobufCMessage *reply;
	struct fds reply_fds;
	uint64_t made;        /* the number of that object */
	uint64_t serial;      /* by which an answer is known to be this call's */
	const char *awaiting; /* the end of its object, or NULL */
	bool done, ended;     /* by the child; and that has gone */
	bool begun;           /* the object, as its kind has it */
	bool identifying;     /* the bus is being asked who it is */
	bool waiting;         /* for its turn to have a child */
	bool direct;          /* no child has a part in it, nor need anybody be asked */
	bool granted;         /* the child may have begun to do it */
	bool held;            /* what it announced has to wait */
	bool given_up; /* nobody is to be answered; nothing new is begun, what was done is undone */
	bool inquiring;     /* awaits what the reader of netlink says, */
	uint64_t late_usec; /* and no longer than until then */
};

/* Takes the request, with its descriptors, in any case; caller NULL for the service itself. */
int call_begin(struct desk *desk, const struct operation *operation, struct caller *caller,
	       ProtobufCMessage *request, struct fds *fds, bool interactive, uint64_t object,
	       const struct door *door, void *door_data);
/* Nobody is asked about it, and nothing of it is limited. */
bool call_is_trusted(const struct call *call);
/* Of which kind the call makes an object, and of which kind is the one that it is about; NULL where
 * there is none. */
struct objects *call_makes(const struct call *call);
struct objects *call_objects(const struct call *call);
/* The one that it is about, of whatever kind; NULL where that has gone, or there is none. */
struct object *call_object(const struct call *call);
/* For how long it may be worked on. */
uint64_t call_deadline_usec(const struct call *call);
/* The mount object that it is about, whether it was named or found at a path. */
struct mount *call_mount(const struct call *call);
/* It unmounts; or a mount goes from where it is, at least. */
bool call_gives_back(const struct call *call);
bool call_makes_go(const struct call *call);
/* How a call ends that somebody is there to hear of: one of these, exactly once.
 * What was answered by a child is in call::reply; another reply is taken, and NULL means that there
 * is no memory. The descriptors, or NULL, stay the caller's. What has been refused already is
 * refused with that. */
void call_succeed(struct call *call, const struct fds *fds);
void call_answer(struct call *call, ProtobufCMessage *reply, const struct fds *fds);
void call_refuse(struct call *call, int code, const char *sentence);
/* Answers, and notes it; the call goes on, since its child does. */
void call_settle(struct call *call, int code, const char *text, const ProtobufCMessage *reply,
		 const struct fds *fds);
/* A caller has left: its prompts go away and nobody is answered. */
void call_drop_caller(struct desk *desk, const struct caller *caller);
/* A service that is leaving does not wait for people, nor for what can still be let be. */
void call_wind_up(struct desk *desk);
/* At the end of the service. */
void call_drop_all(struct desk *desk);
