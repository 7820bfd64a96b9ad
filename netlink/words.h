/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of values that several types have. */
#pragma once

#include "schema.h"

extern const struct netlink_words words_family;   /* AF_INET: inet */
extern const struct netlink_words words_table;    /* RT_TABLE_MAIN: main */
extern const struct netlink_words words_protocol; /* RTPROT_KERNEL: kernel */
extern const struct netlink_words words_scope;    /* RT_SCOPE_LINK: link */
extern const struct netlink_words words_next_hop; /* bits: RTNH_F_ONLINK: onlink */
