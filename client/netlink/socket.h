/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A netlink socket, from the inside. */
#pragma once

#include <libmnl/libmnl.h>

#include "usher-netlink.h"

/* More than any datagram of the kernel's: dumps come in 32 KiB at most. */
enum { SOCKET_BUFFER = 128 * 1024 };

struct usher_socket {
	struct mnl_socket *mnl;
	char *buffer;    /* of SOCKET_BUFFER */
	uint32_t number; /* of the last request */
	uint32_t unread; /* the number of the one whose answers were not read to the end; 0: none */
	bool primed;     /* the kernel knows how large our buffer is */
	size_t error_offset;
	char message[256];
};

/* Forgets what was wrong before. */
void socket_forget(struct usher_socket *socket);

/* Keeps what is wrong; returns the error. */
int socket_fail(struct usher_socket *socket, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Keeps an error that came with an acknowledgement or at the end of a dump: negative, with the
 * attributes behind it. Returns it. */
int socket_refused(struct usher_socket *socket, int error, const void *attributes, size_t size);

/* The next datagram of the kernel's: its size, into the buffer; or a negative errno, -EAGAIN if
 * there is none and nobody is to wait. */
ssize_t socket_receive(struct usher_socket *socket, bool wait);
