/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes that look at file systems on behalf of watches, one for each file system that
 * something is watched on. */
#pragma once

#include "attendants.h"

extern const struct attendant_kind watcher_kind;
