/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of an a{sv}, read into what holds one already: 0 and more, or a negative errno. */
#pragma once

#include "bus.h"

int value_read_string(struct bus_message *m, char **ret);
int value_read_words(struct bus_message *m, char ***ret);
int value_read_bare_words(struct bus_message *m, char ***ret); /* that are in no variant */
int value_read_object(struct bus_message *m, char **ret);
int value_read_id(struct bus_message *m, int64_t *ret);

/* Each entry of an a{sv}, its variant read by a function that gets the key. */
int value_read_all(struct bus_message *m,
		   int (*read)(struct bus_message *m, const char *key, void *into), void *into);

void value_free_words(char **words);

static inline void value_words_done(char ***words) {
	value_free_words(*words);
}
