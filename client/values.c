/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values by name. */

#include "values.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { ELEMENTS_MAX = 4096, DEPTH_MAX = 16 };

int usher_values_new(struct usher_values **ret) {
	struct usher_values *values = calloc(1, sizeof *values);

	if (!values)
		return -ENOMEM;
	*ret = values;
	return 0;
}

static void free_value(struct values_item *item) {
	if (item->type == USHER_VALUES_STRING || item->type == USHER_VALUES_BYTES)
		free(item->bytes);
	else if (item->type == USHER_VALUES_LIST || item->type == USHER_VALUES_ROW)
		usher_values_free(item->inside);
	item->type = USHER_VALUES_NONE;
}

struct usher_values *usher_values_free(struct usher_values *values) {
	if (!values)
		return NULL;
	for (size_t i = 0; i < values->n; i++) {
		free_value(&values->items[i]);
		free(values->items[i].name);
	}
	free(values->items);
	free(values);
	return NULL;
}

struct usher_values **usher_values_free_all(struct usher_values **rows) {
	for (size_t i = 0; rows && rows[i]; i++)
		usher_values_free(rows[i]);
	free(rows);
	return NULL;
}

struct values_item *values_add(struct usher_values *values, const char *name) {
	_cleanup_free_ char *copy = name ? strdup(name) : NULL;
	struct values_item *larger;

	if (name && !copy)
		return NULL;
	larger = reallocarray(values->items, values->n + 1, sizeof *larger);
	if (!larger)
		return NULL;
	values->items = larger;
	larger[values->n] = (struct values_item){ .name = take_pointer(copy) };
	return &larger[values->n++];
}

int values_set_bytes(struct values_item *item, enum usher_values_type type, const void *bytes,
		     size_t length) {
	uint8_t *copy = malloc(length + 1);

	if (!copy)
		return -ENOMEM;
	if (length > 0)
		memcpy(copy, bytes, length);
	copy[length] = 0;
	free_value(item);
	item->type = type;
	item->bytes = copy;
	item->length = length;
	return 0;
}

/* ---- names that lead into others ---- */

/* The length of the first part of a name, which ends at a dot. */
static size_t part_length(const char *name) {
	return strcspn(name, ".");
}

static const char *part_next(const char *name) {
	const char *rest = name + part_length(name);

	return *rest ? rest + 1 : NULL;
}

/* Whether the part is the place of an element. */
static bool part_is_place(const char *name, size_t *ret) {
	size_t length = part_length(name), place = 0;

	if (length == 0 || length > 4)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!isdigit((unsigned char)name[i]))
			return false;
		place = place * 10 + (size_t)(name[i] - '0');
	}
	*ret = place;
	return true;
}

static struct values_item *find_part(const struct usher_values *values, const char *name) {
	size_t length = part_length(name), place;

	if (values->is_list)
		return part_is_place(name, &place) && place < values->n ? &values->items[place]
									: NULL;
	for (size_t i = 0; i < values->n; i++)
		if (strlen(values->items[i].name) == length &&
		    memcmp(values->items[i].name, name, length) == 0)
			return &values->items[i];
	return NULL;
}

static const struct values_item *find(const struct usher_values *values, const char *name) {
	const struct values_item *item = NULL;

	for (const char *part = name; part; part = part_next(part)) {
		if (item)
			values = item->type == USHER_VALUES_LIST || item->type == USHER_VALUES_ROW
					 ? item->inside
					 : NULL;
		item = values ? find_part(values, part) : NULL;
		if (!item)
			return NULL;
	}
	return item;
}

/* The item of the part, new if need be; elements follow one another. */
static int make_part(struct usher_values *values, const char *name, struct values_item **ret) {
	_cleanup_free_ char *part = NULL;
	size_t place;

	*ret = find_part(values, name);
	if (*ret)
		return 0;
	if (part_length(name) == 0)
		return -EINVAL;
	if (values->is_list &&
	    (!part_is_place(name, &place) || place != values->n || place >= ELEMENTS_MAX))
		return -EINVAL;
	part = values->is_list ? NULL : strndup(name, part_length(name));
	if (!values->is_list && !part)
		return -ENOMEM;
	*ret = values_add(values, part);
	return *ret ? 0 : -ENOMEM;
}

