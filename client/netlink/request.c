/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A message to the kernel, piece by piece. */

#include "request.h"

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16, FIRST_ROOM = 256, ATTRIBUTE_MAX = UINT16_MAX - MNL_ATTR_HDRLEN };

struct usher_request {
	char *bytes; /* a struct nlmsghdr, whose nlmsg_len says how much is used */
	size_t room;
	size_t nests[DEPTH_MAX]; /* where those begin that are open */
	unsigned depth;
	int error;
};

static struct nlmsghdr *message_of(const struct usher_request *request) {
	return (void *)request->bytes;
}

int usher_request_new(uint16_t type, uint16_t flags, struct usher_request **ret) {
	struct usher_request *request = calloc(1, sizeof *request);
	struct nlmsghdr *message;

	if (!request)
		return -ENOMEM;
	request->bytes = malloc(FIRST_ROOM);
	request->room = FIRST_ROOM;
	if (!request->bytes) {
		free(request);
		return -ENOMEM;
	}
	message = mnl_nlmsg_put_header(request->bytes);
	message->nlmsg_type = type;
	message->nlmsg_flags = flags | NLM_F_REQUEST;
	*ret = request;
	return 0;
}

struct usher_request *usher_request_free(struct usher_request *request) {
	if (request)
		free(request->bytes);
	free(request);
	return NULL;
}

/* Room for so much more, all of it 0: libmnl leaves what is between attributes as it is. */
static bool grow(struct usher_request *request, size_t size) {
	size_t used, room = request->room;
	char *larger;

	if (request->error != 0)
		return false;
	used = message_of(request)->nlmsg_len;
	while (room < used + size)
		room *= 2;
	larger = room > request->room ? realloc(request->bytes, room) : request->bytes;
	if (!larger) {
		request->error = -ENOMEM;
		return false;
	}
	request->bytes = larger;
	request->room = room;
	memset(larger + used, 0, size);
	return true;
}

void usher_request_add_header(struct usher_request *request, const void *header, size_t size) {
	if (grow(request, MNL_ALIGN(size)))
		memcpy(mnl_nlmsg_put_extra_header(message_of(request), size), header, size);
}

void usher_request_put(struct usher_request *request, uint16_t number, const void *bytes,
		       size_t size) {
	if (!bytes)
		return;
	if (size > ATTRIBUTE_MAX) {
		request->error = request->error ? request->error : -EMSGSIZE;
		return;
	}
	if (grow(request, MNL_ATTR_HDRLEN + MNL_ALIGN(size)))
		mnl_attr_put(message_of(request), number, size, bytes);
}

void usher_request_put_text(struct usher_request *request, uint16_t number, const char *text) {
	if (text)
		usher_request_put(request, number, text, strlen(text) + 1);
}

void usher_request_put_u8(struct usher_request *request, uint16_t number, uint8_t value) {
	usher_request_put(request, number, &value, sizeof value);
}

void usher_request_put_u16(struct usher_request *request, uint16_t number, uint16_t value) {
	usher_request_put(request, number, &value, sizeof value);
}

void usher_request_put_u32(struct usher_request *request, uint16_t number, uint32_t value) {
	usher_request_put(request, number, &value, sizeof value);
}

void usher_request_put_u64(struct usher_request *request, uint16_t number, uint64_t value) {
	usher_request_put(request, number, &value, sizeof value);
}

void usher_request_put_be16(struct usher_request *request, uint16_t number, uint16_t value) {
	usher_request_put_u16(request, number, htobe16(value));
}

void usher_request_put_be32(struct usher_request *request, uint16_t number, uint32_t value) {
	usher_request_put_u32(request, number, htobe32(value));
}

void usher_request_put_be64(struct usher_request *request, uint16_t number, uint64_t value) {
	usher_request_put_u64(request, number, htobe64(value));
}

void usher_request_put_address(struct usher_request *request, uint16_t number,
			       const struct usher_octets *address) {
	if (address && address->length > 0 && address->length <= sizeof address->bytes)
		usher_request_put(request, number, address->bytes, address->length);
}

void usher_request_begin_nest(struct usher_request *request, uint16_t number) {
	if (request->error != 0)
		return;
	if (request->depth == DEPTH_MAX) {
		request->error = -EMSGSIZE;
		return;
	}
	if (!grow(request, MNL_ATTR_HDRLEN))
		return;
	request->nests[request->depth++] = message_of(request)->nlmsg_len;
	mnl_attr_nest_start(message_of(request), number);
}

