/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All rows there are, for one who monitors: the dumps that this takes, one after the other and a
 * datagram at a time, so that others are not kept waiting.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exchange.h"
#include "names.h"
#include "schema.h"
#include "selection.h"

struct snapshot {
	const struct selection *selection; /* by who takes it, these three */
	struct names *names;
	const struct netlink_type *type;
	struct exchange exchange; /* of the dump that is being read */
	struct netlink_pass pass; /* which one that is */
	bool dumping;
	bool interrupted; /* something has changed meanwhile, says the kernel */
	uint32_t *links;  /* of a type that is asked for by link, those that are still to come */
	size_t n_links;
};

/* Begins to read a type. 0 or a negative errno. */
int snapshot_begin(struct snapshot *snapshot);
/* Reads on. 1: there may be more; 0: that was all; or a negative errno. */
int snapshot_step(struct snapshot *snapshot, exchange_each *each, void *data);
/* Lets go of it, wherever it is; fine also when there is none. */
void snapshot_end(struct snapshot *snapshot);
