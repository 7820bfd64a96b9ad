/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "translation.h"

uint64_t translation_theirs(const struct translation *table, size_t n, uint32_t events) {
	uint64_t mask = 0;

	for (size_t i = 0; i < n; i++)
		if (events & table[i].ours)
			mask |= table[i].theirs;
	return mask;
}

uint32_t translation_ours(const struct translation *table, size_t n, uint64_t mask) {
	uint32_t events = 0;

	for (size_t i = 0; i < n; i++)
		if (mask & table[i].theirs)
			events |= table[i].ours;
	return events;
}
