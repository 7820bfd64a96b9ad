/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one user has of the service, and whether that user may have more. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "refusal.h"

struct call;

/* Whether the caller may have this call as well, which is among the desk's already. 0 or a
 * refusal. Root and the owner of a bus of their own are not limited; but what systemd can keep of
 * all users together holds for everybody. */
int quota_check(const struct call *call, struct refusal *refusal);
/* The same of a caller whose user the bus has not told yet. */
int quota_check_unknown(const struct call *call, struct refusal *refusal);
/* Whether polkit may be asked about the call, too. 0 or a refusal. */
int quota_check_question(const struct call *call, struct refusal *refusal);
/* Whether the call's child may begin: a user has a few at work, and the next when one of them is
 * through or sits waiting for something, so that a crowd of one user's does not slow down all
 * others. */
bool quota_may_begin(const struct call *call, uint64_t now_usec);
