/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Becoming a program, and saying why that did not go well. */
#pragma once

#include "refusal.h"
#include "usher.pb-c.h"

struct execution {
	char **arguments, **environment;
};

/* Before there is no way to say more than that it failed. 0 or -ENOMEM. */
int execution_prepare(struct execution *execution, const Usher__SpawnRequest *request);
/* Becomes the program, which is looked for in the environment's PATH if its name has no slash.
 * Returns only where that fails: a negative errno. */
int execution_begin(const struct execution *execution, struct refusal *refusal);
