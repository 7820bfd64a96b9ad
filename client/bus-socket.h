/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket of a connection: the greeting, and whole messages with their descriptors. */
#pragma once

#include "bus-message.h"

struct bus_socket {
	int fd;
	uint8_t *bytes; /* what has come and is no whole message yet */
	size_t size, room;
	int fds[2 * MESSAGE_FDS_MAX]; /* of one message, and what came along of the next */
	unsigned fds_count;
};

void bus_socket_done(struct bus_socket *s);

/*
 * Waits until the other end has let us in, until that time of CLOCK_MONOTONIC. The first message
 * may go along with the greeting, if it has no descriptors. -EPERM where we are not let in.
 */
int bus_socket_greet(struct bus_socket *s, const struct bus_message *first, uint64_t deadline);

int bus_socket_send(struct bus_socket *s, const struct bus_message *m, uint64_t deadline);

/* The next message: 1; 0, and that more bytes are needed; -EBADMSG where they are none. */
int bus_socket_take(struct bus_socket *s, struct bus_message **ret);
/* More bytes: 1; 0 where none have come; -ECONNRESET and others where none will. */
int bus_socket_receive(struct bus_socket *s);
/* Sleeps until something has come; -ETIMEDOUT. */
int bus_socket_wait(const struct bus_socket *s, uint64_t deadline);
