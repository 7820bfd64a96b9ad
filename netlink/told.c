/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "told.h"

#include <errno.h>
#include <stdlib.h>

enum { SLOTS_FIRST = 64 };

/* The number 0 is an empty slot's. */
static uint64_t in_slot(uint64_t number) {
	return number == 0 ? 1 : number;
}

/* Where it is, or where it would have to be. The slots are a power of two, and never full. */
static size_t find(const struct told *told, uint64_t number) {
	size_t at = number & (told->n_slots - 1);

	while (told->slots[at] != 0 && told->slots[at] != number)
		at = (at + 1) & (told->n_slots - 1);
	return at;
}

static int grow(struct told *told) {
	struct told larger = { .n = told->n,
			       .n_slots = told->n_slots ? told->n_slots * 2 : SLOTS_FIRST };

	larger.slots = calloc(larger.n_slots, sizeof *larger.slots);
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < told->n_slots; i++)
		if (told->slots[i] != 0)
			larger.slots[find(&larger, told->slots[i])] = told->slots[i];
	free(told->slots);
	*told = larger;
	return 0;
}

bool told_has(const struct told *told, uint64_t number) {
	return told->n > 0 && told->slots[find(told, in_slot(number))] != 0;
}

int told_add(struct told *told, uint64_t number) {
	size_t at;

	if (told->n * 4 >= told->n_slots * 3 && grow(told) < 0)
		return -ENOMEM;
	at = find(told, in_slot(number));
	if (told->slots[at] != 0)
		return 0;
	told->slots[at] = in_slot(number);
	told->n++;
	return 1;
}

/* What stands behind it because its own slot was taken moves up. */
static void close_gap(struct told *told, size_t gap) {
	size_t mask = told->n_slots - 1;

	for (size_t at = (gap + 1) & mask; told->slots[at] != 0; at = (at + 1) & mask) {
		size_t home = told->slots[at] & mask;

		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		told->slots[gap] = told->slots[at];
		told->slots[at] = 0;
		gap = at;
	}
}

bool told_remove(struct told *told, uint64_t number) {
	size_t at;

	if (told->n == 0)
		return false;
	at = find(told, in_slot(number));
	if (told->slots[at] == 0)
		return false;
	told->slots[at] = 0;
	told->n--;
	close_gap(told, at);
	return true;
}

void told_clear(struct told *told) {
	free(told->slots);
	*told = (struct told){ 0 };
}
