/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The place: which process's namespaces and root an operation works in, and as whom. Opened with
 * privilege, in the namespaces of the service, before anything of the caller's is touched; after
 * that only the descriptors in here are used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "refusal.h"

enum { PLACE_GROUPS_MAX = 1024 };

struct place_identity {
	dev_t device;
	ino_t number;
};

struct place_namespace {
	int fd;    /* -1: not opened */
	bool host; /* it is the one that the service itself runs in */
	bool own;  /* the caller has every right of its root: no privilege of ours is needed */
	int users; /* the user namespace that owns it, where we join that first; or -1 */
};

struct place {
	uid_t uid; /* the caller, in the service's user namespace */
	gid_t gid;
	gid_t groups[PLACE_GROUPS_MAX];
	size_t n_groups;

	pid_t pid;            /* whose place it is; 0: the service's own */
	const char *argument; /* by which the caller named it; NULL: `in` */
	char name[32];        /* of that process, for people */
	bool joined;          /* we are in its mount namespace */
	bool foreign;         /* the caller could not have looked into that process by itself */

	pid_t caller;       /* in the service's /proc */
	uint64_t permitted; /* the caller's capabilities in its user namespace */
	bool administrator; /* CAP_SYS_ADMIN is in effect there */
	bool filtered;      /* by seccomp: what others do for the caller may be more than it can */
	mode_t umask;
	bool sealed; /* no new privileges: it may have given up rights, as Landlock does */
	int our_users, caller_users;
	int proc;     /* the service's /proc: the only one that is believed */
	int home;     /* the service's mount namespace */
	int vessel;   /* one with nothing in it, or -1 */
	int scaffold; /* one that is to last until everybody has been answered */
	struct place_identity our_mounts, our_names, our_pids, our_net;
	int root;                                        /* O_PATH: the place's root directory */
	struct place_namespace mounts, names, pids, net; /* of the last two, `own` is not judged;
							     opened for who makes children */
	int users;       /* the user namespace that owns `mounts`, where that is not ours */
	bool privileged; /* the service may become other users */
};

#define PLACE_NONE                                                                          \
	{                                                                                   \
		.our_users = -1, .caller_users = -1, .proc = -1, .home = -1, .vessel = -1,  \
		.scaffold = -1, .root = -1, .mounts.fd = -1, .names.fd = -1, .pids.fd = -1, \
		.net.fd = -1, .users = -1, .mounts.users = -1, .names.users = -1,           \
		.pids.users = -1, .net.users = -1                                           \
	}

/* Opens what is the service's own, for whatever place it will be. 0 or a negative errno. */
int place_prepare(struct place *place);
/* The place of a process. caller is a pidfd of the caller, in a pidfd that the caller gave or -1
 * for the caller's own place. uid is what the bus says the caller is; a caller that has become
 * somebody else since is refused. for_children: place_join_for_children() will be called.
 * 0, a refusal, or a negative errno. */
int place_open(struct place *place, int caller, int in, uid_t uid, bool for_children,
	       struct refusal *refusal);
/* The service's own place; with a mount namespace, that one's instead. */
int place_open_host(struct place *place, int mounts, struct refusal *refusal);
/* The mount namespace of an id, if any process is in it: a descriptor, or -ESRCH. */
int place_find_mounts(const struct place *place, uint64_t id);
/* Another mount namespace, which is taken, instead of that of the place's process; with its own
 * root. */
void place_use_mounts(struct place *place, int mounts);
void place_done(struct place *place);
/* A small file of the service's /proc, whole. 0 or a negative errno. */
int place_read(const struct place *place, const char *path, char *text, size_t size);
/* A file of the service's /proc with the caller's rights and no others, as ptrace(2) judges, too.
 * Before confinement. A descriptor or a negative errno. */
int place_open_as_caller(const struct place *place, const char *path);
/* The part of place_open() that reads /proc/PID/status. */
int place_read_status(struct place *place, const char *status, uid_t uid, struct refusal *refusal);

/* The network that the caller itself is in; caller is its pidfd. Before confinement. A descriptor
 * or a negative errno. */
int place_open_callers_network(const struct place *place, int caller);

/* The process behind a pidfd, for as long as that has not been waited for; a negative errno. */
int place_process(const struct place *place, int pidfd);
