/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the process may do. It has a few capabilities, to find and to enter the network namespaces
 * of others, and none of them in effect but for that: so it is the kernel itself that withholds
 * from us what it tells administrators only.
 */
#pragma once

#include <stdint.h>

/* What may be told in an answer besides what the kernel tells everybody; bits of the order's. */
enum netlink_right {
	NETLINK_RIGHT_ADMINISTER = 1 << 0, /* what who has CAP_NET_ADMIN there is told */
};

/* What may be raised, for good; nothing is in effect then, and nothing is passed on. Not to be
 * traced. 0 or a negative errno. */
int rights_begin(void);
/* What it takes to enter a namespace is in effect, then no more. Where there is nothing to raise,
 * that is no failure: the kernel judges then. */
int rights_to_enter(void);
/* In effect, and no others: those of an order's. 0, or a negative errno. */
int rights_lower_to(uint32_t rights);
/* The same, for good. */
int rights_give_up_but(uint32_t rights);
