/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The system calls that usher-netlink makes, in all of its processes; any other one ends it. */
#pragma once

/* For good. 0 or a negative errno. */
int restraint_begin(void);
