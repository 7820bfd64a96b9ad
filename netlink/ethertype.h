/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in a frame: the words that ip(8) and tc(8) have for it. */
#pragma once

#include "schema.h"

extern const struct netlink_words netlink_ethertypes;
