/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gathering.h"

#include <errno.h>
#include <stdlib.h>

#include "decode.h"
#include "message.h"
#include "row.h"

enum { GATHERING_MAX = 16 << 20 };

void gathering_done(struct gathering *gathering) {
	selection_free(gathering->selection);
	block_free(gathering->block);
	free(gathering->buffer.bytes);
}

int gathering_begin(struct gathering *gathering, const struct netlink_type *type,
		    const Usher__Row *filter) {
	char *name = (char *)(uintptr_t)type->name;
	struct refusal ignored;
	int r;

	*gathering = (struct gathering){ .buffer.max = GATHERING_MAX };
	r = selection_new(&name, 1, NULL, 0, filter, &ignored, &gathering->selection);
	if (r != 0)
		return r > 0 ? -EINVAL : r;
	gathering->block = block_new(BLOCK_RECORDS, USHER_NETLINK_BLOCK_MAX / 4, block_to_buffer,
				     &gathering->buffer);
	return gathering->block ? block_start(gathering->block) : -ENOMEM;
}

int gathering_rows(struct gathering *gathering, Usher__Row ***ret, size_t *ret_n) {
	int r = block_end(gathering->block, true, 0, "", "");

	return r < 0 ? r
		     : row_read_blocks(gathering->buffer.bytes, gathering->buffer.size, ret, ret_n);
}

int gathering_last(struct gathering *gathering, Usher__Row **ret) {
	Usher__Row **rows = NULL;
	size_t n = 0;
	int r = gathering_rows(gathering, &rows, &n);

	if (r < 0)
		return r;
	*ret = n > 0 ? rows[n - 1] : (Usher__Row *)message_new(&usher__row__descriptor);
	row_free_all(rows, n > 0 ? n - 1 : 0);
	return *ret ? 0 : -ENOMEM;
}

int gathering_add(struct gathering *gathering, struct names *names, const struct netlink_type *type,
		  const struct nlmsghdr *message) {
	struct decoding decoding = { .selection = gathering->selection,
				     .block = gathering->block,
				     .names = names };

	return decode_message(&decoding, type, USHER_NETLINK_ROW, NLMSG_DATA(message),
			      message->nlmsg_len - NLMSG_HDRLEN);
}
