/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether what the child has found may be done: whose it is, which action that takes, and what the
 * authority says to it. The same child hears the grant that has shown what it is about.
 */
#pragma once

#include <stdbool.h>

#include "usher.pb-c.h"

struct call;

/* Takes the finding, and decides which tier it is of; false where it makes no sense. */
bool verdict_judge(struct call *call, Usher__Finding **finding);
/* The same, and the child waits for a word. */
void verdict_on_finding(struct call *call, Usher__Finding **finding);
/* The call is over: another may have the mount that this one might have made go. */
void verdict_give_back(struct call *call);
