/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher move: a mount to another place. */

#include "command.h"

static const struct parameter parameters[] = { { NULL, 0, 0, NULL, NULL } };

static int move_run(const struct arguments *a, struct usher *usher) {
	int r = usher_move(usher, a->operands[0], a->operands[1], &a->keys);

	return r < 0 ? answer_refusal(a, usher, a->operands[0], r) : answer_nothing(a);
}

const struct command command_move = {
	.name = "move",
	.synopsis = "FROM TO",
	.help = "Move a mount, and what is mounted below it",
	.parameters = parameters,
	.minimum = 2,
	.maximum = 2,
	.asks = true,
	.run = move_run,
};
