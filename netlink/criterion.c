/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "criterion.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/address.h"
#include "client/cleanup.h"
#include "client/escape.h"
#include "level.h"

/* The largest that has a text: of InfiniBand 20 bytes. */
enum { HARDWARE_MAX = 32 };

static bool is_signed(enum usher_netlink_form form) {
	return form >= USHER_NETLINK_S8 && form <= USHER_NETLINK_S64;
}

/* Bits that a number of this form has; 0: it is no number. */
static unsigned number_bits(enum usher_netlink_form form) {
	switch (form) {
	case USHER_NETLINK_U8:
	case USHER_NETLINK_S8: return 8;
	case USHER_NETLINK_U16:
	case USHER_NETLINK_S16: return 16;
	case USHER_NETLINK_U32:
	case USHER_NETLINK_S32: return 32;
	case USHER_NETLINK_U64:
	case USHER_NETLINK_S64: return 64;
	default: return 0;
	}
}

static bool number_fits(enum usher_netlink_form form, uint64_t number, bool negative) {
	unsigned bits = number_bits(form);

	if (negative)
		return is_signed(form) && (int64_t)number >= -(int64_t)(UINT64_C(1) << (bits - 1));
	if (is_signed(form))
		return number < UINT64_C(1) << (bits - 1);
	return bits == 64 || number < UINT64_C(1) << bits;
}

/* Decimal, or hexadecimal behind 0x, perhaps behind a minus. */
static bool parse_number(const char *text, uint64_t *ret, bool *ret_negative) {
	const char *begin = text + (*text == '-');
	char *end;

	if (*begin < '0' || *begin > '9')
		return false;
	errno = 0;
	*ret = strtoull(begin, &end, begin[0] == '0' && begin[1] == 'x' ? 16 : 10);
	*ret_negative = *text == '-' && *ret > 0;
	if (errno != 0 || *end != '\0' || (*ret_negative && *ret > UINT64_C(1) << 63))
		return false;
	if (*ret_negative)
		*ret = -*ret;
	return true;
}

static int refuse_number(const struct netlink_field *field, const char *key, const char *text,
			 struct refusal *refusal) {
	if (text && field->words)
		return refusal_note(refusal, REFUSED_INVALID, "%s: '%.64s' is no word for it", key,
				    text);
	if (text)
		return refusal_note(refusal, REFUSED_INVALID, "%s: '%.64s' is no such number", key,
				    text);
	return refusal_note(refusal, REFUSED_INVALID, "%s: it is a number of %u bits%s", key,
			    number_bits(field->form), is_signed(field->form) ? " with a sign" : "");
}

static int parse_as_number(const struct netlink_field *field, const char *key,
			   const Usher__Value *value, struct refusal *refusal, uint64_t *ret) {
	bool negative = false;

	if (value->text) {
		if (field->words && netlink_word_value(field->words, value->text, ret))
			return 0;
		if (!parse_number(value->text, ret, &negative))
			return refuse_number(field, key, value->text, refusal);
	} else if (value->has_number) {
		*ret = value->number;
	} else if (value->has_signed_number) {
		*ret = (uint64_t)value->signed_number;
		negative = value->signed_number < 0;
	} else {
		return refuse_number(field, key, NULL, refusal);
	}
	if (!number_fits(field->form, *ret, negative))
		return refuse_number(field, key, NULL, refusal);
	return 0;
}

static int parse_as_bool(const char *key, const Usher__Value *value, struct refusal *refusal,
			 uint64_t *ret) {
	if (value->has_boolean)
		*ret = value->boolean;
	else if (value->text && strcmp(value->text, "true") == 0)
		*ret = 1;
	else if (value->text && strcmp(value->text, "false") == 0)
		*ret = 0;
	else
		return refusal_note(refusal, REFUSED_INVALID, "%s: it is true or false", key);
	return 0;
}

