/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be made: the options that run, enter and namespace create share, and how they become
 * attributes. */
#pragma once

#include "arguments.h"

/* Elements of a command's parameters. */
#define MAKING_TYPES                                                                     \
	{ "all", 'a', PARAMETER_NEW_ALL, NULL, "new namespaces of every type" },         \
		{ "cgroup", 'C', PARAMETER_NEW_CGROUP, NULL, "a new cgroup namespace" }, \
		{ "ipc", 'i', PARAMETER_NEW_IPC, NULL, "a new IPC namespace" },          \
		{ "mnt", 'm', PARAMETER_NEW_MNT, NULL, "a new mount namespace" },        \
		{ "net", 'n', PARAMETER_NEW_NET, NULL, "a new network namespace" },      \
		{ "pid", 'p', PARAMETER_NEW_PID, NULL, "a new PID namespace" },          \
		{ "time", 'T', PARAMETER_NEW_TIME, NULL, "a new time namespace" },       \
		{ "user", 'U', PARAMETER_NEW_USER, NULL, "a new user namespace" },       \
		{ "uts", 'u', PARAMETER_NEW_UTS, NULL, "a new UTS namespace" }, {        \
		"share", 0, PARAMETER_SHARE, "TYPE[,TYPE...]",                           \
			"with --all: but not of these types"                             \
	}

#define MAKING_IDS                                                                          \
	{ "map-root", 'r', PARAMETER_MAP_ROOT, NULL, "be root in the new user namespace" }, \
		{ "uid-map", 0, PARAMETER_UID_MAP, "MAP",                                   \
		  "who is who: INSIDE OUTSIDE COUNT,... or OUTSIDE,... or auto" },          \
	{                                                                                   \
		"gid-map", 0, PARAMETER_GID_MAP, "MAP", "the same of groups"                \
	}

#define MAKING_INTERIOR                                                                         \
	{ "root", 'R', PARAMETER_ROOT, "DIR", "the root directory in there" },                  \
		{ "workdir", 'w', PARAMETER_WORKDIR, "DIR", "the working directory in there" }, \
		{ "mount", 'M', PARAMETER_MOUNT, "SPEC",                                        \
		  "mount in there: [type=T,][source=S,]target=T[,WORD...]" },                   \
		{ "hostname", 0, PARAMETER_HOSTNAME, "NAME", "the host name in there" },        \
		{ "domainname", 0, PARAMETER_DOMAINNAME, "NAME", "the domain name in there" },  \
		{ "monotonic", 0, PARAMETER_MONOTONIC, "SECONDS",                               \
		  "how far that clock is ahead in there" },                                     \
	{                                                                                       \
		"boottime", 0, PARAMETER_BOOTTIME, "SECONDS", "the same of that clock"          \
	}

/* Takes one option over. -ENOENT: it is none of these; else as arguments_parse(). */
int making_set(struct arguments *arguments, int kind, const char *value);

/* The types that were asked for, as the service wants them; to words. 0 or -ENOMEM. */
int making_types(const struct arguments *arguments, struct words *types);

/* Whether they have one of this type among them. */
bool making_has_type(const struct arguments *arguments, const char *type);

/* 0, or EXIT_USAGE for options that need another one. */
int making_check(const struct arguments *arguments);

/* Says, on standard error, which option is likely to help after a refusal with that message, which
 * may be NULL. */
void making_advise(const struct arguments *arguments, int error, const char *message);
