/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the journal is told of a call. */
#pragma once

#include <stdint.h>

struct call;

/* One entry about a call that is over, whatever became of it: 0, a negative errno or a refusal,
 * with the sentence that the caller gets; and how long it took. */
void audit_note(const struct call *call, int code, const char *sentence, uint64_t usec);
