/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "schema.h"

#include <string.h>

enum { NAME_MAX_SIZE = 64 };

const struct netlink_type *netlink_type_find(const char *name) {
	for (size_t i = 0; i < netlink_types_n; i++)
		if (strcmp(netlink_types[i]->name, name) == 0)
			return netlink_types[i];
	return NULL;
}

static const struct netlink_field *find(const struct netlink_schema *schema, const char *path,
					unsigned depth) {
	size_t length = strcspn(path, ".");
	const struct netlink_field *found = NULL;

	for (const struct netlink_field *field = schema->fields; !found && field->name; field++) {
		if (strncmp(field->name, path, length) != 0 || field->name[length] != '\0')
			continue;
		if (path[length] == '\0')
			return field;
		if (depth == 0)
			return NULL;
		if (field->nested)
			found = find(field->nested, path + length + 1, depth - 1);
		for (const struct netlink_variant *variant = field->variants;
		     !found && variant && variant->kind; variant++)
			found = find(variant->schema, path + length + 1, depth - 1);
	}
	return found;
}

const struct netlink_field *netlink_field_find(const struct netlink_schema *schema,
					       const char *path) {
	return find(schema, path, USHER_NETLINK_DEPTH_MAX);
}

/* How many letters are to be changed, put in or left out to make one of the other; not above max.
 */
static size_t distance(const char *one, size_t n, const char *other, size_t max) {
	size_t row[NAME_MAX_SIZE + 1], m = strlen(other);

	if (n > NAME_MAX_SIZE || m > NAME_MAX_SIZE)
		return max;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t above_left = row[0], above;

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t least = above_left + (one[i - 1] != other[j - 1]);

			above = row[j];
			if (above + 1 < least)
				least = above + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			above_left = above;
			row[j] = least;
		}
	}
	return row[m] < max ? row[m] : max;
}

/* The better one of what has been found and this; *least begins as what is not alike any more. */
static void prefer(const char *wanted, size_t length, const char *name, size_t *least,
		   const char **ret) {
	size_t d = distance(wanted, length, name, *least);

	/* The beginning of a long name is meant as that name. */
	if (length > 2 && strncmp(wanted, name, length) == 0 && *least > 1)
		d = 1;
	if (d < *least) {
		*least = d;
		*ret = name;
	}
}

/* More than a third of the letters wrong is another word. */
static size_t unlike(size_t length) {
	return 1 + (length + 2) / 3;
}

const char *netlink_type_suggest(const char *name) {
	size_t length = strlen(name), least = unlike(length);
	const char *best = NULL;

	for (size_t i = 0; i < netlink_types_n; i++)
		prefer(name, length, netlink_types[i]->name, &least, &best);
	return best;
}

static void suggest(const struct netlink_schema *schema, const char *path, size_t *least,
		    const char **ret) {
	size_t length = strcspn(path, ".");

	for (const struct netlink_field *field = schema->fields; field->name; field++) {
		if (path[length] == '\0') {
			prefer(path, length, field->name, least, ret);
			continue;
		}
		if (strncmp(field->name, path, length) != 0 || field->name[length] != '\0')
			continue;
		if (field->nested)
			suggest(field->nested, path + length + 1, least, ret);
		for (const struct netlink_variant *variant = field->variants;
		     variant && variant->kind; variant++)
			suggest(variant->schema, path + length + 1, least, ret);
	}
}

const char *netlink_field_suggest(const struct netlink_schema *schema, const char *path) {
	const char *last = strrchr(path, '.'), *best = NULL;
	size_t least = unlike(strlen(last ? last + 1 : path));

	suggest(schema, path, &least, &best);
	return best;
}

const char *netlink_word_name(const struct netlink_words *words, uint64_t value) {
	/* Most tables count from 0. */
	if (value < words->n && words->words[value].value == value)
		return words->words[value].name;
	for (size_t i = 0; i < words->n; i++)
		if (words->words[i].value == value)
			return words->words[i].name;
	return NULL;
}

bool netlink_word_value(const struct netlink_words *words, const char *name, uint64_t *ret) {
	for (size_t i = 0; i < words->n; i++)
		if (strcmp(words->words[i].name, name) == 0) {
			*ret = words->words[i].value;
			return true;
		}
	return false;
}
