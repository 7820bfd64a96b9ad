/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hands orders to fresh children of the worker. */
#pragma once

#include <stdbool.h>

struct launcher {
	/* of the worker's socket, and of that of the worker whose children make processes of
	 * others; NULL: over the socket pair */
	const char *path, *spawner_path;
	/* of what watchers and readers of netlink listen at; NULL: they are started by us */
	const char *watcher_path, *netlink_path;
	const char *libexec;
	int pair; /* to a worker of our own, -1 if not started */
};

/* The system's workers, that systemd starts. */
void launcher_use_system(struct launcher *launcher);
/* A worker of our own, without privilege, from the directory of the small programs. */
int launcher_start(struct launcher *launcher, const char *libexec);
void launcher_done(struct launcher *launcher);
/* A connection to a fresh child: a socket that does not wait. -EAGAIN when too many are asked for
 * at once. */
int launcher_connect(const struct launcher *launcher, bool spawns);
/* A connection of the same kind to a fresh watcher, or to a fresh reader or monitor of netlink. */
int launcher_connect_watcher(const struct launcher *launcher);
int launcher_connect_netlink(const struct launcher *launcher);
