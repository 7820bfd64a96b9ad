/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of a command line, one a line; the first byte says of which command. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "fuzz.h"
#include "text.h"

enum { WORDS_MAX = 64 };

static const struct command *const commands[] = {
	NULL, /* what stands before a command */
	&command_bind,
	&command_mount,
	&command_mounts,
	&command_overlay,
	&command_remount,
	&command_umount,
	&command_run,
	&command_enter,
	&command_namespace_create,
};

static void print(const char *text) {
	char *name = text_from_name(text), *back = NULL;

	must(name && usher_unescape(name, &back) == 0 && strcmp(back, text) == 0);
	free(name);
	free(back);
	text_print(stderr, text);
}

static void split(const char *text) {
	struct words words = WORDS_INIT;
	int r = words_split(&words, text);

	must(r == 0 || r == -EINVAL);
	for (size_t i = 0; i < words.count; i++)
		must(*words.items[i] && words_contain(&words, words.items[i]));
	must(!words.items || !words.items[words.count]);
	words_done(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const struct command *command;
	struct arguments arguments = ARGUMENTS_INIT;
	char *text, *rest, *argv[WORDS_MAX + 2] = { (char *)(unsigned long)"usher" };
	int argc = 1, r;

	if (size < 1)
		return 0;
	stderr = fopen("/dev/null", "w");
	must(stderr);
	command = commands[*data % (sizeof commands / sizeof *commands)];
	rest = text = strndup((const char *)data + 1, size - 1);
	must(text);
	split(text);
	print(text);
	for (char *word; argc <= WORDS_MAX && (word = strsep(&rest, "\n"));)
		argv[argc++] = word;
	r = arguments_parse(&arguments, command ? command->parameters : NULL,
			    !command || command->program, argc, argv);
	must(r == 0 || r == EXIT_USAGE);
	if (r == 0) {
		must(arguments.count >= 0 && arguments.count < argc &&
		     !arguments.operands[arguments.count]);
		if (command && command->check && arguments.count >= command->minimum &&
		    arguments.count <= command->maximum)
			(void)command->check(&arguments);
	}
	arguments_done(&arguments);
	free(text);
	(void)fclose(stderr);
	return 0;
}
