/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher net add, change, replace and del. */

#include <stdio.h>
#include <string.h>

#include "../cleanup.h"
#include "network.h"

static const struct parameter parameters[] = { { NULL, 0, 0, NULL, NULL } };

static int change_check(const struct arguments *a) {
	if (a->keys.lifetime)
		return arguments_refuse(a, "--lifetime: what is made here stays");
	return network_parse(a, 1, NULL);
}

static int change_run(const struct arguments *a, struct usher *usher) {
	_cleanup_network_values_ struct usher_values *row = NULL, *changed = NULL;
	struct usher_netlink_options keys = network_keys(a, NULL);
	const char *action = strchr(a->command, ' ') + 1, *type = network_type(a->operands[0]);
	int r = network_parse(a, 1, &row);

	if (r != 0)
		return r < 0 ? answer_failure(a, NULL, r) : r;
	r = usher_netlink_change(usher, action, type, row, &keys, &a->keys, &changed);
	if (r < 0)
		return answer_refusal(a, usher, a->operands[0], r);
	return strcmp(action, "del") == 0 ? answer_nothing(a) : network_print(a, type, changed);
}

#define COMMAND(word, line)                         \
	const struct command command_net_##word = { \
		.name = "net " #word,               \
		.synopsis = "WHAT FIELD=VALUE...",  \
		.help = line,                       \
		.parameters = parameters,           \
		.minimum = 2,                       \
		.maximum = 256,                     \
		.check = change_check,              \
		.networks = true,                   \
		.asks_later = true,                 \
		.run = change_run,                  \
	}

COMMAND(add, "Make a link, an address, a route ...");
COMMAND(change, "Change one that is there");
COMMAND(replace, "Change one, or make it");
COMMAND(del, "Remove one");
