/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The message that is to make a change. */
#pragma once

#include "change.h"
#include "encode.h"

struct draft {
	struct encoding encoding;

	union {
		struct nlmsghdr head;
		uint8_t bytes[ENCODE_MAX];
	};
};

/* In the words of the kernel's, as far as a row says it; changing: NULL where there are only words.
 * 0, a refusal, or a negative errno. */
int draft_compose(struct draft *draft, const struct changing *changing, const struct change *change,
		  struct refusal *refusal);