/* What is inside of an item; `next` is the name of something in there. */
static int enter(struct values_item *item, const char *next, struct usher_values **ret) {
	size_t place;

	if (item->type == USHER_VALUES_NONE) {
		int r = usher_values_new(&item->inside);

		if (r < 0)
			return r;
		item->inside->is_list = part_is_place(next, &place);
		item->type = item->inside->is_list ? USHER_VALUES_LIST : USHER_VALUES_ROW;
	}
	if (item->type != USHER_VALUES_LIST && item->type != USHER_VALUES_ROW)
		return -EINVAL;
	*ret = item->inside;
	return 0;
}

static int make(struct usher_values *values, const char *name, struct values_item **ret) {
	struct values_item *item = NULL;
	unsigned depth = 0;
	int r = 0;

	for (const char *part = name; r == 0 && part; part = part_next(part)) {
		if (++depth > DEPTH_MAX)
			return -EINVAL;
		if (item)
			r = enter(item, part, &values);
		if (r == 0)
			r = make_part(values, part, &item);
	}
	*ret = item;
	return r;
}

/* ---- setting ---- */

/* An item to be set; NULL and the error kept if there is something wrong already. */
static struct values_item *begin(struct usher_values *values, const char *name) {
	struct values_item *item = NULL;

	if (values->error == 0)
		values->error = name ? make(values, name, &item) : -EINVAL;
	if (values->error < 0 || !item)
		return NULL;
	free_value(item);
	return item;
}

static int set_number(struct usher_values *values, const char *name, enum usher_values_type type,
		      uint64_t number) {
	struct values_item *item = begin(values, name);

	if (!item)
		return values->error;
	item->type = type;
	if (type == USHER_VALUES_FLAG)
		item->flag = number;
	else if (type == USHER_VALUES_SIGNED)
		item->signed_number = (int64_t)number;
	else
		item->number = number;
	return 0;
}

int usher_values_set_flag(struct usher_values *values, const char *name, bool value) {
	return set_number(values, name, USHER_VALUES_FLAG, value);
}

int usher_values_set_number(struct usher_values *values, const char *name, uint64_t value) {
	return set_number(values, name, USHER_VALUES_NUMBER, value);
}

int usher_values_set_signed(struct usher_values *values, const char *name, int64_t value) {
	return set_number(values, name, USHER_VALUES_SIGNED, (uint64_t)value);
}

static int set_bytes(struct usher_values *values, const char *name, enum usher_values_type type,
		     const void *bytes, size_t length) {
	struct values_item *item = begin(values, name);

	if (item)
		values->error = values_set_bytes(item, type, bytes, length);
	return values->error;
}

int usher_values_set_string(struct usher_values *values, const char *name, const char *value) {
	return set_bytes(values, value ? name : NULL, USHER_VALUES_STRING, value,
			 value ? strlen(value) : 0);
}

int usher_values_set_bytes(struct usher_values *values, const char *name, const void *bytes,
			   size_t length) {
	return set_bytes(values, bytes || length == 0 ? name : NULL, USHER_VALUES_BYTES, bytes,
			 length);
}

int usher_values_set_words(struct usher_values *values, const char *name,
			   const char *const words[]) {
	struct values_item *item = begin(values, words ? name : NULL), *element;

	if (!item)
		return values->error;
	values->error = usher_values_new(&item->inside);
	if (values->error < 0)
		return values->error;
	item->type = USHER_VALUES_LIST;
	item->inside->is_list = true;
	for (; *words && values->error == 0; words++) {
		element = values_add(item->inside, NULL);
		values->error = element ? values_set_bytes(element, USHER_VALUES_STRING, *words,
							   strlen(*words))
					: -ENOMEM;
	}
	return values->error;
}

/* ---- getting ---- */

enum usher_values_type usher_values_get_type(const struct usher_values *values, const char *name) {
	const struct values_item *item = find(values, name);

