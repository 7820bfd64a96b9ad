/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Monitors of networks, until they are closed or their namespaces go. Each has a listener, the
 * process that tells what changes. */
#pragma once

#include <stdbool.h>

#include "object.h"
#include "usher.pb-c.h"

extern const struct object_kind monitor_kind;

/* By which listener it is looked after. */
const char *monitor_key(const struct object *object);
/* The namespace that it listens in, borrowed. */
int monitor_namespace(const struct object *object);
/* The listener has been told of it. */
bool monitor_is_told(const struct object *object);
/* What the listener has to be told. */
int monitor_introduce(struct object *object, int connection);
/* Its listener has gone, and will be told of it again. */
void monitor_lose_listener(struct object *object);
/* There will be none. */
void monitor_give_up(struct object *object, const char *why);

/* What the listener says of one of its monitors; false where it says nothing of any that is there.
 */
bool monitor_heed(struct objects *monitors, const Usher__NetlinkReport *report);
/* Of which one. */
uint64_t monitor_number(const Usher__NetlinkReport *report);
