/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Namespaces that are kept by name: each is there as long as its leader, a process, is. */
#pragma once

#include "object.h"
#include "usher.pb-c.h"

extern const struct object_kind namespace_kind;

/* One of an owner's by its name, or NULL; also one that is being made. */
struct object *namespaces_find_name(const struct objects *namespaces, uid_t owner,
				    const char *name);
