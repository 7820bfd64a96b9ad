/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers one question: asks the kernel, as often as its type takes, and has what it tells decoded
 * into a block. Whether the answer is whole is part of it: whatever may have been missed while it
 * was read makes it incomplete, and says why.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block.h"
#include "exchange.h"
#include "names.h"
#include "refusal.h"
#include "selection.h"

struct listener;

enum query_consistency {
	QUERY_ANY,    /* only the kernel's own word counts */
	QUERY_DETECT, /* changes meanwhile are looked for */
	QUERY_RETRY,  /* and are joined to it where that can be, and it is read again otherwise */
};

struct query {
	/* By who asks: */
	struct selection *selection; /* of one type */
	struct block *block;         /* begun */
	uint64_t limit;              /* of rows; 0: none */
	uint32_t uid;                /* of who asks */
	enum query_consistency consistency;
	/* To begin anew with an empty block. NULL where what has been told is told. */
	int (*again)(void *data);
	void *data;
	struct listener *listener; /* open, for QUERY_RETRY; NULL: nothing is joined */
	bool hurried;              /* somebody waits for the first rows, and they go at once */
	bool brief; /* it ends with -EFBIG where the kernel has more to tell than a little */
	struct exchange *kept; /* for lookups that need no dump; NULL: nothing is kept */

	/* The answer, besides the rows: */
	bool complete;
	const char *why; /* it is not; NULL if it is */
	int code;        /* the kernel's, or what kept us from hearing it out */
	char message[EXCHANGE_TEXT_MAX];

	/* While it is made: */
	const struct netlink_type *type;
	struct exchange exchange;
	struct names names;
	uint16_t family; /* of generic netlink */
};

/* False for "". */
bool query_parse_consistency(const char *word, enum query_consistency *ret);
/* Whether a lookup of this type is asked by a socket that may be kept, and by no other. */
bool query_is_keepable(const struct netlink_type *type);
/* In the namespace that the process is in, or that of the socket that is kept. With one only one
 * object is asked for, by its lookup, which does not take long; then 1 if the kernel has to be
 * asked for all of them nevertheless. 0, or why there is no answer: a negative errno, with the
 * kernel's text in query->message. */
int query_run(struct query *query, bool one);
