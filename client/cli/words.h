/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of words, such as the options of a mount. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct words {
	char **items; /* ends with NULL; NULL while there are none */
	size_t count;
};

#define WORDS_INIT \
	{ NULL, 0 }

/* Adds a copy of one word. 0 or -ENOMEM. */
int words_add(struct words *words, const char *word);

/*
 * Adds each word of a list with commas between. \, and \\ stand for a comma and a backslash; before
 * anything else a backslash is itself. A value may stand in double quotes (key="a,b"), and a \" in
 * there is a quote. Empty words are left out. 0, -ENOMEM, or -EINVAL if quotes are not closed, or
 * closed in the middle of a word.
 */
int words_split(struct words *words, const char *text);

bool words_contain(const struct words *words, const char *word);
void words_done(struct words *words);
