/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "flower": filters by what is in a packet's headers. */
#pragma once

#include "schema.h"

extern const struct netlink_schema netlink_flower;
/* Of all kinds of filters: where they are applied. */
extern const struct netlink_words netlink_filter_flags;
