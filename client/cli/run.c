/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher run, usher enter: a program in new namespaces, or in those that are there. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../cleanup.h"
#include "command.h"
#include "making.h"
#include "quantity.h"
#include "session.h"

#define PROCESS_PARAMETERS                                                                        \
	{ "env", 'e', PARAMETER_ENVIRONMENT, "NAME[=VALUE]", "a variable, or your own by name" }, \
		{ "clear-env", 0, PARAMETER_CLEAR_ENVIRONMENT, NULL, "no variables but these" },  \
		{ "uid", 0, PARAMETER_UID, "ID", "be this user in there" },                       \
		{ "gid", 0, PARAMETER_GID, "ID", "be of this group in there" },                   \
		{ "groups", 0, PARAMETER_GROUPS, "ID,...", "and of these, too" },                 \
		{ "capability", 0, PARAMETER_CAPABILITY, "NAME,...", "have these over it" },      \
		{ "fd", 0, PARAMETER_FD, "NUMBER", "keep this descriptor open" },                 \
		{ "nice", 0, PARAMETER_NICE, "NUMBER", "see nice(2)" },                           \
		{ "limit", 0, PARAMETER_LIMIT, "NAME=SOFT[:HARD]", "see setrlimit(2)" },          \
		{ "memory", 0, PARAMETER_MEMORY, "BYTES", "no more than this, with K, M, G" },    \
		{ "cpu", 0, PARAMETER_CPU, "PERCENT", "no more than this of one processor" },     \
		{ "pids", 0, PARAMETER_PIDS, "NUMBER", "no more processes than these" },          \
		{ "keep", 'k', PARAMETER_KEEP, NULL, "it stays if this command is killed" },      \
		{ "detach", 'd', PARAMETER_DETACH, NULL, "do not wait; print its object" },       \
		{ "tty", 't', PARAMETER_TTY, NULL, "with a terminal of its own" },                \
		{ "no-tty", 0, PARAMETER_NO_TTY, NULL, "with the descriptors as they are" }, {    \
		"verbose", 'v', PARAMETER_VERBOSE, NULL, "tell what is started, and its end"      \
	}

static const struct parameter run_parameters[] = {
	MAKING_TYPES, MAKING_IDS, MAKING_INTERIOR, PROCESS_PARAMETERS, { NULL, 0, 0, NULL, NULL },
};

static const struct parameter enter_parameters[] = {
	{ "workdir", 'w', PARAMETER_WORKDIR, "DIR", "the working directory in there" },
	PROCESS_PARAMETERS,
	{ NULL, 0, 0, NULL, NULL },
};

/* A number out of --fd that is a descriptor; -1. */
static int descriptor_of(const char *word) {
	uint64_t number;

	if (quantity_parse(word, false, &number) < 0 || number > INT_MAX ||
	    fcntl((int)number, F_GETFD) < 0)
		return -1;
	return (int)number;
}

/* Before anything else is opened, which could be any of these. */
static int run_check(const struct arguments *a) {
	for (size_t i = 0; i < a->descriptors.count; i++)
		if (descriptor_of(a->descriptors.items[i]) < 0)
			return arguments_refuse(a, "--fd: '%s' is no descriptor that is open",
						a->descriptors.items[i]);
	if (a->detach && a->tty == 1)
		return arguments_refuse(a, "--detach and --tty exclude each other");
	return making_check(a);
}

static int enter_check(const struct arguments *a) {
	if (!arguments_elsewhere(a))
		return arguments_refuse(a, "an operand is missing: PID or NAME");
	return run_check(a);
}

/* The command's environment, and what the arguments say about it. */
static void set_environment(const struct arguments *a, struct usher_attributes *attributes) {
	char *equals;

	usher_attributes_set_environment(attributes, a->clear_environment
							     ? NULL
							     : (const char *const *)environ);
	for (size_t i = 0; i < a->environment.count; i++) {
		const char *variable = a->environment.items[i], *own[] = { NULL, NULL };

		equals = strchr(variable, '=');
		if (equals) {
			own[0] = variable;
			usher_attributes_set_environment(attributes, own);
		} else if (getenv(variable))
			usher_attributes_set_variable(attributes, variable, getenv(variable));
	}
}

/* Those of the shell's, with the terminal's other end in place of the user's; and what was asked
 * for. Those that are closed here are not there either. */
static void add_descriptors(const struct arguments *a, const struct terminal *terminal,
			    struct usher_attributes *attributes) {
	bool first = true;
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO && !a->detach; fd++) {
		if (terminal->slave >= 0 && isatty(fd)) {
			usher_attributes_add_fd(attributes, fd, terminal->slave);
			if (first)
				usher_attributes_set_terminal(attributes, fd);
			first = false;
		} else if (fcntl(fd, F_GETFD) >= 0)
			usher_attributes_add_fd(attributes, fd, fd);
	}
	for (size_t i = 0; i < a->descriptors.count; i++) {
		fd = descriptor_of(a->descriptors.items[i]);
		if (fd > STDERR_FILENO || a->detach)
			usher_attributes_add_fd(attributes, fd, fd);
	}
}

