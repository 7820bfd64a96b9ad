/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher remount: other options, other propagation. */

#include "command.h"

static const struct parameter parameters[] = {
	{ "options", 'o', PARAMETER_WORDS, "WORD[,WORD...]", "options of the mount" },
	{ "option", 'O', PARAMETER_WORD, "WORD", "one option, commas and all" },
	{ "read-only", 'r', PARAMETER_READ_ONLY, NULL, "the same as -o ro" },
	{ "recursive", 'R', PARAMETER_RECURSIVE, NULL, "with what is mounted below" },
	{ "propagation", 0, PARAMETER_PROPAGATION, "KIND", "private, shared, slave or unbindable" },
	{ NULL, 0, 0, NULL, NULL },
};

static int remount_check(const struct arguments *a) {
	if (a->words.count == 0 && !a->keys.propagation)
		return arguments_refuse(a,
					"nothing to change: -o, -O, -r or --propagation says what");
	return 0;
}

static int remount_run(const struct arguments *a, struct usher *usher) {
	int r;

	r = usher_remount(usher, a->operands[0], (const char *const *)a->words.items, &a->keys);
	return r < 0 ? answer_refusal(a, usher, a->operands[0], r) : answer_nothing(a);
}

const struct command command_remount = {
	.name = "remount",
	.synopsis = "TARGET",
	.help = "Change the options or the propagation of a mount",
	.parameters = parameters,
	.minimum = 1,
	.maximum = 1,
	.check = remount_check,
	.asks = true,
	.run = remount_run,
};
