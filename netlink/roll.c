/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "roll.h"

#include <errno.h>
#include <stdlib.h>

enum { STEP = 256 };

int roll_add(struct roll *roll, uint64_t number, unsigned datagram) {
	if (roll->n % STEP == 0) {
		struct roll_entry *more = reallocarray(roll->entries, roll->n + STEP, sizeof *more);

		if (!more)
			return -ENOMEM;
		roll->entries = more;
	}
	roll->entries[roll->n++] = (struct roll_entry){ number, datagram };
	return 0;
}

void roll_done(struct roll *roll) {
	free(roll->entries);
	*roll = (struct roll){ 0 };
}

/* ---- by their numbers ---- */

/* Where the first of a number is in the roll, and 1; 0: nobody is there. */
struct places {
	const struct roll *roll;
	size_t *at, mask;
	bool twice;  /* somebody is in two datagrams */
	bool shared; /* in one and the same: of SCTP all associations of a socket have its number */
};

static size_t *slot_of(const struct places *places, uint64_t number) {
	size_t i = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & places->mask;

	while (places->at[i] > 0 && places->roll->entries[places->at[i] - 1].number != number)
		i = (i + 1) & places->mask;
	return &places->at[i];
}

static int find_places(const struct roll *roll, struct places *ret) {
	size_t size = STEP;

	while (size < roll->n * 2)
		size *= 2;
	*ret = (struct places){ .roll = roll,
				.at = calloc(size, sizeof *ret->at),
				.mask = size - 1 };
	if (!ret->at)
		return -ENOMEM;
	for (size_t i = 0; i < roll->n; i++) {
		size_t *slot = slot_of(ret, roll->entries[i].number);

		if (*slot == 0)
			*slot = i + 1;
		else if (roll->entries[*slot - 1].datagram == roll->entries[i].datagram)
			ret->shared = true;
		else
			ret->twice = true;
	}
	return 0;
}

/* ---- between datagrams ---- */

struct comparison {
	const struct roll *told, *again;
	struct places of_told, of_again;
};

/* Where the next one who is still there stands when they are called again, from the one before a
 * datagram's end backwards or from the one behind it on. */
static size_t left_of(const struct comparison *c, size_t end) {
	for (size_t i = end; i-- > 0;) {
		const size_t *slot = slot_of(&c->of_again, c->told->entries[i].number);

		if (*slot > 0)
			return *slot;
	}
	return 0;
}

static size_t right_of(const struct comparison *c, size_t end) {
	for (size_t i = end; i < c->told->n; i++) {
		const size_t *slot = slot_of(&c->of_again, c->told->entries[i].number);

		if (*slot > 0)
			return *slot - 1;
	}
	return c->again->n;
}

static bool may_hide(const struct comparison *c, size_t end) {
	const size_t left = left_of(c, end), right = right_of(c, end);

	for (size_t i = left; i < right; i++)
		if (*slot_of(&c->of_told, c->again->entries[i].number) == 0)
			return true;
	return left > right; /* the table has been arranged anew */
}

static bool is_doubtful(const struct comparison *c) {
	bool doubtful = c->of_told.twice || (c->told->n > 0 && c->again->n == 0);

	if (c->of_told.shared)
		return false; /* nothing can be said */
	for (size_t i = 1; !doubtful && i < c->told->n; i++)
		doubtful = c->told->entries[i].datagram != c->told->entries[i - 1].datagram &&
			   may_hide(c, i);
	return doubtful;
}

int roll_compare(const struct roll *told, const struct roll *again, bool *ret_doubtful) {
	struct comparison c = { .told = told, .again = again };
	int r = find_places(told, &c.of_told);

	if (r == 0)
		r = find_places(again, &c.of_again);
	*ret_doubtful = r == 0 && is_doubtful(&c);
	free(c.of_told.at);
	free(c.of_again.at);
	return r;
}
