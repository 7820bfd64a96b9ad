/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An operation is one file that ends in one literal of this type; operation.c lists them. The
 * literal says what it is called, who must allow it, what the child that does it may touch, and
 * which functions do it.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "refusal.h"
#include "usher.pb-c.h"

struct job;

/* Who has to allow what is about to be done, from the least to the most. */
enum tier {
	TIER_FREE,   /* nobody: the caller could do it without us */
	TIER_OWN,    /* touches what is the caller's own, and is safe by construction */
	TIER_OTHERS, /* touches what another user made through us */
	TIER_ADMIN,  /* everything else */
	_TIER_MAX,
};

enum { ACTION_MAX = 80 };

struct operation {
	const char *interface; /* behind "org.usher1." */
	const char *method;
	/* polkit's names, behind "org.usher1."; without one of its own a tier is the
	 * administrator's */
	const char *actions[_TIER_MAX];
	const ProtobufCMessageDescriptor *request;
	const ProtobufCMessageDescriptor *reply;
	uint64_t capabilities; /* all that is left to the child */
	const int *syscalls;   /* by number, behind those that every child needs; ends with -1 */
	bool here;             /* the broker answers it, no child has a part in it */
	bool waits;    /* so it does, when something has happened: however long that takes */
	bool bare;     /* the contract has it without options; with them is right, too */
	bool looks;    /* changes nothing and hands nothing out */
	bool probes;   /* may have to look what file system is in something */
	bool maps;     /* may have to look up whose id ranges are whose */
	bool spawns;   /* makes or ends processes that are not the service's */
	bool connects; /* works in the network of the place, and in that of `peer` */
	bool wakes;    /* may have the machine woken up, which most operations' unit may not */
	/* Words only: whether it may have to join namespaces of the network or for processes, or to
	 * make connections. The unit of most operations may do neither. */
	bool (*joins)(const ProtobufCMessage *message);
	/* Words only: in the broker, and again in the worker. 0, a refusal, or a negative errno. */
	int (*check)(const ProtobufCMessage *message, struct refusal *refusal);
	/* In the child before it is confined: what takes rights to other processes, or makes some;
	 * libexec is where small programs are. */
	int (*prepare)(struct job *job, const char *libexec);
	/* In the confined child, as the caller: turns words into descriptors, decides the tier. */
	int (*resolve)(struct job *job);
	/* In the confined child, with its capabilities: does it. */
	int (*run)(struct job *job);
	/* After that, where nobody is left to be told: takes it back. */
	int (*undo)(struct job *job);
	/* When the outcome has been told: the child stays as long as this does not return. */
	void (*stay)(struct job *job);
};

#define CAP(capability) (UINT64_C(1) << (capability))
#define SYSCALLS(...)   ((const int[]){ __VA_ARGS__, -1 })

extern const struct operation *const operations[];
extern const size_t operations_n;

/* "Mounts", "Mount" -> the row, or NULL. */
const struct operation *operation_find(const char *interface, const char *method);
/* "Mounts.Mount" -> the row, or NULL; its place in the table is the filter's. */
const struct operation *operation_find_whole(const char *name, size_t *ret_place);
/* The polkit action of a tier; false if there is nobody to ask. */
bool operation_action(const struct operation *operation, enum tier tier,
		      char ret_action[ACTION_MAX]);
