/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has left the machine: the last of a user's sessions is over, and what ran in them has ended.
 */
#pragma once

#include <systemd/sd-bus.h>

struct desk;

/* Listens to logind. What the sessions of who has left since have begun goes now. 0 or a negative
 * errno. */
int leavers_begin(struct desk *desk, sd_bus_slot **ret);
