/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames between the broker and a child of the worker, over a SOCK_SEQPACKET socket: one packed
 * protobuf message and its descriptors a packet. A message too large for a packet travels in a
 * sealed memfd, which is then the first descriptor.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "fd.h"

enum {
	WIRE_INLINE_MAX = 32 * 1024,
	WIRE_MESSAGE_MAX = 16 * 1024 * 1024,
};

/* Sends a message; the descriptors stay the caller's. 0 or a negative errno. */
int wire_send(int socket, const ProtobufCMessage *message, const struct fds *fds);
/* Receives a message of the given kind; its descriptors are added to fds, which must be empty.
 * 0, -ECONNRESET when the other side has gone, -EBADMSG when it is not such a frame, or another
 * negative errno (-EAGAIN on a socket that does not wait). */
int wire_receive(int socket, const ProtobufCMessageDescriptor *descriptor, struct fds *fds,
		 ProtobufCMessage **ret);
/* Looks at the next message without taking it; its descriptors are not for the looking. The same
 * errors. */
int wire_peek(int socket, const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage **ret);
/* Takes the next message, unread. */
void wire_skip(int socket);
