/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has gone through a link, as the kernel counts it for every link. */
#pragma once

#include "schema.h"

extern const struct netlink_schema netlink_link_statistics;
