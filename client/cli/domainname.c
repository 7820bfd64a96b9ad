/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher domainname: tell it or set it. */

#include <stdlib.h>

#include "../cleanup.h"
#include "command.h"

static const struct parameter parameters[] = { { NULL, 0, 0, NULL, NULL } };

static int domainname_run(const struct arguments *a, struct usher *usher) {
	_cleanup_free_ char *name = NULL;
	int r;

	if (a->count == 1) {
		r = usher_set_domainname(usher, a->operands[0], &a->keys);
		return r < 0 ? answer_refusal(a, usher, a->operands[0], r) : answer_nothing(a);
	}
	r = usher_get_domainname(usher, &a->keys, &name);
	return r < 0 ? answer_refusal(a, usher, NULL, r) : answer_value(a, "domainname", name);
}

const struct command command_domainname = {
	.name = "domainname",
	.synopsis = "[NAME]",
	.help = "Tell or set the NIS domain name",
	.parameters = parameters,
	.minimum = 0,
	.maximum = 1,
	.asks = true,
	.run = domainname_run,
};
