/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes that listen in network namespaces on behalf of monitors, one for each namespace in
 * which something is monitored. */
#pragma once

#include "attendants.h"

extern const struct attendant_kind listener_kind;
