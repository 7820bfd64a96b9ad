/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the kernel's words for events to ours, and back. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct translation {
	uint64_t theirs; /* IN_* or FAN_* */
	uint32_t ours;   /* enum usher_watch_event */
};

/* All that stand for one of these. */
uint64_t translation_theirs(const struct translation *table, size_t n, uint32_t events);
uint32_t translation_ours(const struct translation *table, size_t n, uint64_t mask);
