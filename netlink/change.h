/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One row of the kernel's tables added, changed, replaced or removed. What takes that back is a
 * change as any other, and known before it is done.
 */
#pragma once

#include <stdbool.h>

#include "exchange.h"
#include "manner.h"
#include "names.h"

struct fds;

struct change {
	enum change_action action;
	const struct netlink_type *type;
	const struct manner *manner;
	const Usher__Row *row; /* borrowed */
	char argument[32];     /* what refusals begin with: "row", "changes[3].row" */
	bool told;             /* the row is one of the kernel's own */
};

/* Words only: of the action, the type and the row, which refusals name behind a prefix: "",
 * "changes[3].". 0, a refusal, or a negative errno. */
int change_read(const char *prefix, const char *action, const char *type, const Usher__Row *row,
		struct refusal *refusal, struct change *ret);
/* "add route dst=192.0.2.0/24 oif=3", for people; the caller frees. NULL when there is no memory.
 */
char *change_describe(const struct change *change);

/* Where changes are made: the network namespace that the process was in at the beginning. */
struct changing {
	struct exchange exchange;
	struct names names;
	const struct fds *fds; /* of descriptors in rows, borrowed */
	struct refusal *refusal;
};

#define CHANGING_NONE \
	{ .exchange.fd = -1 }

/* 0 or a negative errno. */
int changing_begin(struct changing *changing, const struct fds *fds, struct refusal *refusal);
void changing_end(struct changing *changing);

/* Does it. *ret is the row as it is then, or was, if it has been removed; without members where the
 * kernel does not tell. 0, a refusal, or a negative errno, the kernel's words noted. */
int change_do(struct changing *changing, const struct change *change, Usher__Row **ret);
/* The row that a change is about, as it is. 0, -ENOENT if there is none, or a negative errno. */
int change_look(struct changing *changing, const struct change *change, Usher__Row **ret);
