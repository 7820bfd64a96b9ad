/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The processes that look at file systems on behalf of watches, one for each file system that
 * something is watched on. systemd keeps what one needs to go on: the connection to it, which
 * outlives the broker, and its own descriptors, which outlive it. It is started with the first
 * watch and let go with the last.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "usher.pb-c.h"

struct desk;
struct object;
struct watcher;

struct watchers {
	struct desk *desk;
	struct watcher *first;
	uint64_t last_number;
};

/* Takes back those of an earlier life of the service, before its watches. 0 or a negative errno. */
int watchers_load(struct watchers *watchers);
/* Lets those go that look after nothing, when all watches are there. */
void watchers_tidy(struct watchers *watchers);
void watchers_done(struct watchers *watchers);
/* How many descriptors systemd keeps for them. */
size_t watchers_kept(const struct watchers *watchers);

/* Has a watch looked after, which begins sooner or later: watch_heed() is told. */
int watchers_add(struct watchers *watchers, struct object *watch);
/* Something else about it. -EAGAIN where its watcher cannot hear it now. */
int watchers_order(const struct watchers *watchers, const struct object *watch,
		   const Usher__WatcherOrder *order);
/* It is not among the objects any more, or about to go. */
void watchers_remove(struct watchers *watchers, const struct object *watch);
