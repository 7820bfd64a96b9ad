/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Flags beside a mask, in one structure: which of them are meant at all. */
#pragma once

struct encoding;
struct netlink_field;

/* encode() of flags that are PART of such a structure: all that have words are meant, so those that
 * are not named are taken off. */
int flags_encode(struct encoding *encoding, const struct netlink_field *field, const void *value);
