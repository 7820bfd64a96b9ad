/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher net WHAT: lists links, addresses, routes and what else there is. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../cleanup.h"
#include "network.h"
#include "table.h"

static const struct parameter parameters[] = {
	{ "fields", 'f', PARAMETER_FIELDS, "NAME,...", "these fields, in this order" },
	{ "count", 'c', PARAMETER_COUNT, NULL, "only how many there are" },
	{ "limit", 'n', PARAMETER_ROWS, "NUMBER", "no more than so many" },
	{ "consistency", 0, PARAMETER_CONSISTENCY, "any|detect|retry",
	  "what if something changes meanwhile" },
	{ NULL, 0, 0, NULL, NULL },
};

/* A listing while it is printed. */
struct listing {
	const struct arguments *arguments;
	struct usher *usher;
	const char *type;
	struct usher_netlink_options keys;
};

static void rows_done(struct usher_rows **rows) {
	usher_rows_close(*rows);
}

static void info_done(struct usher_netlink_info **info) {
	usher_free_netlink_info(*info);
}

static int answer_incomplete(const struct listing *listing, const char *why, const char *message) {
	_cleanup_free_ char *text = NULL;

	if (asprintf(&text, "not complete: %s%s%s", why, *message ? ": " : "", message) < 0)
		return answer_failure(listing->arguments, NULL, -ENOMEM);
	return answer_error(listing->arguments, NULL, -EAGAIN, text);
}

/* ---- JSON: as the service has written it ---- */

