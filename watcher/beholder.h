/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose eyes things are seen with: each different set of credentials has one place, a bit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access.h"
#include "usher.pb-c.h"

enum { BEHOLDER_WORDS = 16, BEHOLDERS_MAX = BEHOLDER_WORDS * 64 };

struct beholder {
	struct access_person person;
	gid_t *groups; /* the person's; owned */
	bool everything;
	unsigned watches; /* 0: the place is free */
};

struct beholders {
	struct beholder *beholder;
	size_t n;            /* places, free ones too */
	uint32_t generation; /* rises when a place gets somebody else */
};

/* The place of these credentials, for one watch more. It, or -ENOMEM, or -EUSERS. */
int beholders_take(struct beholders *beholders, const Usher__Beholder *who);
void beholders_release(struct beholders *beholders, size_t place);
void beholders_done(struct beholders *beholders);

/* How many words there are to a bit for each. */
static inline size_t beholders_words(const struct beholders *beholders) {
	return (beholders->n + 63) / 64;
}
