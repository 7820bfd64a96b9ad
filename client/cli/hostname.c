/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher hostname: tell it or set it. */

#include <stdlib.h>

#include "../cleanup.h"
#include "command.h"

static const struct parameter parameters[] = { { NULL, 0, 0, NULL, NULL } };

static int hostname_run(const struct arguments *a, struct usher *usher) {
	_cleanup_free_ char *name = NULL;
	int r;

	if (a->count == 1) {
		r = usher_set_hostname(usher, a->operands[0], &a->keys);
		return r < 0 ? answer_refusal(a, usher, a->operands[0], r) : answer_nothing(a);
	}
	r = usher_get_hostname(usher, &a->keys, &name);
	return r < 0 ? answer_refusal(a, usher, NULL, r) : answer_value(a, "hostname", name);
}

const struct command command_hostname = {
	.name = "hostname",
	.synopsis = "[NAME]",
	.help = "Tell or set the host name",
	.parameters = parameters,
	.minimum = 0,
	.maximum = 1,
	.asks = true,
	.run = hostname_run,
};
