/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher bind: a directory or file in a second place. */

#include <stdlib.h>

#include "../cleanup.h"
#include "command.h"

static const struct parameter parameters[] = {
	{ "recursive", 'R', PARAMETER_RECURSIVE, NULL, "with what is mounted below" },
	{ "idmap", 0, PARAMETER_IDMAP, "MAP",
	  "show owners mapped: ID-IN-FILES ID-SHOWN COUNT,..." },
	{ "idmap-pid", 0, PARAMETER_IDMAP_PID, "PID",
	  "as the user namespace of this process maps" },
	{ "options", 'o', PARAMETER_WORDS, "WORD[,WORD...]", "options of the mount" },
	{ "option", 'O', PARAMETER_WORD, "WORD", "one option, commas and all" },
	{ "read-only", 'r', PARAMETER_READ_ONLY, NULL, "the same as -o ro" },
	{ NULL, 0, 0, NULL, NULL },
};

static int bind_run(const struct arguments *a, struct usher *usher) {
	_cleanup_free_ char *object = NULL;
	int r;

	r = usher_bind(usher, a->operands[0], a->operands[1], (const char *const *)a->words.items,
		       &a->keys, &object);
	return r < 0 ? answer_refusal(a, usher, a->operands[1], r)
		     : answer_value(a, "object", object);
}

const struct command command_bind = {
	.name = "bind",
	.synopsis = "SOURCE TARGET",
	.help = "Show a directory or file in a second place",
	.parameters = parameters,
	.minimum = 2,
	.maximum = 2,
	.asks = true,
	.run = bind_run,
};
