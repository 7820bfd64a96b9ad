/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows for people and in JSON. */

#include <errno.h>
#include <string.h>

#include "../cleanup.h"
#include "network.h"
#include "table.h"
#include "text.h"
#include "usher-netlink-records.h"

/* ---- rows of a stream, as text ---- */

static int print_value(FILE *out, const struct usher_value *value);

/* The fields that are there, "kind=vlan id=7". */
static int print_row(FILE *out, const struct usher_row *row) {
	struct usher_value value;
	const char *between = "";
	int r = 0;

	for (unsigned i = 0; r >= 0 && i < row->n_fields; i++) {
		r = usher_row_get(row, i, &value);
		if (r <= 0)
			continue;
		if (*value.field->name)
			fprintf(out, "%s%s=", between, value.field->name);
		between = " ";
		r = print_value(out, &value);
	}
	return r;
}

static int print_rows(FILE *out, const struct usher_value *value) {
	bool list = value->field->form == USHER_NETLINK_LIST;
	struct usher_row row;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < value->count; i++) {
		r = usher_value_get_row(value, i, &row);
		if (r < 0)
			break;
		fputs(i > 0 ? "," : "", out);
		fputs(list ? "" : "{", out);
		r = print_row(out, &row);
		fputs(list ? "" : "}", out);
	}
	return r;
}

/* Rows lie in rows no deeper than USHER_NETLINK_DEPTH_MAX: the reader sees to that. */
static int print_value(FILE *out, const struct usher_value *value) {
	_cleanup_free_ char *text = NULL;

	if (value->field->form >= USHER_NETLINK_OBJECT)
		return print_rows(out, value);
	text = usher_value_to_string(value);
	return text && fputs(text, out) >= 0 ? 0 : -ENOMEM;
}

/* Names are anybody's. Nearly all need nothing, and there may be millions. */
static char *make_fit(char *text) {
	_cleanup_free_ char *raw = text;
	const char *at = text;

	while (at && (signed char)*at > 0)
		at++;
	return at && *at ? text_from_sentence(text) : take_pointer(raw);
}

/* What the path leads to; of several rows on the way, that of each. */
static int print_path(FILE *out, const struct usher_row *row, const char *path) {
	_cleanup_free_ char *name = strndup(path, strcspn(path, "."));
	const char *rest = name ? path + strlen(name) : NULL;
	struct usher_value value;
	struct usher_row inner;
	int r = name ? usher_row_find(row, name, &value) : -ENOMEM;

	if (r <= 0)
		return r == -ENOENT ? 0 : r;
	if (*rest == '\0')
		return print_value(out, &value);
	if (value.field->form != USHER_NETLINK_OBJECT && value.field->form != USHER_NETLINK_OBJECTS)
		return 0;
	for (size_t i = 0; r >= 0 && i < value.count; i++) {
		fputs(i > 0 ? "," : "", out);
		r = usher_value_get_row(&value, i, &inner);
		if (r >= 0)
			r = print_path(out, &inner, rest + 1);
	}
	return r;
}

static char *cell_of(const struct usher_row *row, const char *field) {
	struct usher_value value;
	char *text = NULL;
	size_t size;
	FILE *out;
	int r = usher_row_find(row, field, &value);

	if (r == 0 || (r == -ENOENT && !strchr(field, '.')))
		return strdup("");
	if (r > 0 && value.field->form < USHER_NETLINK_OBJECT)
		return usher_value_to_string(&value);
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	r = print_path(out, row, field);
	if (fclose(out) == 0 && r >= 0)
		return text;
	free(text);
	return NULL;
}

char *network_cell(const struct usher_row *row, const char *field) {
	return make_fit(cell_of(row, field));
}

/* ---- and in JSON ---- */

static struct json_object *value_json(const struct usher_value *value);

static struct json_object *rows_json(const struct usher_value *value) {
	struct json_object *array = json_object_new_array(), *element;
	struct usher_value one;
	struct usher_row row;

	for (size_t i = 0; array && i < value->count; i++) {
		element = NULL;
		if (usher_value_get_row(value, i, &row) == 0)
			element = value->field->form != USHER_NETLINK_LIST ? network_row_json(&row)
				  : usher_row_get(&row, 0, &one) > 0       ? value_json(&one)
									   : NULL;
		if (!element || json_object_array_add(array, element) < 0) {
			json_object_put(element);
			json_object_put(array);
			return NULL;
		}
	}
	return array;
}

/* Text as usher_value_to_string() has it, but a list of bits is one. */
static struct json_object *words_json(const char *text) {
	struct json_object *array = json_object_new_array();

	while (array && *text) {
		size_t length = strcspn(text, ",");

		json_object_array_add(array, json_object_new_string_len(text, (int)length));
		text += length + (text[length] == ',');
	}
	return array;
}

static struct json_object *value_json(const struct usher_value *value) {
	_cleanup_free_ char *text = NULL;
	struct usher_row row;

