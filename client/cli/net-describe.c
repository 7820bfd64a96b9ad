/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher net describe: what can be asked for, and which fields it has. */

#include <errno.h>
#include <json-c/json_tokener.h>
#include <json-c/linkhash.h>
#include <stdio.h>
#include <string.h>

#include "../cleanup.h"
#include "network.h"
#include "table.h"

static const struct parameter parameters[] = { { NULL, 0, 0, NULL, NULL } };

/* A member as text, "" where there is none. */
static const char *member(struct json_object *object, const char *name) {
	struct json_object *value = json_object_object_get(object, name);

	return value ? json_object_get_string(value) : "";
}

/* The keys of an object, one after the other. */
static char *join(struct json_object *words) {
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *between = "";

	if (!out)
		return NULL;
	if (json_object_is_type(words, json_type_object)) {
		json_object_object_foreach(words, word, value) {
			(void)value;
			fprintf(out, "%s%s", between, word);
			between = ",";
		}
	}
	return fclose(out) == 0 ? text : NULL;
}

static int add_cells(struct table *table, size_t n, const char *const cells[]) {
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = table_add_name(table, cells[i]);
	return r;
}

static struct json_object *words_of(struct json_object *field) {
	struct json_object *words = json_object_object_get(field, "words");

	return words ? words : json_object_object_get(field, "bits");
}

static int add_field(struct table *table, const char *prefix, struct json_object *field);

static int add_fields(struct table *table, const char *prefix, struct json_object *fields) {
	size_t n =
		json_object_is_type(fields, json_type_array) ? json_object_array_length(fields) : 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_field(table, prefix, json_object_array_get_idx(fields, i));
	return r;
}

static int add_variants(struct table *table, const char *prefix, struct json_object *variants) {
	int r = 0;

	if (!json_object_is_type(variants, json_type_object))
		return 0;
	json_object_object_foreach(variants, kind, fields) {
		_cleanup_free_ char *inside = NULL;

		if (asprintf(&inside, "%s(%s)", prefix, kind) < 0)
			return -ENOMEM;
		r = r ? r : add_fields(table, inside, fields);
	}
	return r;
}

static int add_field(struct table *table, const char *prefix, struct json_object *field) {
	_cleanup_free_ char *name = NULL, *words = join(words_of(field));
	int r;

	if (!words ||
	    asprintf(&name, "%s%s%s", prefix, *prefix ? "." : "", member(field, "name")) < 0)
		return -ENOMEM;
	r = add_cells(table, 5,
		      (const char *const[]){ name, member(field, "type"), member(field, "unit"),
					     member(field, "filter"), words });
	if (r == 0)
		r = add_fields(table, name, json_object_object_get(field, "fields"));
	if (r == 0)
		r = add_variants(table, name, json_object_object_get(field, "variants"));
	return r;
}

static int add_types(struct table *table, struct json_object *types) {
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_object_array_length(types); i++) {
		struct json_object *type = json_object_array_get_idx(types, i);

		r = add_cells(table, 2,
			      (const char *const[]){ member(type, "type"),
						     member(type, "summary") });
	}
	return r;
}

static int print_description(const struct arguments *a, struct json_object *description) {
	_cleanup_(table_done) struct table table = { 0 };
	int r;

	if (json_object_is_type(description, json_type_array)) {
		table.columns = 2;
		r = add_types(&table, description);
	} else {
		printf("%s\n\n", member(description, "summary"));
		table.columns = 5;
		r = add_cells(&table, 5,
			      (const char *const[]){ "FIELD", "TYPE", "UNIT", "FILTER", "WORDS" });
		if (r == 0)
			r = add_fields(&table, "", json_object_object_get(description, "fields"));
	}
	if (r < 0)
		return answer_failure(a, NULL, r);
	table_print(&table);
	return 0;
}

static int describe_run(const struct arguments *a, struct usher *usher) {
	const char *type = a->count > 0 ? network_type(a->operands[0]) : NULL;
	struct json_object *description;
	_cleanup_free_ char *json = NULL;
	int r = usher_netlink_describe(usher, type, &json);

	if (r < 0)
		return answer_refusal(a, usher, type, r);
	if (a->json)
		return puts(json) < 0 ? EXIT_REFUSED : 0;
	description = json_tokener_parse(json);
	if (!description)
		return answer_error(a, type, -EBADMSG, "the description cannot be understood");
	r = print_description(a, description);
	json_object_put(description);
	return r;
}

const struct command command_net_describe = {
	.name = "net describe",
	.synopsis = "[WHAT]",
	.help = "Tell what can be asked for, and which fields it has",
	.parameters = parameters,
	.minimum = 0,
	.maximum = 1,
	.run = describe_run,
};
