/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the calls of org.usher1.Netlink share. */
#pragma once

#include "call.h"
#include "values.h"

#define NETLINK         "org.usher1.Netlink"
#define NETLINK_MONITOR "org.usher1.NetlinkMonitor"

/* The keys in this library's own layout; NULL gives the defaults. They must suit the call's. */
int netlink_keys(struct call *call, const struct usher_netlink_options *given,
		 struct usher_netlink_options *ret);

/* Adds those that say where, and those that say what. */
void netlink_add_place(struct call *call, const struct usher_netlink_options *keys);
void netlink_add_choice(struct call *call, const struct usher_netlink_options *keys);
