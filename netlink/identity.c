/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "identity.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "refusal.h"

enum { FILL = 4096 };

static void identity_free(struct identity *identity) {
	block_free(identity->block);
	selection_free(identity->selection);
	free(identity->buffer.bytes);
	free(identity);
}

/* A message that is several rows has no key of its own. */
static bool has_key(const struct netlink_type *type) {
	return type->keys && type->each == 0;
}

static int prepare(struct identity *identity) {
	const struct netlink_type *type = identity->type;
	char *name = (char *)(uintptr_t)type->name;
	struct refusal refusal = { 0 };
	size_t n = 0;
	int r;

	while (type->keys[n])
		n++;
	r = selection_new(&name, 1, (char *const *)(uintptr_t)type->keys, n, NULL, &refusal,
			  &identity->selection);
	if (r != 0)
		return r < 0 ? r : -EINVAL;
	identity->block = block_new(BLOCK_RECORDS, FILL, block_to_buffer, &identity->buffer);
	if (!identity->block)
		return -ENOMEM;
	identity->decoding.selection = identity->selection;
	identity->decoding.block = identity->block;
	return block_start(identity->block);
}

int identity_get(struct identity **identities, const struct netlink_type *type,
		 struct identity **ret) {
	struct identity *identity = *identities;
	int r;

	while (identity && identity->type != type)
		identity = identity->next;
	if (!identity) {
		identity = calloc(1, sizeof *identity);
		if (!identity)
			return -ENOMEM;
		identity->type = type;
		r = has_key(type) ? prepare(identity) : 0;
		if (r < 0) {
			identity_free(identity);
			return r;
		}
		identity->next = *identities;
		*identities = identity;
	}
	identity->users++;
	*ret = identity;
	return 0;
}

void identity_put(struct identity **identities, struct identity *identity) {
	struct identity **at = identities;

	if (--identity->users > 0)
		return;
	while (*at != identity)
		at = &(*at)->next;
	*at = identity->next;
	identity_free(identity);
}

bool identity_concerns(const struct identity *identity, const struct nlmsghdr *message,
		       bool *ret_there) {
	const struct netlink_type *type = identity->type;
	size_t size = message->nlmsg_len - sizeof *message;

	if (message->nlmsg_type != type->new && message->nlmsg_type != type->del)
		return false;
	*ret_there = message->nlmsg_type == type->new;
	return size >= type->header &&
	       (!type->is_one || type->is_one((const uint8_t *)(message + 1), size));
}

/* The row that is the only one in the last block. */
static void find_row(const struct block_buffer *buffer, const uint8_t **ret, size_t *ret_size) {
	size_t at = 0;

	while (at + sizeof(struct usher_netlink_rows) <= buffer->size) {
		const struct usher_netlink_block *block = (const void *)(buffer->bytes + at);

		if (block->kind == USHER_NETLINK_ROWS) {
			*ret = (const uint8_t *)block + sizeof(struct usher_netlink_rows);
			*ret_size = block->size - sizeof(struct usher_netlink_rows);
			return;
		}
		at += block->size;
	}
}

int identity_key(struct identity *identity, const struct nlmsghdr *message, const uint8_t **ret,
		 size_t *ret_size) {
	int r;

	*ret_size = 0;
	if (!identity->selection)
		return 0;
	identity->buffer.size = 0;
	r = decode_message(&identity->decoding, identity->type, USHER_NETLINK_ROW,
			   (const uint8_t *)(message + 1), message->nlmsg_len - sizeof *message);
	if (r == 1)
		r = block_flush(identity->block);
	if (r < 0)
		return r;
	find_row(&identity->buffer, ret, ret_size);
	return 0;
}
