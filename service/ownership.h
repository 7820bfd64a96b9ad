/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* User namespaces: which is the service's own, and in which the caller is as good as root. */
#pragma once

#include <stdbool.h>

#include "place.h"

/* The caller is root in the service's own user namespace: nothing is kept from it. */
bool place_is_roots(const struct place *place);
/* Of user namespaces: whether it is the service's own; whether the caller is as good as root in
 * it, which in the service's own nobody is. */
bool place_is_our_users(const struct place *place, int users);
bool place_owns_users(const struct place *place, int namespace);
/* The same of the user namespace that owns a namespace, and that owns the place's network. */
bool place_owns(const struct place *place, int namespace);
bool place_owns_network(const struct place *place);
/* The same, and which that is, unless it is the service's own or ret_users is NULL. */
bool ownership_find(const struct place *place, int namespace, int *ret_users);
/* Whether a user namespace is another or lies below it. */
bool place_is_within(int users, int other);
