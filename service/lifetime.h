/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long an object lives: as long as the bus connection that made it, or until somebody ends it.
 */
#pragma once

#include <stdbool.h>

#include "refusal.h"

/* NULL is "nothing said". 0 or a refusal. */
int lifetime_check(const char *word, struct refusal *refusal);
bool lifetime_is_connection(const char *word);
