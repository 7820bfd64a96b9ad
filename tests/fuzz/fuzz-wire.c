/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets that claim to be frames. The first byte says what kind of message is expected, how many
 * descriptors come along, and whether the first of them is sealed memory with the rest of the
 * input.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz.h"
#include "message.h"
#include "usher.pb-c.h"
#include "wire.h"

static const ProtobufCMessageDescriptor *const kinds[] = {
	&usher__order__descriptor,
	&usher__reply__descriptor,
	&usher__grant__descriptor,
	&usher__mount_request__descriptor,
};

static int sealed(const uint8_t *data, size_t size) {
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	must(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0);
	return fd;
}

static void send_packet(int socket, const uint8_t *data, size_t size, const int *fds, size_t n) {
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(32 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)(uintptr_t)data, size };
	struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };

	if (n > 0) {
		packet.msg_control = &control;
		packet.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
	}
	must(sendmsg(socket, &packet, MSG_NOSIGNAL) == (ssize_t)size);
}

static void receive(int socket, const ProtobufCMessageDescriptor *kind) {
	ProtobufCMessage *message = NULL, *copy;
	struct fds fds = { 0 };
	int r = wire_receive(socket, kind, &fds, &message);

	must((r == 0) == (message != NULL));
	must(fds.n <= FDS_MAX);
	if (message) {
		copy = message_copy(message);
		/* what has a field 0 is read by protobuf-c, and written, and then not read again */
		must(!copy || protobuf_c_message_get_packed_size(copy) ==
				      protobuf_c_message_get_packed_size(message));
		message_freep(&copy);
	}
	message_freep(&message);
	fds_done(&fds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const ProtobufCMessageDescriptor *kind;
	size_t n, head = 12; /* the head of a frame */
	int pair[2], many[32], outside = -1, next;
	bool split;

	if (size < 2)
		return 0;
	kind = kinds[*data & 3];
	n = (*data >> 2) & 31;
	split = *data & 0x80 && size > 1 + head;
	data++;
	size--;
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	for (size_t i = 0; i < n; i++)
		many[i] = pair[1];
	if (split)
		many[0] = outside = sealed(data + head, size - head);
	if (split && n == 0)
		n = 1;
	send_packet(pair[0], data, split ? head : size, many, n);
	receive(pair[1], kind);
	if (outside >= 0)
		(void)close(outside);
	(void)close(pair[0]);
	(void)close(pair[1]);
	/* the lowest number is free again unless something was lost */
	next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	must(next == pair[0]);
	(void)close(next);
	return 0;
}
