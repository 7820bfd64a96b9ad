/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One socket that hears of changes, on behalf of all who want to hear of some: what a listener more
 * costs is paid by whoever changes something, and by every one of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct listener_space;
struct nlmsghdr;

struct listener {
	int fd;             /* -1: closed */
	uint64_t groups[2]; /* those that it is in, a bit each */
	uint32_t drops;     /* messages for which there was no room, so far */
	struct listener_space *space;
};

/* In the network namespace that the process is in. 0 or a negative errno; as much is kept for us as
 * our rights allow. */
int listener_open(struct listener *listener, int protocol);
void listener_close(struct listener *listener);

enum { LISTENER_GROUPS_MAX = 127 };

/* Is in these groups from now on, a bit each, and in no others. 0 or a negative errno. */
int listener_choose(struct listener *listener, const uint64_t groups[2]);

typedef void listener_each(void *data, const struct nlmsghdr *message);

/* Has `each` take what is there, up to a bound. 1 if there may be more, 0 if there is not;
 * -ENOBUFS, once, before what was heard until something was lost, and -EMSGSIZE after a message
 * that was too long; or another negative errno. */
int listener_hear(struct listener *listener, listener_each *each, void *data);
/* How many were lost since it was asked last. */
uint64_t listener_lost(struct listener *listener);
