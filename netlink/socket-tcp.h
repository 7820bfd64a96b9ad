/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "schema.h"

/* The attributes INET_DIAG_INFO of TCP and of MPTCP, of congestion control, INET_DIAG_ULP_INFO and
 * INET_DIAG_MD5SIG. */
extern const struct netlink_schema socket_tcp_info;
extern const struct netlink_schema socket_mptcp_info;
extern const struct netlink_schema socket_vegas;
extern const struct netlink_schema socket_dctcp;
extern const struct netlink_schema socket_bbr;
extern const struct netlink_schema socket_ulp;
extern const struct netlink_schema socket_md5sig;