static int parse_as_bytes(const struct netlink_field *field, const char *key,
			  const Usher__Value *value, struct refusal *refusal,
			  struct selection_value *ret) {
	_cleanup_free_ uint8_t *bytes = NULL;
	char *text = NULL;
	int r;

	if (field->form == USHER_NETLINK_STRING && value->text) {
		r = usher_unescape(value->text, &text);
		if (r == -EINVAL)
			return refusal_note(refusal, REFUSED_INVALID,
					    "%s: behind a backslash stands xNN", key);
		if (r < 0)
			return r;
		ret->bytes = (uint8_t *)text;
		ret->size = strlen(text);
		return 0;
	}
	if (field->form == USHER_NETLINK_STRING)
		return refusal_note(refusal, REFUSED_INVALID, "%s: it is a string", key);
	if (value->has_bytes) {
		bytes = malloc(value->bytes.len + 1);
		if (!bytes)
			return -ENOMEM;
		if (value->bytes.len > 0)
			memcpy(bytes, value->bytes.data, value->bytes.len);
		ret->size = value->bytes.len;
	} else if (field->form == USHER_NETLINK_HARDWARE && value->text) {
		bytes = malloc(HARDWARE_MAX + 1);
		if (!bytes)
			return -ENOMEM;
		ret->size = address_parse_hardware(value->text, bytes, HARDWARE_MAX);
	}
	if (!bytes || (ret->size == 0 && field->form == USHER_NETLINK_HARDWARE))
		return refusal_note(refusal, REFUSED_INVALID, "%s: it is %s", key,
				    field->form == USHER_NETLINK_BYTES
					    ? "an array of bytes"
					    : "an address like 02:00:5e:10:00:01");
	bytes[ret->size] = 0;
	ret->bytes = take_pointer(bytes);
	return 0;
}

static int parse_one(const struct netlink_field *field, const char *key, const Usher__Value *value,
		     struct refusal *refusal, struct selection_value *ret) {
	switch (field->form) {
	case USHER_NETLINK_BOOL: return parse_as_bool(key, value, refusal, &ret->number);
	case USHER_NETLINK_ADDRESS:
	case USHER_NETLINK_PREFIX:
		if (value->text && address_parse(value->text, true, &ret->address))
			return 0;
		return refusal_note(refusal, REFUSED_INVALID,
				    "%s: it is an address%s prefix like 192.0.2.0/24%s", key,
				    field->form == USHER_NETLINK_PREFIX ? "'s" : " or a",
				    value->text && strchr(value->text, '/')
					    ? ", with no bit set behind the prefix"
					    : "");
	case USHER_NETLINK_HARDWARE:
	case USHER_NETLINK_STRING:
	case USHER_NETLINK_BYTES: return parse_as_bytes(field, key, value, refusal, ret);
	case USHER_NETLINK_OBJECT:
	case USHER_NETLINK_OBJECTS:
	case USHER_NETLINK_LIST:
		return refusal_note(refusal, REFUSED_INVALID, "%s: there is no filter on it", key);
	default: return parse_as_number(field, key, value, refusal, &ret->number);
	}
}

/* Bits that must all be set are one value. */
static int parse_bits(const struct netlink_field *field, const char *key, const Usher__Values *list,
		      struct refusal *refusal, struct criterion *ret) {
	for (size_t i = 0; i < list->n_values; i++) {
		struct selection_value one = {};
		int r = parse_one(field, key, list->values[i], refusal, &one);

		if (r != 0)
			return r;
		ret->values[0].number |= one.number;
	}
	ret->n_values = 1;
	return 0;
}

/* "default" are the prefixes of no bits, of both families. */
static bool is_default(const struct netlink_field *field, const Usher__Value *value) {
	return field->form == USHER_NETLINK_PREFIX && value->text &&
	       strcmp(value->text, "default") == 0;
}

static void add_defaults(struct criterion *criterion) {
	criterion->values[criterion->n_values++].address.family = AF_INET;
	criterion->values[criterion->n_values++].address.family = AF_INET6;
}

static int parse_values(const struct netlink_field *field, const char *key,
			const Usher__Value *value, struct refusal *refusal, struct criterion *ret) {
	size_t n = value->list ? value->list->n_values : 1;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const Usher__Value *one = value->list ? value->list->values[i] : value;

		if (is_default(field, one))
			add_defaults(ret);
		else
			r = parse_one(field, key, one, refusal, &ret->values[ret->n_values++]);
	}
	return r;
}

