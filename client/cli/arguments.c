/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands on the command line: from argv to struct arguments. Opens nothing, asks nobody. */

#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cleanup.h"
#include "making.h"
#include "text.h"

enum { PARAMETERS_MAX = 80 };

const struct parameter arguments_global[] = {
	{ "in", 0, PARAMETER_IN, "PID|NAME",
	  "work in the namespaces of this process, or of this name" },
	{ "in-object", 0, PARAMETER_IN_OBJECT, "PATH", "work in those of this object on the bus" },
	{ "lifetime", 0, PARAMETER_LIFETIME, "manual|connection",
	  "connection: keep what was made until interrupted" },
	{ "deadline", 0, PARAMETER_DEADLINE, "SECONDS", "give up after this long" },
	{ "json", 0, PARAMETER_JSON, NULL, "answer in JSON, errors too" },
	{ "no-ask", 0, PARAMETER_NO_ASK, NULL, "fail rather than ask for a password" },
	{ "session", 0, PARAMETER_SESSION, NULL, "the service on the session bus" },
	{ "system", 0, PARAMETER_SYSTEM, NULL, "the service on the system bus (the default)" },
	{ "help", 'h', PARAMETER_HELP, NULL, "this text" },
	{ "version", 0, PARAMETER_VERSION, NULL, "the version of this program" },
	{ NULL, 0, 0, NULL, NULL },
};

/* The tables that getopt_long() wants. */
struct tables {
	struct option options[PARAMETERS_MAX + 1];
	char letters[2 * PARAMETERS_MAX + 3];
	const struct parameter *parameters[PARAMETERS_MAX];
	size_t count;
};

static void tables_add(struct tables *tables, const struct parameter *p) {
	char *letters = tables->letters + strlen(tables->letters);

	for (; p && p->name && tables->count < PARAMETERS_MAX; p++) {
		tables->parameters[tables->count] = p;
		tables->options[tables->count++] = (struct option){
			.name = p->name,
			.has_arg = p->value ? required_argument : no_argument,
			.val = p->kind,
		};
		if (p->letter)
			*letters++ = p->letter;
		if (p->letter && p->value)
			*letters++ = ':';
	}
}

/* The kind of parameter that getopt found, by kind or by letter. */
static int tables_kind(const struct tables *tables, int found) {
	size_t i;

	for (i = 0; i < tables->count && found < PARAMETER_DEADLINE; i++)
		if (tables->parameters[i]->letter == found)
			return tables->parameters[i]->kind;
	return found;
}

int arguments_refuse(const struct arguments *arguments, const char *format, ...) {
	_cleanup_free_ char *text = NULL;
	va_list list;

	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	va_end(list);
	fprintf(stderr, "usher%s%s: ", arguments->command ? " " : "",
		arguments->command ? arguments->command : "");
	text_print(stderr, text ? text : "out of memory");
	fprintf(stderr, "\nTry 'usher%s%s --help'.\n", arguments->command ? " " : "",
		arguments->command ? arguments->command : "");
	return EXIT_USAGE;
}

static int set_pid(const struct arguments *a, const char *name, const char *value, int *ret) {
	char *end;
	long pid;

	errno = 0;
	pid = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end || pid <= 0 || pid > INT_MAX)
		return arguments_refuse(a, "--%s: '%s' is no process id", name, value);
	*ret = (int)pid;
	return 0;
}

int arguments_set_place(struct arguments *a, const char *value) {
	if (*value == '\0' || strchr("+-0123456789", *value))
		return set_pid(a, "in", value, &a->in_pid);
	if (*value == '/')
		a->keys.in_object = value;
	else
		a->in_name = value;
	return 0;
}

static int set_deadline(struct arguments *a, const char *value) {
	char *end;
	double seconds = strtod(value, &end);

	/* Up to a century, so that microseconds fit; what is sensible the service knows. */
	if (end == value || *end || !(seconds >= 1e-6 && seconds <= 3.2e9))
		return arguments_refuse(a, "--deadline: '%s' is no number of seconds", value);
	a->keys.deadline_usec = (uint64_t)(seconds * 1e6 + 0.5);
	return 0;
}

