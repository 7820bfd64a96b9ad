/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values by name, to the bus and from there. */

#include <errno.h>
#include <string.h>

#include "values.h"

/* ---- out ---- */

/* The signature of a value: of the smallest types that nothing is lost in. NULL: a list of several
 * types, or of lists. */
static const char *signature_of(const struct values_item *item) {
	static const char *const of_one[] = {
		[USHER_VALUES_FLAG] = "b",   [USHER_VALUES_NUMBER] = "t",
		[USHER_VALUES_SIGNED] = "x", [USHER_VALUES_STRING] = "s",
		[USHER_VALUES_BYTES] = "ay", [USHER_VALUES_ROW] = "a{sv}",
	};
	static const char *const of_several[] = {
		[USHER_VALUES_FLAG] = "ab",   [USHER_VALUES_NUMBER] = "at",
		[USHER_VALUES_SIGNED] = "ax", [USHER_VALUES_STRING] = "as",
		[USHER_VALUES_BYTES] = "aay", [USHER_VALUES_ROW] = "aa{sv}",
	};

	const struct usher_values *list;

	if (item->type != USHER_VALUES_LIST)
		return of_one[item->type];
	list = item->inside;
	for (size_t i = 1; i < list->n; i++)
		if (list->items[i].type != list->items[0].type)
			return NULL;
	if (list->n == 0)
		return "as";
	return list->items[0].type == USHER_VALUES_LIST ? NULL : of_several[list->items[0].type];
}

static int append_text(struct bus_message *m, const char *bytes) {
	_cleanup_free_ char *text = usher_escape(bytes);

	return text ? bus_message_append_basic(m, 's', text) : -ENOMEM;
}

static int append_value(const struct values_item *item, struct bus_message *m) {
	int flag, r;

	switch (item->type) {
	case USHER_VALUES_FLAG: flag = item->flag; return bus_message_append_basic(m, 'b', &flag);
	case USHER_VALUES_NUMBER: return bus_message_append_basic(m, 't', &item->number);
	case USHER_VALUES_SIGNED: return bus_message_append_basic(m, 'x', &item->signed_number);
	case USHER_VALUES_STRING: return append_text(m, (const char *)item->bytes);
	case USHER_VALUES_BYTES: return bus_message_append_array(m, 'y', item->bytes, item->length);
	case USHER_VALUES_ROW: return values_append(item->inside, m);
	case USHER_VALUES_LIST:
		r = bus_message_open_container(m, 'a', signature_of(item) + 1);
		for (size_t i = 0; r >= 0 && i < item->inside->n; i++)
			r = append_value(&item->inside->items[i], m);
		return r < 0 ? r : bus_message_close_container(m);
	default: return -EINVAL;
	}
}

static int append_entry(const char *name, const struct values_item *item, struct bus_message *m) {
	const char *signature = signature_of(item);
	int r;

	if (!signature)
		return -EINVAL;
	r = bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = append_text(m, name);
	if (r >= 0)
		r = bus_message_open_container(m, 'v', signature);
	if (r >= 0)
		r = append_value(item, m);
	if (r >= 0)
		r = bus_message_close_container(m);
	return r < 0 ? r : bus_message_close_container(m);
}

int values_append(const struct usher_values *values, struct bus_message *m) {
	int r = bus_message_open_container(m, 'a', "{sv}");

	for (size_t i = 0; r >= 0 && i < values->n; i++)
		r = append_entry(values->items[i].name, &values->items[i], m);
	return r < 0 ? r : bus_message_close_container(m);
}

static int append_flat(const struct usher_values *values, const char *prefix,
		       struct bus_message *m) {
	int r = 0;

	for (size_t i = 0; r >= 0 && i < values->n; i++) {
		const struct values_item *item = &values->items[i];
		_cleanup_free_ char *name = NULL;

		if (asprintf(&name, "%s%s%s", prefix, *prefix ? "." : "", item->name) < 0)
			return -ENOMEM;
		r = item->type == USHER_VALUES_ROW ? append_flat(item->inside, name, m)
						   : append_entry(name, item, m);
	}
	return r;
}

int values_append_flat(const struct usher_values *values, struct bus_message *m) {
	return append_flat(values, "", m);
}

/* ---- in ---- */

static int read_number(struct bus_message *m, char type, struct values_item *item) {
	union {
		uint8_t y;
		uint16_t q;
		uint32_t u;
		uint64_t t;
		int16_t n;
		int32_t i;
		int64_t x;
		int b;
	} value;

	int r = bus_message_read_basic(m, type, &value);

	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	item->type = strchr("nix", type) ? USHER_VALUES_SIGNED : USHER_VALUES_NUMBER;
	switch (type) {
	case 'b':
		item->type = USHER_VALUES_FLAG;
		item->flag = value.b;
		break;
	case 'y': item->number = value.y; break;
	case 'q': item->number = value.q; break;
	case 'u': item->number = value.u; break;
	case 't': item->number = value.t; break;
	case 'n': item->signed_number = value.n; break;
	case 'i': item->signed_number = value.i; break;
	default: item->signed_number = value.x; break;
	}
	return 0;
}

