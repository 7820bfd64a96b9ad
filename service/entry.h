/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Going into a place that has been opened: with the caller's rights to files, and into the
 * namespaces and the root.
 */
#pragma once

#include <stdbool.h>
#include <sys/utsname.h>

#include "place.h"

/* File accesses from here on are the caller's, with its groups; before confinement, because it
 * takes the right to become others. 0 or a negative errno. */
int place_act_as_caller(const struct place *place);
/* File accesses from here on are root's. After confinement there is no way back. */
int place_act_as_root(const struct place *place);

/* Joins the place's mount namespace and root, once; with `as_its_root`, first the user namespace
 * that owns it, which leaves no privilege outside it. The descriptors stay good. */
int place_join_mounts(struct place *place, bool as_its_root);
/* In the place's mount namespace: the root of its process. */
int place_enter_root(const struct place *place);
/* After joining: the root of the whole namespace becomes the place's root. */
int place_open_root(struct place *place);
/* For a process that is in namespaces of its own by now: these are the place. 0 or -errno. */
int place_settle(struct place *place);
int place_join_names(const struct place *place);
/* Joins that, and says what it is called. 0 or -errno. */
int place_names(const struct place *place, struct utsname *ret);
/* The service has no network of its own: what looks at the network must look at the place's. */
int place_join_network(const struct place *place);
/* The pid namespace, for children that are made from now on. */
int place_join_for_children(const struct place *place);