int criterion_parse(const struct netlink_field *field, const char *key, const Usher__Value *value,
		    struct refusal *refusal, struct criterion *ret) {
	size_t n = value->list ? value->list->n_values : 1;

	*ret = (struct criterion){ .field = field };
	if (field->form == USHER_NETLINK_LIST && field->nested) {
		ret->field = field = field->nested->fields;
		ret->in_list = true;
	}
	if (n == 0 || n > CRITERION_VALUES_MAX)
		return refusal_note(refusal, REFUSED_INVALID, "%s: of a list there are 1 to %d",
				    key, CRITERION_VALUES_MAX);
	ret->values = calloc(2 * n, sizeof *ret->values);
	if (!ret->values)
		return -ENOMEM;
	if (value->list && field->words && field->words->bits)
		return parse_bits(field, key, value->list, refusal, ret);
	return parse_values(field, key, value, refusal, ret);
}

void criterion_clear(struct criterion *criterion) {
	for (size_t i = 0; i < criterion->n_values; i++)
		free((uint8_t *)criterion->values[i].bytes);
	free(criterion->values);
	*criterion = (struct criterion){};
}

static uint64_t read_number(enum usher_netlink_form form, const uint8_t *column) {
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
		int8_t s8;
		int16_t s16;
		int32_t s32;
	} number;

	memcpy(&number, column, column_size(form));
	switch (form) {
	case USHER_NETLINK_BOOL:
	case USHER_NETLINK_U8: return number.u8;
	case USHER_NETLINK_U16: return number.u16;
	case USHER_NETLINK_U32: return number.u32;
	case USHER_NETLINK_S8: return (uint64_t)(int64_t)number.s8;
	case USHER_NETLINK_S16: return (uint64_t)(int64_t)number.s16;
	case USHER_NETLINK_S32: return (uint64_t)(int64_t)number.s32;
	default: return number.u64;
	}
}

static bool passes_number(const struct criterion *criterion, uint64_t number) {
	bool bits = criterion->field->words && criterion->field->words->bits;

	for (size_t i = 0; i < criterion->n_values; i++) {
		uint64_t wanted = criterion->values[i].number;

		if (number == wanted || (bits && wanted != 0 && (number & wanted) == wanted))
			return true;
	}
	return false;
}

static bool passes_address(const struct criterion *criterion, const uint8_t *column) {
	struct usher_netlink_address address;

	memcpy(&address, column, sizeof address);
	for (size_t i = 0; i < criterion->n_values; i++) {
		const struct usher_netlink_address *wanted = &criterion->values[i].address;

		if (criterion->field->form == USHER_NETLINK_PREFIX
			    ? memcmp(&address, wanted, sizeof address) == 0
			    : address_is_in(&address, wanted))
			return true;
	}
	return false;
}

static bool passes_bytes(const struct criterion *criterion, const uint8_t *column,
			 const uint8_t *heap) {
	struct usher_netlink_bytes bytes;

	memcpy(&bytes, column, sizeof bytes);
	for (size_t i = 0; i < criterion->n_values; i++)
		if (bytes.length == criterion->values[i].size &&
		    memcmp(heap + bytes.offset, criterion->values[i].bytes, bytes.length) == 0)
			return true;
	return false;
}

static bool passes_one(const struct criterion *criterion, const uint8_t *column,
		       const uint8_t *heap) {
	switch (criterion->field->form) {
	case USHER_NETLINK_ADDRESS:
	case USHER_NETLINK_PREFIX: return passes_address(criterion, column);
	case USHER_NETLINK_HARDWARE:
	case USHER_NETLINK_STRING:
	case USHER_NETLINK_BYTES: return passes_bytes(criterion, column, heap);
	default: return passes_number(criterion, read_number(criterion->field->form, column));
	}
}

bool criterion_passes(const struct criterion *criterion, const uint8_t *column,
		      const uint8_t *heap) {
	struct usher_netlink_nested list;
	uint32_t at, size;

	if (!criterion->in_list)
		return passes_one(criterion, column, heap);
	memcpy(&list, column, sizeof list);
	level_list_layout(criterion->field->form, &at, &size);
	for (uint32_t i = 0; i < list.count; i++)
		if (passes_one(criterion, heap + list.offset + (size_t)i * size + at, heap))
			return true;
	return false;
}