	return item ? item->type : USHER_VALUES_NONE;
}

static int get(const struct usher_values *values, const char *name, enum usher_values_type type,
	       const struct values_item **ret) {
	*ret = find(values, name);
	if (!*ret)
		return -ENOENT;
	return (*ret)->type == type ? 0 : -EINVAL;
}

int usher_values_get_flag(const struct usher_values *values, const char *name, bool *ret) {
	const struct values_item *item;
	int r = get(values, name, USHER_VALUES_FLAG, &item);

	if (r == 0)
		*ret = item->flag;
	return r;
}

int usher_values_get_number(const struct usher_values *values, const char *name, uint64_t *ret) {
	const struct values_item *item;
	int r = get(values, name, USHER_VALUES_NUMBER, &item);

	if (r == -EINVAL && item->type == USHER_VALUES_SIGNED)
		r = item->signed_number < 0 ? -ERANGE : 0;
	if (r == 0)
		*ret = item->number;
	return r;
}

int usher_values_get_signed(const struct usher_values *values, const char *name, int64_t *ret) {
	const struct values_item *item;
	int r = get(values, name, USHER_VALUES_SIGNED, &item);

	if (r == -EINVAL && item->type == USHER_VALUES_NUMBER)
		r = item->number > INT64_MAX ? -ERANGE : 0;
	if (r == 0)
		*ret = item->signed_number;
	return r;
}

int usher_values_get_string(const struct usher_values *values, const char *name, const char **ret) {
	const struct values_item *item;
	int r = get(values, name, USHER_VALUES_STRING, &item);

	if (r == 0)
		*ret = (const char *)item->bytes;
	return r;
}

int usher_values_get_bytes(const struct usher_values *values, const char *name, const void **ret,
			   size_t *ret_length) {
	const struct values_item *item;
	int r = get(values, name, USHER_VALUES_BYTES, &item);

	if (r < 0)
		return r;
	*ret = item->bytes;
	*ret_length = item->length;
	return 0;
}

int usher_values_get_values(const struct usher_values *values, const char *name,
			    const struct usher_values **ret) {
	const struct values_item *item = find(values, name);

	if (!item)
		return -ENOENT;
	if (item->type != USHER_VALUES_LIST && item->type != USHER_VALUES_ROW)
		return -EINVAL;
	*ret = item->inside;
	return 0;
}

size_t usher_values_count(const struct usher_values *values) {
	return values->n;
}

const char *usher_values_name(const struct usher_values *values, size_t i) {
	if (i >= values->n)
		return NULL;
	return values->items[i].name ? values->items[i].name : "";
}

/* ---- as text ---- */

static int print(FILE *out, const struct values_item *item) {
	_cleanup_free_ char *text = NULL;

	switch (item->type) {
	case USHER_VALUES_FLAG: fputs(item->flag ? "true" : "false", out); return 0;
	case USHER_VALUES_NUMBER: fprintf(out, "%" PRIu64, item->number); return 0;
	case USHER_VALUES_SIGNED: fprintf(out, "%" PRId64, item->signed_number); return 0;
	case USHER_VALUES_STRING:
		text = usher_escape((const char *)item->bytes);
		return text && fputs(text, out) >= 0 ? 0 : -ENOMEM;
	case USHER_VALUES_BYTES:
		for (size_t i = 0; i < item->length; i++)
			fprintf(out, "%02x", item->bytes[i]);
		return 0;
	case USHER_VALUES_LIST:
		for (size_t i = 0; i < item->inside->n; i++) {
			if (i > 0)
				putc(',', out);
			if (print(out, &item->inside->items[i]) < 0)
				return -EINVAL;
		}
		return 0;
	default: return -EINVAL;
	}
}

char *usher_values_to_string(const struct usher_values *values, const char *name) {
	const struct values_item *item = find(values, name);
	char *text = NULL;
	size_t size;
	FILE *out = item ? open_memstream(&text, &size) : NULL;
	bool good;

	if (!out)
		return NULL;
	good = print(out, item) == 0;
	if (fclose(out) == 0 && good)
		return text;
	free(text);
	return NULL;
}
