/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* While a query is answered: one request to the kernel, and its messages that become rows. */
#pragma once

#include "consistency.h"
#include "decode.h"
#include "join.h"
#include "query.h"
#include "roll.h"

struct reading {
	struct query *query;
	struct decoding decoding;
	struct consistency consistency;
	bool past; /* all that was asked for has been told; the rest was left */
	struct join join;
	bool joining;
	struct roll told, again; /* of what has no other way to tell that it is whole */
	bool rolled, calling;
	uint16_t wanted;  /* type of message */
	uint16_t command; /* ... of generic netlink */
};

/* Opens the query's exchange; or anew, where what is still to come of an answer was left. 0 or a
 * negative errno. */
int reading_open(struct query *query);
/* Asks for one pass and has the answer taken. 0, 1 if there is no such pass, or a negative errno.
 */
int reading_ask(struct reading *reading, struct netlink_pass *pass);
/* A message becomes a row; `data` is the reading. 0, 1 if there are as many as were asked for, or a
 * negative errno. */
int reading_put(void *data, const struct nlmsghdr *message);
