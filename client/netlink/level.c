/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The attributes of a message, by tables whose index is their number. */

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <string.h>

#include "usher-netlink.h"

const void *usher_attribute_bytes(const struct nlattr *attribute, size_t *ret_length) {
	if (ret_length)
		*ret_length = mnl_attr_get_payload_len(attribute);
	return mnl_attr_get_payload(attribute);
}

uint16_t usher_attribute_number(const struct nlattr *attribute) {
	return mnl_attr_get_type(attribute);
}

/* The low bytes of a number, wherever the machine has them. */
static uint64_t number_from(const void *bytes, size_t width) {
	uint64_t number = 0;
	unsigned char *end = (unsigned char *)&number;

	if (__BYTE_ORDER == __BIG_ENDIAN)
		end += sizeof number - width;
	memcpy(end, bytes, width);
	return number;
}

static bool is_number(const struct nlattr *attribute, size_t width) {
	return width > 0 && width <= sizeof(uint64_t) &&
	       mnl_attr_get_payload_len(attribute) == width;
}

int usher_attribute_unsigned(const struct nlattr *attribute, size_t width, uint64_t *ret) {
	if (!is_number(attribute, width))
		return -EBADMSG;
	*ret = number_from(mnl_attr_get_payload(attribute), width);
	return 0;
}

int usher_attribute_signed(const struct nlattr *attribute, size_t width, int64_t *ret) {
	unsigned spare = (unsigned)(64 - 8 * width);

	if (!is_number(attribute, width))
		return -EBADMSG;
	*ret = (int64_t)(number_from(mnl_attr_get_payload(attribute), width) << spare) >> spare;
	return 0;
}

int usher_attribute_big_endian(const struct nlattr *attribute, size_t width, uint64_t *ret) {
	const unsigned char *bytes = mnl_attr_get_payload(attribute);
	uint64_t number = 0;

	if (!is_number(attribute, width))
		return -EBADMSG;
	for (size_t i = 0; i < width; i++)
		number = number << 8 | bytes[i];
	*ret = number;
	return 0;
}

const char *usher_attribute_text(const struct nlattr *attribute, size_t *ret_length) {
	const char *text = mnl_attr_get_payload(attribute);

	*ret_length = strnlen(text, mnl_attr_get_payload_len(attribute));
	return text;
}

int usher_attribute_address(const struct nlattr *attribute, struct usher_octets *ret) {
	size_t length = mnl_attr_get_payload_len(attribute);

	if (length > sizeof ret->bytes)
		return -EBADMSG;
	*ret = (struct usher_octets){ .length = (uint8_t)length };
	memcpy(ret->bytes, mnl_attr_get_payload(attribute), length);
	return 0;
}

/* ---- one attribute into its member ---- */

/* In the machine's order, as wide as the member is. */
static int read_number(const struct usher_attribute *wanted, const struct nlattr *attribute,
		       void *member) {
	if (!is_number(attribute, wanted->size))
		return -EBADMSG;
	memcpy(member, mnl_attr_get_payload(attribute), wanted->size);
	return 0;
}

static int read_network_number(const struct usher_attribute *wanted, const struct nlattr *attribute,
			       void *member) {
	uint64_t number;
	int r = usher_attribute_big_endian(attribute, wanted->size, &number);

	if (r < 0)
		return r;
	if (__BYTE_ORDER == __BIG_ENDIAN)
		number <<= 64 - 8 * wanted->size;
	memcpy(member, &number, wanted->size);
	return 0;
}

static int read_characters(const struct usher_attribute *wanted, const struct nlattr *attribute,
			   char *member) {
	size_t length;
	const char *text = usher_attribute_text(attribute, &length);

	if (length >= wanted->size)
		return -EBADMSG;
	memcpy(member, text, length);
	member[length] = '\0';
	return 0;
}

static void read_view(const struct nlattr *attribute, struct usher_view *member) {
	member->bytes = usher_attribute_bytes(attribute, &member->length);
}

static int read_nest(const struct usher_attribute *wanted, const struct nlattr *attribute,
		     void *into) {
	const struct usher_level *level = wanted->choose ? wanted->choose(into) : wanted->nested;
	size_t length;
	const void *inside = usher_attribute_bytes(attribute, &length);

	return level ? usher_level_read(level, inside, length, into) : 0;
}

static int read_attribute(const struct usher_attribute *wanted, const struct nlattr *attribute,
			  void *into) {
	void *member = (char *)into + wanted->at;
	int r = 0;

	switch (wanted->form) {
	case USHER_PASS_OVER: return 0;
	case USHER_NESTED: return read_nest(wanted, attribute, into);
	case USHER_CALLBACK: return wanted->call ? wanted->call(into, attribute) : 0;
	case USHER_U8 ... USHER_S64: r = read_number(wanted, attribute, member); break;
	case USHER_BE16 ... USHER_SBE64: r = read_network_number(wanted, attribute, member); break;
	case USHER_PRESENT: *(bool *)member = true; break;
	case USHER_CHARACTERS: r = read_characters(wanted, attribute, member); break;
	case USHER_ADDRESS: r = usher_attribute_address(attribute, member); break;
	case USHER_WINDOW: read_view(attribute, member); break;
	}
	if (r == 0 && wanted->has != SIZE_MAX)
		*((bool *)into + wanted->has) = true;
	return r;
}

int usher_level_read(const struct usher_level *level, const void *attributes, size_t size,
		     void *into) {
	const struct nlattr *attribute = attributes;
	int rest = (int)size, r;

	if (size > INT32_MAX)
		return -EBADMSG;
	while (mnl_attr_ok(attribute, rest)) {
		uint16_t number = mnl_attr_get_type(attribute);

		if (number < level->n && level->attributes[number].form != USHER_PASS_OVER) {
			r = read_attribute(&level->attributes[number], attribute, into);
			if (r != 0)
				return r;
		}
		rest -= (int)MNL_ALIGN(attribute->nla_len);
		attribute = mnl_attr_next(attribute);
	}
	/* The last one need not be padded. */
	return rest > 0 ? -EBADMSG : 0;
}

int usher_reading_read(const struct usher_reading *reading, const struct nlmsghdr *message) {
	const char *payload = mnl_nlmsg_get_payload(message);
	size_t size = mnl_nlmsg_get_payload_len(message), header = MNL_ALIGN(reading->header);
	int r = 0;

	if (reading->type != 0 && message->nlmsg_type != reading->type)
		return -EBADMSG;
	if (size < reading->header)
		return -EBADMSG;
	if (reading->size > 0)
		memset(reading->into, 0, reading->size);
	if (reading->begin)
		r = reading->begin(reading->into, message);
	if (r == 0 && size > header)
		r = usher_level_read(&reading->level, payload + header, size - header,
				     reading->into);
	return r == 0 && reading->end ? reading->end(reading->into, message) : r;
}