static int set_lines(struct arguments *a, const char *value) {
	char *end;
	long lines;

	errno = 0;
	lines = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end || lines < 0 || lines > INT_MAX)
		return arguments_refuse(a, "--lines: '%s' is no number of lines", value);
	a->lines = (int)lines;
	return 0;
}

static int set_rows(struct arguments *a, const char *value) {
	char *end;

	errno = 0;
	a->rows = strtoull(value, &end, 10);
	if (errno != 0 || end == value || *end || *value == '-' || a->rows == 0)
		return arguments_refuse(a, "--limit: '%s' is no number of rows", value);
	return 0;
}

static int set_fields(struct arguments *a, const char *value) {
	int r = words_split(&a->fields, value);

	return r == -EINVAL ? arguments_refuse(a, "--fields: '%s' is no list of names", value) : r;
}

static int set_lifetime(struct arguments *a, const char *value) {
	if (strcmp(value, "connection") != 0 && strcmp(value, "manual") != 0)
		return arguments_refuse(a, "--lifetime: '%s' is neither connection nor manual",
					value);
	a->keys.lifetime = value;
	return 0;
}

static int set_words(struct arguments *a, const char *value) {
	int r = words_split(&a->words, value);

	if (r == -EINVAL)
		return arguments_refuse(a, "-o: the quotes in '%s' do not close at a word's end",
					value);
	return r;
}

/* As inotifywait has them, too: CLOSE_WRITE for close-write. */
static int set_events(struct arguments *a, const char *value) {
	_cleanup_free_ char *text = strdup(value);

	if (!text)
		return -ENOMEM;
	for (char *p = text; *p; p++)
		*p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
	return words_split(&a->events, text);
}

/* Those that every command has. Returns -ENOENT for any other. */
static int set_global(struct arguments *a, int kind, const char *value) {
	switch (kind) {
	case PARAMETER_DEADLINE: return set_deadline(a, value);
	case PARAMETER_HELP: a->help = true; return 0;
	case PARAMETER_IN: return arguments_set_place(a, value);
	case PARAMETER_IN_OBJECT: a->keys.in_object = value; return 0;
	case PARAMETER_JSON: a->json = true; return 0;
	case PARAMETER_LIFETIME: return set_lifetime(a, value);
	case PARAMETER_NO_ASK: a->ask = false; return 0;
	case PARAMETER_SESSION: a->bus = "session"; return 0;
	case PARAMETER_SYSTEM: a->bus = "system"; return 0;
	case PARAMETER_VERSION: a->version = true; return 0;
	default: return -ENOENT;
	}
}

/* Those that some commands have. */
static int set_own(struct arguments *a, int kind, const char *value) {
	switch (kind) {
	case PARAMETER_AT: a->at = value; return 0;
	case PARAMETER_CLOCK: a->clock = value; return 0;
	case PARAMETER_CONSISTENCY: a->consistency = value; return 0;
	case PARAMETER_COUNT: a->count_only = true; return 0;
	case PARAMETER_EVENTS: return set_events(a, value);
	case PARAMETER_EVERY: a->every = value; return 0;
	case PARAMETER_EXCLUDE: return words_add(&a->excluded, value);
	case PARAMETER_EXPIRE: a->keys.expire = true; return 0;
	case PARAMETER_FAILED: a->failed = true; return 0;
	case PARAMETER_FIELDS: return set_fields(a, value);
	case PARAMETER_FILESYSTEM: a->filesystem = true; return 0;
	case PARAMETER_FOLLOW: a->follow = true; return 0;
	case PARAMETER_FORCE: a->keys.force = true; return 0;
	case PARAMETER_ID: a->id = value; return 0;
	case PARAMETER_IDMAP: a->keys.idmap = value; return 0;
	case PARAMETER_IDMAP_PID: return set_pid(a, "idmap-pid", value, &a->idmap_pid);
	case PARAMETER_IMAGE: a->image = true; return 0;
	case PARAMETER_LAZY: a->keys.lazy = true; return 0;
	case PARAMETER_LINES: return set_lines(a, value);
	case PARAMETER_LOWER: return words_add(&a->lower, value);
	case PARAMETER_MINE: a->mine = true; return 0;
	case PARAMETER_MOUNTS: a->mount_table = true; return 0;
	case PARAMETER_ONCE: a->once = true; return 0;
	case PARAMETER_OPERATION: a->operation = value; return 0;
	case PARAMETER_PROPAGATION: a->keys.propagation = value; return 0;
	case PARAMETER_RATES: a->rates = true; return 0;
	case PARAMETER_READ_ONLY: return words_add(&a->words, "ro");
	case PARAMETER_RECURSIVE: a->keys.recursive = true; return 0;
	case PARAMETER_REPORT_PID: a->report_pid = true; return 0;
	case PARAMETER_ROWS: return set_rows(a, value);
	case PARAMETER_SIGNAL: a->signal = value; return 0;
	case PARAMETER_SINCE: a->since = value; return 0;
	case PARAMETER_SLACK: a->slack = value; return 0;
	case PARAMETER_SNAPSHOT: a->snapshot = true; return 0;
	case PARAMETER_TYPE: a->fstype = value; return 0;
	case PARAMETER_UPPER: a->upper = value; return 0;
	case PARAMETER_USER: a->user = value; return 0;
	case PARAMETER_WAIT: a->wait = value; return 0;
	case PARAMETER_WAKE: a->wake = true; return 0;
	case PARAMETER_WORD: return words_add(&a->words, value);
	case PARAMETER_WORDS: return set_words(a, value);
	case PARAMETER_WORK: a->work = value; return 0;
	default: return -ENOENT;
	}
}

