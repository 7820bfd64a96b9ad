/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes that look at file systems on behalf of watches, one for each file system that
 * something is watched on. */
#pragma once

#include "attendants.h"
#include "roots.h"
#include "usher.pb-c.h"

extern const struct attendant_kind watcher_kind;

/* Of which file systems there is one: a child need not find their roots again. */
void watchers_tell_roots(const struct attendants *watchers, struct roots *roots);
/* Whether that of this watcher is kept for it. */
bool watchers_have_root(const struct attendants *watchers, const char *key);
/* A child has made this, and named a watcher without a root: if that has gone meanwhile, another
 * one begins with the root that it had. 0 or a negative errno. */
int watchers_give_root(const struct attendants *watchers, struct roots *roots,
		       const Usher__WatchObject *made, ProtobufCMessage *reply, struct fds *fds);