static int write_all(const char *bytes, size_t size) {
	while (size > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

static int copy(int fd) {
	enum { PIECE = 256 * 1024 };

	_cleanup_free_ char *buffer = malloc(PIECE);
	ssize_t n;
	int r = 0;

	if (!buffer)
		return -ENOMEM;
	do {
		n = read(fd, buffer, PIECE);
		if (n > 0)
			r = write_all(buffer, (size_t)n);
	} while (r == 0 && (n > 0 || (n < 0 && errno == EINTR)));
	return n < 0 && r == 0 ? -errno : r;
}

/* By a file, of which it is known before whether it is complete. */
static int list_json(const struct listing *listing, const char *const *fields) {
	_cleanup_(info_done) struct usher_netlink_info *info = NULL;
	_cleanup_close_ int fd = -1;
	int r = usher_netlink_open_json(listing->usher, listing->type, fields, &listing->keys,
					&listing->arguments->keys, &fd, &info);

	if (r < 0)
		return answer_refusal(listing->arguments, listing->usher, NULL, r);
	r = copy(fd);
	if (r < 0)
		return answer_failure(listing->arguments, NULL, r);
	/* The last line says why. */
	return info->complete ? 0 : EXIT_REFUSED;
}

/* ---- tables and numbers: row by row ---- */

static int check_end(const struct listing *listing, const struct usher_rows *rows, int r) {
	struct usher_rows_end end;

	if (r == -ENODATA)
		return answer_incomplete(listing, "it broke off", "");
	if (r < 0)
		return answer_failure(listing->arguments, NULL, r);
	r = usher_rows_get_end(rows, &end);
	if (r < 0)
		return answer_failure(listing->arguments, NULL, r);
	return end.complete ? 0 : answer_incomplete(listing, end.why, end.message);
}

static int open_rows(const struct listing *listing, const char *const *fields,
		     struct usher_rows **ret) {
	int r = usher_netlink_open(listing->usher, listing->type, fields, &listing->keys,
				   &listing->arguments->keys, ret, NULL);

	return r < 0 ? answer_refusal(listing->arguments, listing->usher, NULL, r) : 0;
}

static int count(const struct listing *listing, const char *const *fields) {
	const char *first[] = { fields ? fields[0] : NULL, NULL };
	_cleanup_(rows_done) struct usher_rows *rows = NULL;
	struct json_object *object;
	struct usher_row row;
	uint64_t n = 0;
	int r = open_rows(listing, first, &rows);

	if (r != 0)
		return r;
	while ((r = usher_rows_next(rows, &row)) > 0)
		n++;
	r = check_end(listing, rows, r);
	if (r != 0)
		return r;
	if (!listing->arguments->json)
		return printf("%" PRIu64 "\n", n) < 0 ? EXIT_REFUSED : 0;
	object = json_object_new_object();
	if (object)
		json_object_object_add(object, "rows", json_object_new_uint64(n));
	return answer_json(object);
}

/* Column by column, or for want of columns what the row has. */
static int add_row(struct table *table, const struct usher_row *row, const char *const *fields) {
	int r = 0;

	for (size_t i = 0; r == 0 && fields[i]; i++)
		r = table_add(table, network_cell(row, fields[i]));
	return r;
}

static int add_head(struct table *table, const char *const *fields) {
	int r = 0;

	for (; r == 0 && fields[table->columns]; table->columns++)
		r = table_add(table, strdup(fields[table->columns]));
	return r;
}

/* The fields of a type of which nobody has said what is worth a column: those of its first row. */
static const char *const *all_fields(const struct usher_row *row) {
	const char **names = calloc(row->n_fields + 1, sizeof *names);

	for (unsigned i = 0; names && i < row->n_fields; i++)
		names[i] = strdup(usher_row_field(row, i)->name);
	return names;
}

static void names_done(char ***names) {
	usher_free_words(*names);
}

enum { AT_ONCE = 1000 }; /* so many rows have common columns; later ones may be wider */

static int print_rows(struct usher_rows *rows, const char *const *fields, struct table *table) {
	_cleanup_(names_done) char **all = NULL;
	struct usher_row row;
	int r;

	while ((r = usher_rows_next(rows, &row)) > 0) {
		if (!fields) {
			all = (char **)all_fields(&row);
			if (!all)
				return -ENOMEM;
			fields = (const char *const *)all;
		}
		if (table->columns == 0)
			r = add_head(table, fields);
		if (r >= 0)
			r = add_row(table, &row, fields);
		if (r < 0)
			return r;
		if (table->count >= AT_ONCE * table->columns)
			table_flush(table);
	}
	return r;
}

static int list_table(const struct listing *listing, const char *const *fields) {
	_cleanup_(rows_done) struct usher_rows *rows = NULL;
	_cleanup_(table_done) struct table table = { 0 };
	int r = open_rows(listing, fields, &rows);

	if (r != 0)
		return r;
	r = print_rows(rows, fields, &table);
	if (table.columns > 0)
		table_flush(&table);
	return check_end(listing, rows, r);
}

/* ---- the command ---- */

static int net_check(const struct arguments *a) {
	if (a->keys.lifetime)
		return arguments_refuse(a, "--lifetime: nothing is made");
	return network_parse(a, 1, NULL);
}

static int net_run(const struct arguments *a, struct usher *usher) {
	_cleanup_network_values_ struct usher_values *filter = NULL;
	struct listing listing = { a, usher, network_type(a->operands[0]), { 0 } };
	const char *const *fields = (const char *const *)a->fields.items;
	int r = network_parse(a, 1, &filter);

	if (r != 0)
		return r < 0 ? answer_failure(a, NULL, r) : r;
	listing.keys = network_keys(a, filter);
	if (a->json && !a->count_only)
		return list_json(&listing, fields);
	/* It is printed as it comes, unless it may have to be asked for again. */
	listing.keys.stream = !a->consistency || strcmp(a->consistency, "retry") != 0;
	if (!fields)
		fields = network_fields(listing.type);
	return a->count_only ? count(&listing, fields) : list_table(&listing, fields);
}

const struct command command_net = {
	.name = "net",
	.synopsis = "WHAT [FIELD=VALUE]...",
	.help = "List links, addresses, routes, neighbours, rules, sockets ...",
	.parameters = parameters,
	.minimum = 1,
	.maximum = 256,
	.check = net_check,
	.networks = true,
	.asks_later = true,
	.run = net_run,
};
