/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which network namespace is meant, where it may be named in more ways than by a process: by one of
 * its own descriptors, or by what `ip netns` calls it. Found as the caller, and what the caller is
 * there is found out, too.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "refusal.h"

struct job;

struct netns {
	int fd;    /* owned; -1: not found yet */
	bool home; /* the caller is in it */
	bool own;  /* the caller is as good as root in the user namespace that it belongs to */
	/* What leads there, whose names may come to stand for another one: a pidfd, or the
	 * directory that `name` is in. Owned; of a namespace's own descriptor, -1. */
	int holder;
	char *name; /* owned, or NULL */
	/* where the caller is */
	int callers;
};

#define NETNS_NONE \
	{ .fd = -1, .holder = -1, .callers = -1 }

/* Words only: the form of `in` that is a name. */
int netns_check(const ProtobufCMessage *request, struct refusal *refusal);
/* Whether a descriptor that a caller gave is a namespace of the network. */
bool netns_is_one(int fd);
/* Before the job is confined. 0 or a negative errno. */
int netns_prepare(struct job *job, struct netns *netns);
/* The same of one that is all that the job keeps, for its row. */
int netns_begin(struct job *job, const char *libexec);
/* Confined, as the caller. Notes where that is, for people. 0, a refusal, or a negative errno. */
int netns_resolve(struct job *job, struct netns *netns);
/* Requires an administrator for one that is nothing to the caller; whether it is something. */
bool netns_judge(struct job *job, const struct netns *netns);
/* In it from here on; where the caller is its root, as that, with no right anywhere else: what is
 * done there is then judged by the kernel. 0 or a negative errno. */
int netns_join(const struct job *job, const struct netns *netns);
void netns_done(struct netns *netns);
