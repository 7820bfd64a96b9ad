/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher: the operations of org.usher1, from a shell. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cleanup.h"
#include "agent.h"
#include "command.h"
#include "config.h"
#include "connection.h"

static const struct command *const commands[] = {
	&command_run,
	&command_enter,
	&command_ps,
	&command_kill,
	&command_namespace_create,
	&command_namespace_attach,
	&command_namespace_list,
	&command_namespace_show,
	&command_namespace_enter,
	&command_namespace_destroy,
	&command_mount,
	&command_umount,
	&command_bind,
	&command_overlay,
	&command_remount,
	&command_move,
	&command_mounts,
	&command_pivot_root,
	&command_hostname,
	&command_domainname,
	&command_net_get,
	&command_net_add,
	&command_net_change,
	&command_net_replace,
	&command_net_del,
	&command_net_monitor,
	&command_net_describe,
	&command_net,
	&command_watch,
	&command_trap,
	&command_timer,
	&command_status,
	&command_limits,
	&command_log,
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* How many words of the command line are the name, of one word or of two; 0: it is another. */
static int match_name(const char *name, char **argv) {
	size_t length = strlen(argv[0]);

	if (strncmp(name, argv[0], length) != 0)
		return 0;
	if (name[length] == '\0')
		return 1;
	return name[length] == ' ' && argv[1] && strcmp(name + length + 1, argv[1]) == 0 ? 2 : 0;
}

static const struct command *find_command(char **argv, int *ret_words) {
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		*ret_words = match_name(commands[i]->name, argv);
		if (*ret_words > 0)
			return commands[i];
	}
	return NULL;
}

static void print_parameters(const struct parameter *p) {
	char left[64];

	for (; p && p->name; p++) {
		snprintf(left, sizeof left, "%c%c%s --%s%s%s", p->letter ? '-' : ' ',
			 p->letter ? p->letter : ' ', p->letter ? "," : " ", p->name,
			 p->value ? " " : "", p->value ? p->value : "");
		printf("  %-36s %s\n", left, p->help);
	}
}

static int print_version(void) {
	puts("usher " USHER_VERSION);
	return 0;
}

static int print_help(const struct command *command) {
	size_t i;

	if (command) {
		i = strlen(command->help);
		printf("usage: usher %s [OPTION...]%s%s\n\n%s%s\n", command->name,
		       *command->synopsis ? " " : "", command->synopsis, command->help,
		       i > 0 && command->help[i - 1] == '.' ? "" : ".");
		if (command->parameters[0].name)
			puts("\noptions:");
		print_parameters(command->parameters);
	} else {
		puts("usage: usher [OPTION...] COMMAND [OPTION...] [OPERAND...]\n\ncommands:");
		for (i = 0; i < COMMANDS; i++)
			printf("  %-18s %s\n", commands[i]->name, commands[i]->help);
	}
	puts("\noptions of every command:");
	print_parameters(arguments_global);
	return 0;
}

static int check_operands(const struct arguments *a, const struct command *command) {
	if (a->count < command->minimum)
		return arguments_refuse(a, "an operand is missing: %s", command->synopsis);
	if (a->count > command->maximum)
		return arguments_refuse(a, "one operand too many: '%s'",
					a->operands[command->maximum]);
	return command->check ? command->check(a) : 0;
}

static void close_handle(struct usher **usher) {
	usher_close(*usher);
}

static int connect_and_run(struct arguments *a, const struct command *command, bool with_agent) {
	_cleanup_(close_handle) struct usher *usher = NULL;
	pid_t agent = 0;
	int r = 0;

	if (!command->alone)
		r = connection_open(a, &usher);
	if (r == 0 && !command->alone)
		r = connection_find_place(a, usher);
	if (r == 0 && with_agent)
		agent = agent_start();
	if (r == 0)
		r = command->run(a, usher);
	else if (command->program)
		r = EXIT_OURS;
	agent_stop(agent);
	if (r != 0 || command->alone || command->program || !a->keys.lifetime ||
	    strcmp(a->keys.lifetime, "connection") != 0)
		return r;
	fflush(stdout);
	return connection_hold(a, usher);
}

static int run_command(struct arguments *a, const struct command *command) {
	bool ask = a->ask;
	int r;

	r = connection_open_places(a);
	if (r != 0)
		return command->program ? EXIT_OURS : r;
	/* Nobody waits for an agent who may well not be asked. */
	a->ask_later = command->asks_later && ask;
	a->ask = ask && !command->asks_later;
	a->networks = command->networks;
	r = connect_and_run(a, command, command->asks && a->ask && a->count > 0);
	if (r != EXIT_ASK || !a->ask_later)
		return r;
	a->ask_later = false;
	a->ask = true;
	return connect_and_run(a, command, true);
}

static int parse_command(struct arguments *a, const struct command *command, int argc,
			 char **argv) {
	int r;

	r = arguments_parse(a, command->parameters, command->program, argc, argv);
	if (r != 0 || !command->placed || a->count == 0)
		return r;
	/* After the place there are options again, and maybe the two dashes. */
	r = arguments_set_place(a, a->operands[0]);
	return r != 0 ? r : arguments_parse(a, command->parameters, true, a->count, a->operands);
}

/* Some commands are two words. */
static int refuse_command(struct arguments *a, char **argv) {
	if (strcmp(argv[0], "namespace") != 0)
		return arguments_refuse(a, "'%s' is no command", argv[0]);
	if (!argv[1] || *argv[1] == '-')
		return arguments_refuse(a, "a word is missing: namespace create, attach, list, "
					   "show, enter or destroy");
	return arguments_refuse(a, "'namespace %s' is no command", argv[1]);
}

/* From the command's name on; what stood before it is in the arguments already. */
static int start_command(struct arguments *a, int argc, char **argv) {
	const struct command *command;
	int r, words;

	if (argc == 0)
		return arguments_refuse(a, "a command is missing");
	command = find_command(argv, &words);
	if (!command)
		return refuse_command(a, argv);
	a->command = command->name;
	r = parse_command(a, command, argc - words + 1, argv + words - 1);
	if (r != 0)
		return r;
	if (a->help)
		return print_help(command);
	if (a->version)
		return print_version();
	r = check_operands(a, command);
	return r != 0 ? r : run_command(a, command);
}

static int start(struct arguments *a, int argc, char **argv) {
	int r = arguments_parse(a, NULL, true, argc, argv);

	if (r == 0 && a->help && a->count == 0)
		return print_help(NULL);
	if (r == 0 && a->version)
		return print_version();
	return r != 0 ? r : start_command(a, a->count, a->operands);
}

int main(int argc, char **argv) {
	struct arguments arguments = ARGUMENTS_INIT;
	int status;

	status = start(&arguments, argc, argv);
	connection_close_places(&arguments);
	arguments_done(&arguments);
	if (status < 0) {
		fprintf(stderr, "usher: %s\n", strerror(-status));
		status = EXIT_REFUSED;
	}
	if (ferror(stdout) || fclose(stdout) != 0) {
		fprintf(stderr, "usher: cannot write the answer: %s\n", strerror(errno));
		return status ? status : EXIT_REFUSED;
	}
	return status;
}
