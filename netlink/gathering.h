/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of the kernel's, read into memory: as rows of a message, as those of a change are. */
#pragma once

#include <linux/netlink.h>

#include "block.h"
#include "names.h"
#include "selection.h"
#include "usher.pb-c.h"

struct gathering {
	_Alignas(8) struct block_buffer buffer;
	struct selection *selection;
	struct block *block;
};

/* All fields of such rows as the filter lets through; NULL: all. 0 or a negative errno. */
int gathering_begin(struct gathering *gathering, const struct netlink_type *type,
		    const Usher__Row *filter);
/* Fine also after gathering_begin() has failed. */
void gathering_done(struct gathering *gathering);

/* A message of the kernel's: how many rows it was, or a negative errno. */
int gathering_add(struct gathering *gathering, struct names *names, const struct netlink_type *type,
		  const struct nlmsghdr *message);
/* All of them, or the last one, without members if there is none; after that nothing is added. The
 * caller frees. 0 or a negative errno. */
int gathering_rows(struct gathering *gathering, Usher__Row ***ret, size_t *ret_n);
int gathering_last(struct gathering *gathering, Usher__Row **ret);
