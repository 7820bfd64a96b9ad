/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the broker is told of a watch, in frames of a size that goes into a signal. */
#pragma once

#include "watch.h"
#include "watcher.h"

/* As much of the backlog as a frame has room for, which is in the backlog no more then. 0 or a
 * negative errno: nothing was said. */
int bulletin_say_events(struct watcher *watcher, struct watch *watch);
/* What is missing, which is not missing any more then. */
int bulletin_say_lost(struct watcher *watcher, struct watch *watch);
int bulletin_say_counters(struct watcher *watcher, const struct watch *watch);
