/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands on the command line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "usher.h"
#include "words.h"

enum {
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_ASK = 256,  /* of a command's function, and no exit status: a person has to be asked */
	EXIT_OURS = 125, /* from here on of commands that run another: it was not started */
	EXIT_NO_EXEC = 126, /* it is there, and cannot be run */
	EXIT_NO_FILE = 127, /* it is not there */
	EXIT_KILLED = 128,  /* and a signal's number */
};

enum parameter_kind {
	PARAMETER_DEADLINE = 256, /* beyond all letters, for getopt */
	PARAMETER_AT,
	PARAMETER_CLOCK,
	PARAMETER_CONSISTENCY,
	PARAMETER_COUNT,
	PARAMETER_EVENTS,
	PARAMETER_EVERY,
	PARAMETER_EXCLUDE,
	PARAMETER_EXPIRE,
	PARAMETER_FAILED,
	PARAMETER_FIELDS,
	PARAMETER_FILESYSTEM,
	PARAMETER_FOLLOW,
	PARAMETER_FORCE,
	PARAMETER_HELP,
	PARAMETER_ID,
	PARAMETER_IDMAP,
	PARAMETER_IDMAP_PID,
	PARAMETER_IMAGE,
	PARAMETER_IN,
	PARAMETER_IN_OBJECT,
	PARAMETER_JSON,
	PARAMETER_LAZY,
	PARAMETER_LIFETIME,
	PARAMETER_LINES,
	PARAMETER_LOWER,
	PARAMETER_MINE,
	PARAMETER_MOUNTS,
	PARAMETER_NO_ASK,
	PARAMETER_ONCE,
	PARAMETER_OPERATION,
	PARAMETER_PROPAGATION,
	PARAMETER_RATES,
	PARAMETER_READ_ONLY,
	PARAMETER_RECURSIVE,
	PARAMETER_REPORT_PID,
	PARAMETER_ROWS,
	PARAMETER_SESSION,
	PARAMETER_SIGNAL,
	PARAMETER_SINCE,
	PARAMETER_SLACK,
	PARAMETER_SNAPSHOT,
	PARAMETER_SYSTEM,
	PARAMETER_TYPE,
	PARAMETER_UPPER,
	PARAMETER_USER,
	PARAMETER_VERSION,
	PARAMETER_WAIT,
	PARAMETER_WAKE,
	PARAMETER_WORD,
	PARAMETER_WORDS,
	PARAMETER_WORK,
	PARAMETER_NEW_ALL, /* from here on those of making.h; first the types, in their order */
	PARAMETER_NEW_CGROUP,
	PARAMETER_NEW_IPC,
	PARAMETER_NEW_MNT,
	PARAMETER_NEW_NET,
	PARAMETER_NEW_PID,
	PARAMETER_NEW_TIME,
	PARAMETER_NEW_USER,
	PARAMETER_NEW_UTS,
	PARAMETER_BOOTTIME,
	PARAMETER_CAPABILITY,
	PARAMETER_CLEAR_ENVIRONMENT,
	PARAMETER_CPU,
	PARAMETER_DETACH,
	PARAMETER_DOMAINNAME,
	PARAMETER_ENVIRONMENT,
	PARAMETER_FD,
	PARAMETER_GID,
	PARAMETER_GID_MAP,
	PARAMETER_GROUPS,
	PARAMETER_HOSTNAME,
	PARAMETER_KEEP,
	PARAMETER_LIMIT,
	PARAMETER_MAP_ROOT,
	PARAMETER_MEMORY,
	PARAMETER_MONOTONIC,
	PARAMETER_MOUNT,
	PARAMETER_NICE,
	PARAMETER_NO_TTY,
	PARAMETER_PIDS,
	PARAMETER_ROOT,
	PARAMETER_SHARE,
	PARAMETER_TTY,
	PARAMETER_UID,
	PARAMETER_UID_MAP,
	PARAMETER_VERBOSE,
	PARAMETER_WORKDIR,
};

/* One option of a command: everything that parsing it and explaining it needs. */
struct parameter {
	const char *name; /* NULL ends a list */
	char letter;      /* 0: only the long form */
	enum parameter_kind kind;
	const char *value; /* what its value is called; NULL if it takes none */
	const char *help;
};

struct arguments {
	const char *command; /* for messages; NULL before it is known */
	struct usher_options keys;
	struct usher_attributes *attributes; /* NULL before anything was parsed */
	struct words words;
	struct words lower;
	struct words capabilities;
	struct words descriptors;
	struct words environment;
	struct words events;
	struct words excluded;
	struct words fields;
	struct words shared;
	struct words types;
	const char *at;
	const char *bus; /* "system" or "session"; NULL: as the environment says */
	const char *clock;
	const char *consistency;
	const char *every;
	const char *fstype;
	const char *id;
	const char *in_name;    /* of namespaces */
	const char *in_network; /* of one below /run/netns, where no others have that name */
	const char *operation;
	const char *root;
	const char *signal;
	const char *since;
	const char *slack;
	const char *upper;
	const char *user;
	const char *wait;
	const char *work;
	const char *workdir;
	char *in_found; /* the object that in_name is */
	uint64_t rows;  /* no more of them; 0: unset */
	int64_t monotonic_usec;
	int64_t boottime_usec;
	int in_pid; /* 0: unset */
	int idmap_pid;
	int lines; /* -1: unset */
	int tty;   /* -1: if there is one; 0: no; 1: yes */
	bool all;
	bool ask;
	bool ask_later; /* what would have somebody asked ends in EXIT_ASK */
	bool clear_environment;
	bool count_only;
	bool detach;
	bool failed;
	bool filesystem;
	bool follow;
	bool help;
	bool image;
	bool json;
	bool mine;
	bool mount_table;
	bool networks; /* in_name may be in_network */
	bool once;
	bool rates;
	bool report_pid;
	bool snapshot;
	bool verbose;
	bool version;
	bool wake;
	char **operands; /* ends with NULL */
	int count;
};

#define ARGUMENTS_INIT \
	{ .keys = USHER_OPTIONS_INIT, .lines = -1, .tty = -1, .ask = true }

/* The parameters that every command has. */
extern const struct parameter arguments_global[];

/*
 * Reads argv from its second element on: the global parameters, and those of a command. Without a
 * command's (NULL), or if it is to, stops at the first operand, whose options are its own. 0,
 * EXIT_USAGE after saying what is wrong, or -ENOMEM.
 */
int arguments_parse(struct arguments *arguments, const struct parameter *parameters, bool stop,
		    int argc, char **argv);

/* Where to work, from an operand: a process, an object, or the name of namespaces. */
int arguments_set_place(struct arguments *arguments, const char *value);

/* Says what is wrong with the command line. Returns EXIT_USAGE. */
int arguments_refuse(const struct arguments *arguments, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether the operation is for other namespaces, where the working directory means nothing. */
bool arguments_elsewhere(const struct arguments *arguments);

void arguments_done(struct arguments *arguments);
