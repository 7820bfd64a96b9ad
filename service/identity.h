/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which ids a new user namespace has: what a request says (uid_map, gid_map, map_zero), whose those
 * are, who must allow it, and how they are written.
 */
#pragma once

#include "idmap.h"

/* What identity_write() takes of a row's capabilities and system calls. */
#define IDENTITY_CAPABILITIES \
	(CAP(CAP_SYS_ADMIN) | CAP(CAP_SETUID) | CAP(CAP_SETGID) | CAP(CAP_SETFCAP))
#define IDENTITY_SYSCALLS JOB_IN_CHILD, SYS_setns

struct identity {
	struct idmap uids, gids;
	uint32_t uid, gid; /* inside, who the program is: the caller or, where the caller has no
			      number there, root, or the first there is; to become them is never
			      wrong */
	bool groups;       /* setgroups(2) stays allowed */
	bool keeps_gid;    /* who becomes the caller takes the caller's gid among the groups, too: a
			      group may be what keeps somebody out, and inside there are others */
};

/* Words only: the part of surroundings_check() that is about ids. */
int identity_check(const ProtobufCMessage *request, struct refusal *refusal);
/* Whether the maps take ids that nobody else has: the broker sets a range aside and fills in
 * transient_start and transient_count. Of a request that
 * passed its check. */
bool identity_wants_transient(const ProtobufCMessage *request);
/* Where `user` is among the types. Before confinement, since it may ask usher-ranges. `parent` is
 * the user namespace that the new one will be made in, -1 for the service's own. The caller's own
 * ids and its subordinate ones are free, a transient range is TIER_OWN (it calls job_require()),
 * anything else is refused by name. 0, a refusal or a negative errno. */
int identity_decide(struct job *job, const char *libexec, int parent, struct identity *ret);
/* Who the caller is in another user namespace: its own numbers or, where it has none, root's.
 * Before confinement. */
int identity_inside(const struct job *job, int users, uint32_t *ret_uid, uint32_t *ret_gid);
/* Writes the maps of a process in its new user namespace, by its pid in the service's /proc; with
 * the `parent` of identity_decide(). File accesses are as before when it returns. */
int identity_write(struct job *job, pid_t pid, int parent, const struct identity *identity);