void usher_request_end_nest(struct usher_request *request) {
	size_t begin, length;

	if (request->error != 0)
		return;
	if (request->depth == 0) {
		request->error = -EINVAL;
		return;
	}
	begin = request->nests[--request->depth];
	length = message_of(request)->nlmsg_len - begin;
	if (length > UINT16_MAX)
		request->error = -EMSGSIZE;
	else
		mnl_attr_nest_end(message_of(request), (void *)(request->bytes + begin));
}

/* ---- out of a structure ---- */

/* Of a number in the network's order; the others are put as they are. */
static void put_network_number(struct usher_request *request, uint16_t number, const void *member,
			       size_t width) {
	const unsigned char *bytes = member;
	unsigned char turned[sizeof(uint64_t)];

	if (__BYTE_ORDER == __BIG_ENDIAN)
		return usher_request_put(request, number, member, width);
	for (size_t i = 0; i < width && i < sizeof turned; i++)
		turned[i] = bytes[width - 1 - i];
	usher_request_put(request, number, turned, width);
}

/* A nest in which nothing is to be written is not written. */
static void put_nest(struct usher_request *request, uint16_t number,
		     const struct usher_attribute *wanted, const void *from) {
	const struct usher_level *level = wanted->choose ? wanted->choose(from) : wanted->nested;
	uint32_t before = message_of(request)->nlmsg_len;

	if (!level)
		return;
	usher_request_begin_nest(request, number);
	usher_request_add_level(request, level, from);
	if (request->error == 0 && message_of(request)->nlmsg_len == before + MNL_ATTR_HDRLEN) {
		message_of(request)->nlmsg_len = before;
		request->depth--;
		return;
	}
	usher_request_end_nest(request);
}

static void put_characters(struct usher_request *request, uint16_t number, const char *member,
			   size_t size) {
	if (size == 0 || *member == '\0')
		return;
	if (strnlen(member, size) == size)
		request->error = request->error ? request->error : -EINVAL;
	else
		usher_request_put_text(request, number, member);
}

/* What is passed over has no bool either, and its place is nobody's. */
static bool is_there(const struct usher_attribute *wanted, const void *from) {
	return wanted->form != USHER_PASS_OVER &&
	       (wanted->has == SIZE_MAX || *((const bool *)from + wanted->has));
}

static void put_member(struct usher_request *request, uint16_t number,
		       const struct usher_attribute *wanted, const void *from) {
	const void *member = (const char *)from + wanted->at;
	const struct usher_view *view = member;

	if (!is_there(wanted, from))
		return;
	switch (wanted->form) {
	case USHER_PASS_OVER: return;
	case USHER_NESTED: return put_nest(request, number, wanted, from);
	case USHER_CALLBACK:
		if (wanted->put)
			wanted->put(request, number, from);
		return;
	case USHER_U8 ... USHER_S64:
		return usher_request_put(request, number, member, wanted->size);
	case USHER_BE16 ... USHER_SBE64:
		return put_network_number(request, number, member, wanted->size);
	case USHER_PRESENT:
		if (*(const bool *)member)
			usher_request_put(request, number, "", 0);
		return;
	case USHER_CHARACTERS: return put_characters(request, number, member, wanted->size);
	case USHER_ADDRESS: return usher_request_put_address(request, number, member);
	case USHER_WINDOW: return usher_request_put(request, number, view->bytes, view->length);
	}
}

void usher_request_add_level(struct usher_request *request, const struct usher_level *level,
			     const void *from) {
	for (size_t i = 0; i < level->n && request->error == 0; i++)
		put_member(request, (uint16_t)i, &level->attributes[i], from);
}

/* ---- ready ---- */

const struct nlmsghdr *usher_request_get(struct usher_request *request, int *ret_error) {
	int error = request->error;

	if (error == 0 && request->depth > 0)
		error = -EINVAL;
	if (ret_error)
		*ret_error = error;
	return error == 0 ? message_of(request) : NULL;
}

const struct nlmsghdr *request_stamp(struct usher_request *request, uint16_t flags, uint32_t number,
				     int *ret_error) {
	if (!usher_request_get(request, ret_error))
		return NULL;
	message_of(request)->nlmsg_flags |= flags;
	message_of(request)->nlmsg_seq = number;
	return message_of(request);
}
