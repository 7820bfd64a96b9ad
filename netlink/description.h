/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What there is to be asked for, as JSON, out of the tables. */
#pragma once

struct netlink_type;

/* A type with all of its fields; NULL: the names of all types. It is made once, which takes a
 * millisecond, and stays; NULL when there is no memory. */
const char *description_of(const struct netlink_type *type);
