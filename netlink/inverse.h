/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What takes a change back: a change as well, of rows as the kernel told them. */
#pragma once

#include "change.h"

struct inverse {
	bool needed;          /* there is something to take back */
	struct change change; /* of `row` */
	Usher__Row *row;      /* owned */
};

/* NULL where a change can be taken back; otherwise why it cannot. */
const char *inverse_lacks(const struct change *change);
/* Before it is done: how it was, NULL if there was nothing, or nobody will have to know. */
int inverse_look(struct changing *changing, const struct change *change, Usher__Row **ret_before);
/* When it has been done: what was said to have been done comes in. 0 or a negative errno. */
int inverse_of(const struct change *change, const Usher__Row *before, const Usher__Row *done,
	       struct inverse *ret);
void inverse_done(struct inverse *inverse);