	switch (value->field->form) {
	case USHER_NETLINK_BOOL: return json_object_new_boolean(value->number != 0);
	case USHER_NETLINK_OBJECT:
		return usher_value_get_row(value, 0, &row) < 0 ? NULL : network_row_json(&row);
	case USHER_NETLINK_OBJECTS:
	case USHER_NETLINK_LIST: return rows_json(value);
	default: break;
	}
	if (value->field->form <= USHER_NETLINK_S64 && value->field->flags == 0)
		return value->field->form >= USHER_NETLINK_S8
			       ? json_object_new_int64(value->signed_number)
			       : json_object_new_uint64(value->number);
	text = usher_value_to_string(value);
	if (!text)
		return NULL;
	return value->field->flags & USHER_NETLINK_BITS ? words_json(text)
							: json_object_new_string(text);
}

struct json_object *network_row_json(const struct usher_row *row) {
	struct json_object *object = json_object_new_object(), *member;
	struct usher_value value;

	for (unsigned i = 0; object && i < row->n_fields; i++) {
		int r = usher_row_get(row, i, &value);

		if (r == 0)
			continue;
		member = r > 0 ? value_json(&value) : NULL;
		if (!member || json_object_object_add(object, value.field->name, member) < 0) {
			json_object_put(member);
			json_object_put(object);
			return NULL;
		}
	}
	return object;
}

/* ---- values that came over the bus ---- */

static int print_item(FILE *out, const struct usher_values *values, const char *name);

static int print_items(FILE *out, const struct usher_values *inside, bool list) {
	char place[24];
	int r = 0;

	for (size_t i = 0; r >= 0 && i < usher_values_count(inside); i++) {
		const char *name = usher_values_name(inside, i);

		(void)snprintf(place, sizeof place, "%zu", i);
		fputs(i == 0 ? "" : list ? "," : " ", out);
		if (!list)
			fprintf(out, "%s=", name);
		r = print_item(out, inside, list ? place : name);
	}
	return r;
}

static int print_item(FILE *out, const struct usher_values *values, const char *name) {
	_cleanup_free_ char *text = NULL;
	const struct usher_values *inside;
	int r;

	if (usher_values_get_values(values, name, &inside) == 0) {
		bool list = usher_values_get_type(values, name) == USHER_VALUES_LIST;

		fputs(list ? "" : "{", out);
		r = print_items(out, inside, list);
		fputs(list ? "" : "}", out);
		return r;
	}
	text = usher_values_to_string(values, name);
	return text && fputs(text, out) >= 0 ? 0 : -ENOMEM;
}

char *network_value_cell(const struct usher_values *values, const char *field) {
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r;

	if (!out)
		return NULL;
	r = usher_values_get_type(values, field) == USHER_VALUES_NONE
		    ? 0
		    : print_item(out, values, field);
	if (fclose(out) == 0 && r >= 0)
		return make_fit(text);
	free(text);
	return NULL;
}

static struct json_object *item_json(const struct usher_values *values, const char *name);

static struct json_object *list_json(const struct usher_values *list) {
	struct json_object *array = json_object_new_array();
	char place[24];

	for (size_t i = 0; array && i < usher_values_count(list); i++) {
		(void)snprintf(place, sizeof place, "%zu", i);
		json_object_array_add(array, item_json(list, place));
	}
	return array;
}

static struct json_object *item_json(const struct usher_values *values, const char *name) {
	_cleanup_free_ char *text = NULL;
	const struct usher_values *inside;
	uint64_t number;
	int64_t less;
	bool flag;

	switch (usher_values_get_type(values, name)) {
	case USHER_VALUES_FLAG:
		(void)usher_values_get_flag(values, name, &flag);
		return json_object_new_boolean(flag);
	case USHER_VALUES_NUMBER:
		(void)usher_values_get_number(values, name, &number);
		return json_object_new_uint64(number);
	case USHER_VALUES_SIGNED:
		(void)usher_values_get_signed(values, name, &less);
		return json_object_new_int64(less);
	case USHER_VALUES_LIST:
		(void)usher_values_get_values(values, name, &inside);
		return list_json(inside);
	case USHER_VALUES_ROW:
		(void)usher_values_get_values(values, name, &inside);
		return network_values_json(inside);
	default:
		text = usher_values_to_string(values, name);
		return text ? json_object_new_string(text) : NULL;
	}
}

struct json_object *network_values_json(const struct usher_values *values) {
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; object && i < usher_values_count(values); i++) {
		const char *name = usher_values_name(values, i);

		json_object_object_add(object, name, item_json(values, name));
	}
	return object;
}

static int add_line(struct table *table, const struct usher_values *row, const char *name) {
	int r;

	if (usher_values_get_type(row, name) == USHER_VALUES_NONE)
		return 0;
	r = table_add_name(table, name);
	return r == 0 ? table_add(table, network_value_cell(row, name)) : r;
}

int network_print(const struct arguments *a, const char *type, const struct usher_values *row) {
	const char *const *fields = network_fields(type);
	_cleanup_(table_done) struct table table = { .columns = 2 };
	int r = 0;

	if (a->json)
		return answer_json(network_values_json(row));
	for (size_t i = 0; r == 0 && fields && fields[i]; i++)
		r = add_line(&table, row, fields[i]);
	for (size_t i = 0; r == 0 && !fields && i < usher_values_count(row); i++)
		r = add_line(&table, row, usher_values_name(row, i));
	if (r < 0)
		return answer_failure(a, NULL, r);
	table_print(&table);
	return 0;
}
