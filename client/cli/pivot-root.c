/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher pivot-root: another root for a mount namespace. */

#include "command.h"

static const struct parameter parameters[] = { { NULL, 0, 0, NULL, NULL } };

static int pivot_root_run(const struct arguments *a, struct usher *usher) {
	int r = usher_pivot_root(usher, a->operands[0], a->operands[1], &a->keys);

	return r < 0 ? answer_refusal(a, usher, a->operands[0], r) : answer_nothing(a);
}

const struct command command_pivot_root = {
	.name = "pivot-root",
	.synopsis = "NEW OLD",
	.help = "Make a mount the root; the old root is found at OLD, below it",
	.parameters = parameters,
	.minimum = 2,
	.maximum = 2,
	.asks = true,
	.run = pivot_root_run,
};
