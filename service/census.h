/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether any process is in a user namespace that maps ids of a range. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* By a descriptor of /proc, all of which must be visible. Maps of all ids there are do not count:
 * those are of the machine itself and of what root keeps beside it. True also where it cannot be
 * told. */
bool census_finds(int proc, uint32_t start, uint32_t count);
