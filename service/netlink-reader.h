/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process that asks the kernel for rows, of whatever network namespace it is told: one for the
 * whole service, started when somebody first asks. It holds nothing for anybody, so when it has
 * died the next one is as good, and whoever waited may ask again.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "fd.h"
#include "usher.pb-c.h"

struct desk;

struct netlink_reader {
	struct desk *desk;
	int connection; /* -1: there is none */
	sd_event_source *io, *clock;
	uint64_t clock_usec; /* when it rings, if it runs */
	uint64_t last_serial;
};

/* Before anything else. */
void netlink_reader_init(struct netlink_reader *reader, struct desk *desk);
/* Asks, under a new serial by which inquiry_heed() knows the answer; the descriptors stay the
 * caller's. 0 or a negative errno: -EAGAIN where so much is asked that it has to be read first. */
int netlink_reader_ask(struct netlink_reader *reader, Usher__NetlinkAsk *ask,
		       const struct fds *fds);
/* inquiry_end_late() is called then, or before. One clock is everybody's, and goes on when what it
 * was set for has been answered: most are never late. 0 or a negative errno. */
int netlink_reader_set_clock(struct netlink_reader *reader, uint64_t usec);
/* Nobody waits for the answer any more. */
void netlink_reader_forget(struct netlink_reader *reader, uint64_t serial);
void netlink_reader_done(struct netlink_reader *reader);
