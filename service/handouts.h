/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory of the service's that users hold: memfds that were handed out and that somebody still has
 * open, or mapped. The kernel says when the last of them has let go.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct handout;
struct handouts_table;

/* Of all users together: what usher-netlink@.service has memory for, and some for itself. */
enum { HANDOUTS_TOTAL_MAX = 768 << 20 };

struct handouts {
	int inotify;
	sd_event_source *io;
	struct handout *first;
	/* The same in memory that systemd keeps, together with what hears when they go: after a
	 * life of the service that ended in no good order they are still known. */
	int memory;
	struct handouts_table *table;
	bool kept;
};

/* With those of an earlier life. 0 or a negative errno. */
int handouts_begin(struct handouts *handouts, sd_event *event);
/* The memfd, which is only looked at, is the user's from now on. 0 or a negative errno. */
int handouts_add(struct handouts *handouts, uid_t uid, int memfd);
/* How many bytes a user holds, and all together. */
uint64_t handouts_held(const struct handouts *handouts, uid_t uid);
uint64_t handouts_total(const struct handouts *handouts);
void handouts_done(struct handouts *handouts);
