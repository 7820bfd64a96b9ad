/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be monitored, which is not all that can be asked for. */
#pragma once

#include "refusal.h"
#include "selection.h"
#include "usher.pb-c.h"

/* What one wants to be told of, checked. 0, a refusal that names the argument, or -ENOMEM. */
int monitored_select(const Usher__NetlinkSelection *wanted, struct refusal *refusal,
		     struct selection **ret);
