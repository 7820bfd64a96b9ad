/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher net get: which way packets to an address go. */

#include <errno.h>
#include <stdio.h>

#include "../cleanup.h"
#include "network.h"

static const struct parameter parameters[] = {
	{ "fields", 'f', PARAMETER_FIELDS, "NAME,...", "these fields, in this order" },
	{ NULL, 0, 0, NULL, NULL },
};

static void rows_done(struct usher_values ***rows) {
	usher_values_free_all(*rows);
}

static int get_check(const struct arguments *a) {
	return network_parse(a, 1, NULL);
}

static int get_run(const struct arguments *a, struct usher *usher) {
	_cleanup_network_values_ struct usher_values *filter = NULL;
	_cleanup_(rows_done) struct usher_values **rows = NULL;
	struct usher_netlink_options keys;
	int r = network_parse(a, 1, &filter);

	if (r == 0)
		r = usher_values_set_string(filter, "dst", a->operands[0]);
	if (r != 0)
		return r < 0 ? answer_failure(a, NULL, r) : r;
	keys = network_keys(a, filter);
	r = usher_netlink_query(usher, "route-get", (const char *const *)a->fields.items, &keys,
				&a->keys, &rows, NULL);
	if (r < 0)
		return answer_refusal(a, usher, a->operands[0], r);
	if (!rows[0])
		return answer_error(a, a->operands[0], -ENOENT, "there is no way there");
	return network_print(a, "route-get", rows[0]);
}

const struct command command_net_get = {
	.name = "net get",
	.synopsis = "ADDRESS [FIELD=VALUE]...",
	.help = "Tell which way packets to an address go",
	.parameters = parameters,
	.minimum = 1,
	.maximum = 64,
	.check = get_check,
	.networks = true,
	.asks_later = true,
	.run = get_run,
};
