/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request on its way out. */
#pragma once

#include "usher-netlink.h"

/* Stamps it with flags and a number of its own. NULL and why, if something went wrong before. */
const struct nlmsghdr *request_stamp(struct usher_request *request, uint16_t flags, uint32_t number,
				     int *ret_error);