/* There is no way to look but to set it. */
static mode_t own_umask(void) {
	mode_t mask = umask(0);

	umask(mask);
	return mask;
}

static int set_attributes(const struct arguments *a, const struct terminal *terminal) {
	_cleanup_(words_done) struct words types = WORDS_INIT;
	struct usher_attributes *attributes = a->attributes;
	int r;

	r = making_types(a, &types);
	if (r < 0)
		return r;
	if (types.count > 0)
		usher_attributes_set_types(attributes, (const char *const *)types.items);
	if (a->capabilities.count > 0)
		usher_attributes_set_capabilities(attributes,
						  (const char *const *)a->capabilities.items);
	usher_attributes_set_umask(attributes, own_umask());
	if (!a->workdir && !a->root && !arguments_elsewhere(a))
		usher_attributes_set_workdir(attributes, ".");
	if (a->detach)
		usher_attributes_set_daemonize(attributes, true);
	set_environment(a, attributes);
	add_descriptors(a, terminal, attributes);
	return 0;
}

/* The shell's own numbers for a program that could not be run; all else is ours. */
static int refuse(const struct arguments *a, struct usher *usher, const char *program, int error) {
	const char *message = usher_message(usher);
	bool exec = message && strncmp(message, "exec: ", 6) == 0;
	int r = answer_refusal(a, usher, exec ? program : NULL, error);

	if (r == EXIT_ASK)
		return r;
	making_advise(a, error, message);
	if (!exec)
		return EXIT_OURS;
	return error == -ENOENT ? EXIT_NO_FILE : EXIT_NO_EXEC;
}

static int tell_end(const struct arguments *a, int status) {
	if (a->verbose && WIFEXITED(status))
		fprintf(stderr, "usher %s: it has exited with %d\n", a->command,
			WEXITSTATUS(status));
	else if (a->verbose)
		fprintf(stderr, "usher %s: it was killed by signal %d%s\n", a->command,
			WTERMSIG(status), WCOREDUMP(status) ? " (core dumped)" : "");
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_KILLED + WTERMSIG(status);
}

static int spawn(const struct arguments *a, struct usher *usher, const char *const argv[],
		 struct terminal *terminal) {
	struct usher_options keys = a->keys;
	_cleanup_free_ char *object = NULL;
	_cleanup_close_ int pidfd = -1;
	_cleanup_(session_done) struct session session = {
		.arguments = a,
		.usher = usher,
		.signals = -1,
		.terminal = terminal,
	};
	int r, status;

	r = set_attributes(a, terminal);
	if (r < 0)
		return r;
	if (a->detach)
		keys.lifetime = "manual";
	/* No signal gets lost, but nobody waits for an answer with his hands tied. */
	r = a->ask || a->detach ? 0 : session_listen(&session);
	if (r < 0)
		return r;
	r = usher_spawn(usher, a->attributes, argv, &keys, &object, &pidfd);
	if (r < 0)
		return refuse(a, usher, argv[0], r);
	if (a->verbose)
		fprintf(stderr, "usher %s: %s is %s\n", a->command, argv[0], object);
	if (a->detach)
		return answer_value(a, "object", object);
	session.object = object;
	session.pidfd = pidfd;
	r = session_attend(&session, &status);
	return r != 0 ? EXIT_OURS : tell_end(a, status);
}

static int run_run(const struct arguments *a, struct usher *usher) {
	const char *shell = getenv("SHELL");
	const char *const shell_argv[] = { shell && *shell ? shell : "/bin/sh", NULL };
	_cleanup_(terminal_done) struct terminal terminal = TERMINAL_INIT;
	int r;

	if (a->tty == 1 || (a->tty < 0 && !a->detach && terminal_is_there())) {
		r = terminal_open(&terminal);
		if (r < 0) {
			answer_failure(a, "a terminal", r);
			return EXIT_OURS;
		}
	}
	return spawn(a, usher, a->count > 0 ? (const char *const *)a->operands : shell_argv,
		     &terminal);
}

const struct command command_run = {
	.name = "run",
	.synopsis = "[--] [COMMAND [ARGUMENT...]]",
	.help = "Run a program, in new namespaces",
	.parameters = run_parameters,
	.minimum = 0,
	.maximum = INT_MAX,
	.check = run_check,
	.asks_later = true,
	.program = true,
	.run = run_run,
};

#define ENTER(NAME, PLACE, HELP)                                                               \
	{                                                                                      \
		.name = NAME, .synopsis = PLACE " [--] [COMMAND [ARGUMENT...]]", .help = HELP, \
		.parameters = enter_parameters, .minimum = 0, .maximum = INT_MAX,              \
		.check = enter_check, .asks_later = true, .program = true, .placed = true,     \
		.run = run_run,                                                                \
	}

const struct command command_enter =
	ENTER("enter", "PID|NAME|OBJECT", "Run a program in the namespaces of another");

const struct command command_namespace_enter =
	ENTER("namespace enter", "NAME|OBJECT", "The same as enter");
