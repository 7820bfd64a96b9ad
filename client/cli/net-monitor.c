/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher net monitor: what changes in a network, line by line. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../cleanup.h"
#include "network.h"
#include "usher-netlink-records.h"

static const struct parameter parameters[] = {
	{ "fields", 'f', PARAMETER_FIELDS, "NAME,...", "these fields" },
	{ "snapshot", 's', PARAMETER_SNAPSHOT, NULL, "begin with what there is" },
	{ NULL, 0, 0, NULL, NULL },
};

static void rows_done(struct usher_rows **rows) {
	usher_rows_close(*rows);
}

static const char *action_name(unsigned action) {
	switch (action) {
	case USHER_NETLINK_NEW: return "new";
	case USHER_NETLINK_CHANGE: return "change";
	case USHER_NETLINK_DEL: return "del";
	case USHER_NETLINK_GAP: return "gap";
	case USHER_NETLINK_SYNCED: return "synced";
	default: return "row";
	}
}

static int print_json(const struct usher_row *row) {
	struct json_object *object = json_object_new_object(), *inside;

	if (!object)
		return -ENOMEM;
	json_object_object_add(object, "action", json_object_new_string(action_name(row->action)));
	if (row->action == USHER_NETLINK_GAP)
		json_object_object_add(object, "lost", json_object_new_uint64(row->lost));
	if (row->n_fields > 0) {
		inside = network_row_json(row);
		if (!inside) {
			json_object_put(object);
			return -EBADMSG;
		}
		json_object_object_add(object, "type", json_object_new_string(row->type));
		json_object_object_add(object, "row", inside);
	}
	return answer_json(object) == 0 ? 0 : -ENOMEM;
}

static int print_text(const struct usher_row *row) {
	const char *const *fields = NULL;

	fputs(action_name(row->action), stdout);
	if (row->action == USHER_NETLINK_GAP)
		printf(" %" PRIu64, row->lost);
	if (row->n_fields > 0) {
		printf(" %s", row->type);
		fields = network_fields(row->type);
	}
	for (unsigned i = 0; fields ? fields[i] != NULL : i < row->n_fields; i++) {
		const char *name = fields ? fields[i] : usher_row_field(row, i)->name;
		_cleanup_free_ char *cell = network_cell(row, name);

		if (!cell)
			return -EBADMSG;
		if (*cell)
			printf(" %s=%s", name, cell);
	}
	putchar('\n');
	return 0;
}

static int follow(const struct arguments *a, struct usher_rows *rows) {
	struct usher_row row;
	int r;

	while ((r = usher_rows_next(rows, &row)) > 0) {
		r = a->json ? print_json(&row) : print_text(&row);
		if (r == 0 && fflush(stdout) != 0)
			r = -errno;
		if (r < 0)
			return answer_failure(a, NULL, r);
	}
	return r == -ENODATA || r == 0 ? answer_error(a, NULL, -ENOTCONN, "the monitor has ended")
				       : answer_failure(a, NULL, r);
}

/* The types come first, and then what has an equals sign. */
static int count_types(const struct arguments *a) {
	int n = 0;

	while (n < a->count && !strchr(a->operands[n], '='))
		n++;
	return n;
}

static int monitor_check(const struct arguments *a) {
	return network_parse(a, count_types(a), NULL);
}

static int monitor_run(const struct arguments *a, struct usher *usher) {
	static const char *const usual[] = { "link", "address", "route", "neighbour",
					     "rule", "nexthop", NULL };
	const int n = count_types(a);
	_cleanup_free_ const char **types = calloc((size_t)n + 1, sizeof *types);
	_cleanup_network_values_ struct usher_values *filter = NULL;
	_cleanup_(rows_done) struct usher_rows *rows = NULL;
	struct usher_netlink_options keys;
	int r = types ? network_parse(a, n, &filter) : -ENOMEM;

	if (r != 0)
		return r < 0 ? answer_failure(a, NULL, r) : r;
	for (int i = 0; i < n; i++)
		types[i] = network_type(a->operands[i]);
	keys = network_keys(a, filter);
	keys.no_snapshot = !a->snapshot;
	r = usher_netlink_open_monitor(usher, n > 0 ? types : usual,
				       (const char *const *)a->fields.items, &keys, &a->keys, &rows,
				       NULL);
	return r < 0 ? answer_refusal(a, usher, NULL, r) : follow(a, rows);
}

const struct command command_net_monitor = {
	.name = "net monitor",
	.synopsis = "[WHAT]... [FIELD=VALUE]...",
	.help = "Tell what changes in a network",
	.parameters = parameters,
	.minimum = 0,
	.maximum = 256,
	.check = monitor_check,
	.networks = true,
	.asks_later = true,
	.run = monitor_run,
};
