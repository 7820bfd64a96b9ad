/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches, until they are closed or go by themselves. Each has a watcher, the process that tells
 * what happens. */
#pragma once

#include <stdbool.h>

#include "object.h"
#include "usher.pb-c.h"

extern const struct object_kind watch_kind;

/* By which watcher it is looked after. */
const char *watch_key(const struct object *object);
/* What a watcher of its file system needs, borrowed; or -1. */
int watch_superblock(const struct object *object);
/* The watcher has been told of it, and has said that it looks after it. */
bool watch_is_told(const struct object *object);
/* Whose session it was made in, where only its reader keeps it. */
bool watch_session_of(const struct object *object, uid_t *ret);
/* The user has left: what those sessions began goes. */
void watches_drop_user(struct objects *watches, uid_t uid);
/* What the watcher has to be told. */
int watch_introduce(struct object *object, int connection);
/* Its watcher has gone, and will be told of it again. */
void watch_lose_watcher(struct object *object);
/* There will be none. */
void watch_give_up(struct object *object, const char *why);

/* What the watcher says of one of its watches; false where it says nothing of any that is there. */
bool watch_heed(struct objects *watches, const Usher__WatcherReport *report);
/* Of which one. */
uint64_t watch_number(const Usher__WatcherReport *report);