static int refuse_contradictions(const struct arguments *a) {
	if ((a->in_pid != 0) + (a->in_name != NULL) + (a->keys.in_object != NULL) > 1)
		return arguments_refuse(a, "one place is enough: --in and --in-object exclude "
					   "each other");
	if (a->idmap_pid && a->keys.idmap)
		return arguments_refuse(a, "--idmap and --idmap-pid exclude each other");
	return 0;
}

/* What getopt could not make sense of: a letter within a cluster, or a whole element. */
static int refuse_found(const struct arguments *a, int found, char **argv) {
	const char *problem = found == ':' ? "needs a value"
					   : "is unknown, or ambiguous, "
					     "or takes no value";

	if (optopt > 0 && optopt < PARAMETER_DEADLINE)
		return arguments_refuse(a, "option -%c %s", optopt, problem);
	return arguments_refuse(a, "option '%s' %s", argv[optind - 1], problem);
}

int arguments_parse(struct arguments *arguments, const struct parameter *parameters, bool stop,
		    int argc, char **argv) {
	struct tables tables = { .letters = ":" };
	int found, kind, r;

	if (stop || !parameters)
		memcpy(tables.letters, "+:", 3);
	tables_add(&tables, arguments_global);
	tables_add(&tables, parameters);
	if (!arguments->attributes)
		arguments->attributes = usher_attributes_new();
	if (!arguments->attributes)
		return -ENOMEM;
	opterr = 0;
	optind = 0; /* starts afresh, which 1 does not */
	while ((found = getopt_long(argc, argv, tables.letters, tables.options, NULL)) != -1) {
		if (found == '?' || found == ':')
			return refuse_found(arguments, found, argv);
		kind = tables_kind(&tables, found);
		r = set_global(arguments, kind, optarg);
		if (r == -ENOENT)
			r = set_own(arguments, kind, optarg);
		if (r == -ENOENT)
			r = making_set(arguments, kind, optarg);
		if (r != 0)
			return r;
	}
	arguments->operands = argv + optind;
	arguments->count = argc - optind;
	return refuse_contradictions(arguments);
}

bool arguments_elsewhere(const struct arguments *arguments) {
	return arguments->in_pid || arguments->in_name || arguments->keys.in_object;
}

void arguments_done(struct arguments *arguments) {
	words_done(&arguments->words);
	words_done(&arguments->lower);
	words_done(&arguments->capabilities);
	words_done(&arguments->descriptors);
	words_done(&arguments->environment);
	words_done(&arguments->events);
	words_done(&arguments->excluded);
	words_done(&arguments->fields);
	words_done(&arguments->shared);
	words_done(&arguments->types);
	usher_attributes_free(arguments->attributes);
	free(arguments->in_found);
}
