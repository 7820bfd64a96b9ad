/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of a watch, and what they must not say together. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "refusal.h"

/* NULL for what is not said. 0 or a refusal. */
int watch_words_check_scope(const char *scope, const char *backend, bool decide,
			    struct refusal *refusal);
/* What is to be told of, as bits; of no words, the usual. 0 or a refusal. */
int watch_words_events(char *const *words, size_t n, const char *scope, bool decide,
		       uint32_t *ret_events, struct refusal *refusal);
/* The words for it, behind those that are there. 0 or -ENOMEM. */
int watch_words_name(uint32_t events, char ***words, size_t *n);
