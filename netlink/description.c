/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "description.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

/* One object or array in another. */
struct text {
	FILE *out;
	bool more; /* something stands before what comes next */
};

static void part(struct text *text) {
	if (text->more)
		(void)fputc(',', text->out);
	text->more = true;
}

/* The tables are ours: of what JSON has to have escaped there may be a quote in a summary. */
static void put_string(struct text *text, const char *string) {
	(void)fputc('"', text->out);
	for (; *string; string++) {
		if (*string == '"' || *string == '\\')
			(void)fputc('\\', text->out);
		(void)fputc(*string, text->out);
	}
	(void)fputc('"', text->out);
}

static void put_key(struct text *text, const char *key) {
	part(text);
	put_string(text, key);
	(void)fputc(':', text->out);
}

static void open_list(struct text *text, const char *key, char bracket) {
	if (key)
		put_key(text, key);
	else
		part(text);
	(void)fputc(bracket, text->out);
	text->more = false;
}

static void close_list(struct text *text, char bracket) {
	(void)fputc(bracket, text->out);
	text->more = true;
}

static void put_member(struct text *text, const char *key, const char *value) {
	if (!value)
		return;
	put_key(text, key);
	put_string(text, value);
}

static void put_true(struct text *text, const char *key, bool is_true) {
	if (!is_true)
		return;
	put_key(text, key);
	(void)fputs("true", text->out);
}

/* ---- fields ---- */

/* As it is on the bus. */
static const char *plain_type(const struct netlink_field *field) {
	if (field->words)
		return field->words->bits ? "as" : "s";
	switch (field->form) {
	case USHER_NETLINK_BOOL: return "b";
	case USHER_NETLINK_U8:
	case USHER_NETLINK_U16:
	case USHER_NETLINK_U32: return "u";
	case USHER_NETLINK_U64: return "t";
	case USHER_NETLINK_S8:
	case USHER_NETLINK_S16:
	case USHER_NETLINK_S32: return "i";
	case USHER_NETLINK_S64: return "x";
	case USHER_NETLINK_BYTES: return "ay";
	case USHER_NETLINK_OBJECT: return "a{sv}";
	case USHER_NETLINK_OBJECTS: return "aa{sv}";
	default: return "s";
	}
}

static void put_type(struct text *text, const struct netlink_field *field) {
	char type[16];

	if (field->form == USHER_NETLINK_LIST && field->nested && field->nested->fields->name)
		(void)snprintf(type, sizeof type, "a%s", plain_type(field->nested->fields));
	else
		(void)snprintf(type, sizeof type, "%s", plain_type(field));
	put_member(text, "type", type);
}

static void put_words(struct text *text, const struct netlink_words *words) {
	if (!words)
		return;
	open_list(text, words->bits ? "bits" : "words", '{');
	for (size_t i = 0; i < words->n; i++) {
		put_key(text, words->words[i].name);
		(void)fprintf(text->out, "%" PRIu64, words->words[i].value);
	}
	close_list(text, '}');
}

static void put_fields(struct text *text, const struct netlink_schema *schema, unsigned depth);

static void put_variants(struct text *text, const struct netlink_field *field, unsigned depth) {
	put_member(text, "variant-by", field->variant_by);
	open_list(text, "variants", '{');
	for (const struct netlink_variant *variant = field->variants; variant->kind; variant++) {
		open_list(text, variant->kind, '[');
		put_fields(text, variant->schema, depth - 1);
		close_list(text, ']');
	}
	close_list(text, '}');
}

static void put_field(struct text *text, const struct netlink_field *field, unsigned depth) {
	open_list(text, NULL, '{');
	put_member(text, "name", field->name);
	put_type(text, field);
	put_member(text, "unit", field->unit);
	put_words(text, field->words);
	put_member(text, "filter", field->filtered != NETLINK_FILTERED_HERE ? "kernel" : NULL);
	put_true(text, "privileged", field->privileged);
	put_true(text, "read-only", field->read_only);
	if (field->variants && depth > 0)
		put_variants(text, field, depth);
	else if (field->nested && field->form != USHER_NETLINK_LIST && depth > 0) {
		open_list(text, "fields", '[');
		put_fields(text, field->nested, depth - 1);
		close_list(text, ']');
	}
	close_list(text, '}');
}

/* Of one name there may be several, in different messages, that are one column. */
static bool is_first(const struct netlink_schema *schema, const struct netlink_field *field) {
	for (const struct netlink_field *other = schema->fields; other < field; other++)
		if (strcmp(other->name, field->name) == 0)
			return false;
	return true;
}

static void put_fields(struct text *text, const struct netlink_schema *schema, unsigned depth) {
	for (const struct netlink_field *field = schema->fields; field->name; field++)
		if (is_first(schema, field))
			put_field(text, field, depth);
}

/* ---- types ---- */

static void put_head(struct text *text, const struct netlink_type *type) {
	put_member(text, "type", type->name);
	put_member(text, "summary", type->summary);
	put_true(text, "changes", type->changes);
	put_true(text, "privileged", type->privileged);
	put_true(text, "lookup-only", type->lookup_only);
	put_true(text, "monitored", type->groups != NULL);
}

static void put_whole(struct text *text, const struct netlink_type *type) {
	open_list(text, NULL, '{');
	put_head(text, type);
	open_list(text, "keys", '[');
	for (const char *const *key = type->keys; key && *key; key++) {
		part(text);
		put_string(text, *key);
	}
	close_list(text, ']');
	open_list(text, "fields", '[');
	put_fields(text, &type->schema, USHER_NETLINK_DEPTH_MAX);
	close_list(text, ']');
	close_list(text, '}');
}

static void put_all(struct text *text) {
	open_list(text, NULL, '[');
	for (size_t i = 0; i < netlink_types_n; i++) {
		open_list(text, NULL, '{');
		put_head(text, netlink_types[i]);
		close_list(text, '}');
	}
	close_list(text, ']');
}

static char *describe(const struct netlink_type *type) {
	char *ret = NULL;
	size_t size = 0;
	struct text text = { .out = open_memstream(&ret, &size) };

	if (!text.out)
		return NULL;
	if (type)
		put_whole(&text, type);
	else
		put_all(&text);
	if (fclose(text.out) == 0)
		return ret;
	free(ret);
	return NULL;
}

/* ---- what was made ---- */

const char *description_of(const struct netlink_type *type) {
	static char **made; /* in the order of the types, and of all behind them */
	size_t i = 0;

	if (!made)
		made = calloc(netlink_types_n + 1, sizeof *made);
	if (!made)
		return NULL;
	while (i < netlink_types_n && netlink_types[i] != type)
		i++;
	if (!made[i])
		made[i] = describe(type);
	return made[i];
}
