/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What filters of several kinds share besides actions. */
#pragma once

#include "schema.h"

/* The action that filters had before there were others. */
extern const struct netlink_schema netlink_police;
