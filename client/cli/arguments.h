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
};

enum parameter_kind {
	PARAMETER_DEADLINE = 256, /* beyond all letters, for getopt */
	PARAMETER_EXPIRE,
	PARAMETER_FAILED,
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
	PARAMETER_NO_ASK,
	PARAMETER_OPERATION,
	PARAMETER_PROPAGATION,
	PARAMETER_READ_ONLY,
	PARAMETER_RECURSIVE,
	PARAMETER_SESSION,
	PARAMETER_SINCE,
	PARAMETER_SYSTEM,
	PARAMETER_TYPE,
	PARAMETER_UPPER,
	PARAMETER_USER,
	PARAMETER_VERSION,
	PARAMETER_WORD,
	PARAMETER_WORDS,
	PARAMETER_WORK,
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
	struct words words;
	struct words lower;
	const char *bus; /* "system" or "session"; NULL: as the environment says */
	const char *fstype;
	const char *id;
	const char *operation;
	const char *since;
	const char *upper;
	const char *user;
	const char *work;
	int in_pid; /* 0: unset */
	int idmap_pid;
	int lines; /* -1: unset */
	bool ask;
	bool failed;
	bool follow;
	bool help;
	bool image;
	bool json;
	bool mine;
	bool version;
	char **operands; /* ends with NULL */
	int count;
};

#define ARGUMENTS_INIT \
	{ .keys = USHER_OPTIONS_INIT, .lines = -1, .ask = true }

/* The parameters that every command has. */
extern const struct parameter arguments_global[];

/*
 * Reads argv from its second element on: the global parameters, and those of a command. Without a
 * command's (NULL), stops at the first operand, which is the command. 0, EXIT_USAGE after saying
 * what is wrong, or -ENOMEM.
 */
int arguments_parse(struct arguments *arguments, const struct parameter *parameters, int argc,
		    char **argv);

/* Says what is wrong with the command line. Returns EXIT_USAGE. */
int arguments_refuse(const struct arguments *arguments, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether the operation is for other namespaces, where the working directory means nothing. */
bool arguments_elsewhere(const struct arguments *arguments);

void arguments_done(struct arguments *arguments);
