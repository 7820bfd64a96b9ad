/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A call, before a child hears of it: its words, what its caller may still have, and what stands
 * for the objects that it names. */
#pragma once

#include "refusal.h"

struct call;

extern const char examination_name_taken[];

/* 0, a refusal, or a negative errno. */
int examination_pass(struct call *call, struct refusal *refusal);