static int read_text(struct bus_message *m, char type, struct values_item *item) {
	_cleanup_free_ char *bytes = NULL;
	const char *text;
	int r = bus_message_read_basic(m, type, &text);

	if (r > 0)
		r = usher_unescape(text, &bytes);
	if (r < 0)
		return r == -EINVAL ? -EBADMSG : r;
	return bytes ? values_set_bytes(item, USHER_VALUES_STRING, bytes, strlen(bytes)) : -EBADMSG;
}

static int read_bytes(struct bus_message *m, struct values_item *item) {
	const void *bytes;
	size_t size;
	int r = bus_message_read_bytes(m, &bytes, &size);

	return r < 0 ? r : values_set_bytes(item, USHER_VALUES_BYTES, bytes, size);
}

static int read_value(struct bus_message *m, const char *signature, struct values_item *item);

static int read_list(struct bus_message *m, const char *element, struct values_item *item) {
	struct values_item *one;
	int r = usher_values_new(&item->inside);

	if (r < 0)
		return r;
	item->type = USHER_VALUES_LIST;
	item->inside->is_list = true;
	r = bus_message_enter_container(m, 'a', element);
	while (r >= 0 && (r = bus_message_at_end(m)) == 0) {
		one = values_add(item->inside, NULL);
		r = one ? read_value(m, element, one) : -ENOMEM;
	}
	if (r >= 0)
		r = bus_message_exit_container(m);
	return r < 0 ? r : 0;
}

/* 1: it is of a type that no row has, and was passed over. */
static int read_value(struct bus_message *m, const char *signature, struct values_item *item) {
	int r;

	if (strchr("bnqiuxty", *signature))
		return read_number(m, *signature, item);
	if (strchr("sog", *signature))
		return read_text(m, *signature, item);
	if (strcmp(signature, "ay") == 0)
		return read_bytes(m, item);
	if (strcmp(signature, "a{sv}") == 0) {
		r = values_read(m, &item->inside);
		item->type = r < 0 ? USHER_VALUES_NONE : USHER_VALUES_ROW;
		return r;
	}
	if (*signature == 'a' && strchr("abnqiuxtysog", signature[1]))
		return read_list(m, signature + 1, item);
	r = bus_message_skip(m, signature);
	return r < 0 ? r : 1;
}

static int read_entry(struct bus_message *m, struct usher_values *values) {
	_cleanup_free_ char *name = NULL;
	const char *text, *signature;
	struct values_item *item;
	int r;

	r = bus_message_read_basic(m, 's', &text);
	if (r > 0)
		r = usher_unescape(text, &name);
	if (r >= 0)
		r = bus_message_peek_variant(m, &signature);
	if (r <= 0 || !name)
		return r == -ENOMEM ? r : -EBADMSG;
	item = values_add(values, name);
	if (!item)
		return -ENOMEM;
	r = bus_message_enter_container(m, 'v', signature);
	if (r >= 0)
		r = read_value(m, signature, item);
	if (r > 0) {
		free(item->name);
		values->n--;
	}
	return r < 0 ? r : bus_message_exit_container(m);
}

int values_read(struct bus_message *m, struct usher_values **ret) {
	_cleanup_values_ struct usher_values *values = NULL;
	int r = usher_values_new(&values);

	if (r < 0)
		return r;
	r = bus_message_enter_container(m, 'a', "{sv}");
	r = r == 0 ? -EBADMSG : r;
	while (r >= 0 && (r = bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = read_entry(m, values);
		if (r >= 0)
			r = bus_message_exit_container(m);
	}
	if (r >= 0)
		r = bus_message_exit_container(m);
	if (r < 0)
		return r;
	*ret = take_pointer(values);
	return 0;
}

/* Entries are made as everywhere, but a row is what was read. */
int values_read_all(struct bus_message *m, struct usher_values ***ret) {
	struct usher_values **rows = calloc(1, sizeof *rows), **larger;
	size_t n = 0;
	int r;

	if (!rows)
		return -ENOMEM;
	r = bus_message_enter_container(m, 'a', "a{sv}");
	r = r == 0 ? -EBADMSG : r;
	while (r >= 0 && (r = bus_message_at_end(m)) == 0) {
		larger = reallocarray(rows, n + 2, sizeof *rows);
		if (!larger) {
			r = -ENOMEM;
			break;
		}
		rows = larger;
		rows[n] = rows[n + 1] = NULL;
		r = values_read(m, &rows[n]);
		n += r >= 0;
	}
	if (r >= 0)
		r = bus_message_exit_container(m);
	if (r < 0) {
		usher_values_free_all(rows);
		return r;
	}
	*ret = rows;
	return (int)n;
}
