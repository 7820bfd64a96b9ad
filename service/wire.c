/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "message.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static const uint32_t magic = 0x75736872; /* "ushr" */

struct header {
	uint32_t magic;
	uint32_t size;    /* of the message */
	uint32_t outside; /* 1: the message is in the first descriptor */
};

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE((FDS_MAX + 1) * sizeof(int))];
};

static int write_memfd(const uint8_t *bytes, size_t size) {
	_cleanup_close_ int fd = memfd_create("usher-frame", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < size) {
		ssize_t n = write(fd, bytes + done, size - done);

		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	return fd_take(&fd);
}

static void attach(struct msghdr *packet, union control *control, int outside,
		   const struct fds *fds) {
	size_t n = (fds ? fds->n : 0) + (outside >= 0);
	unsigned char *data;

	if (n == 0)
		return;
	memset(control, 0, sizeof *control);
	packet->msg_control = control;
	packet->msg_controllen = CMSG_SPACE(n * sizeof(int));
	control->header.cmsg_level = SOL_SOCKET;
	control->header.cmsg_type = SCM_RIGHTS;
	control->header.cmsg_len = CMSG_LEN(n * sizeof(int));
	data = CMSG_DATA(&control->header);
	if (outside >= 0) {
		memcpy(data, &outside, sizeof outside);
		data += sizeof outside;
	}
	if (fds)
		memcpy(data, fds->fd, fds->n * sizeof(int));
}

int wire_send(int socket, const ProtobufCMessage *message, const struct fds *fds) {
	size_t size = protobuf_c_message_get_packed_size(message);
	struct header header = { .magic = magic, .size = (uint32_t)size };
	_cleanup_close_ int outside = -1;
	_cleanup_free_ uint8_t *large = NULL;
	uint8_t small[512], *bytes = small; /* most outcomes, which need no memory then */
	struct iovec parts[2];
	struct msghdr packet = { .msg_iov = parts, .msg_iovlen = 2 };
	union control control;

	if (size > WIRE_MESSAGE_MAX)
		return -EMSGSIZE;
	if (size > sizeof small)
		bytes = large = malloc(size);
	if (!bytes)
		return -ENOMEM;
	protobuf_c_message_pack(message, bytes);
	if (size > WIRE_INLINE_MAX) {
		outside = write_memfd(bytes, size);
		if (outside < 0)
			return outside;
		header.outside = 1;
	}
	parts[0] = (struct iovec){ &header, sizeof header };
	parts[1] = (struct iovec){ bytes, header.outside ? 0 : size };
	attach(&packet, &control, outside, fds);
	if (sendmsg(socket, &packet, MSG_NOSIGNAL) < 0)
		return errno == EPIPE ? -ECONNRESET : -errno;
	return 0;
}

/* Keeps what came, whatever else is wrong with the packet: it must be closed. The message's own
 * descriptor, where it has one, is the first and does not count among the others. */
static int collect(struct msghdr *packet, bool outside, int *ret_outside, struct fds *fds) {
	int worst = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(packet); c; c = CMSG_NXTHDR(packet, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (outside && *ret_outside < 0)
				*ret_outside = fd;
			else if (fds_add(fds, fd) < 0)
				worst = -EBADMSG;
		}
	}
	return packet->msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EBADMSG : worst;
}

/* A message that is not in the packet: out of a descriptor, which must be sealed, so that nobody
 * changes it under the reader. */
static int read_outside(int fd, size_t size, uint8_t **ret) {
	_cleanup_free_ uint8_t *bytes = NULL;
	struct stat st;
	int seals;

	if (fd < 0 || size > WIRE_MESSAGE_MAX)
		return -EBADMSG;
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS)
		return -EBADMSG;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((size_t)st.st_size != size)
		return -EBADMSG;
	bytes = malloc(size + 1);
	if (!bytes)
		return -ENOMEM;
	if (pread(fd, bytes, size, 0) != (ssize_t)size)
		return -EBADMSG;
	*ret = bytes;
	bytes = NULL;
	return 0;
}

static int decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
		  ProtobufCMessage **ret) {
	*ret = protobuf_c_message_unpack(descriptor, NULL, size, bytes);
	return *ret ? 0 : -EBADMSG;
}

static int receive(int socket, int flags, const ProtobufCMessageDescriptor *descriptor,
		   struct fds *fds, ProtobufCMessage **ret) {
	static uint8_t inside[WIRE_INLINE_MAX]; /* on the stack, each page of it would be touched */
	struct header header;
	struct iovec parts[2] = { { &header, sizeof header }, { inside, sizeof inside } };
	union control control;
	struct msghdr packet = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	_cleanup_close_ int outside = -1;
	ssize_t n;
	int r;

	n = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC | flags);
	if (n < 0)
		return -errno;
	r = collect(&packet, (size_t)n >= sizeof header && header.outside == 1, &outside, fds);
	if (n == 0)
		return -ECONNRESET;
	if (r < 0)
		return r;
	if ((size_t)n < sizeof header || header.magic != magic || header.outside > 1)
		return -EBADMSG;
	if (header.outside) {
		_cleanup_free_ uint8_t *bytes = NULL;

		r = read_outside(outside, header.size, &bytes);
		return r < 0 ? r : decode(descriptor, bytes, header.size, ret);
	}
	if (header.size != (size_t)n - sizeof header)
		return -EBADMSG;
	return decode(descriptor, inside, header.size, ret);
}

int wire_receive(int socket, const ProtobufCMessageDescriptor *descriptor, struct fds *fds,
		 ProtobufCMessage **ret) {
	return receive(socket, 0, descriptor, fds, ret);
}

int wire_peek(int socket, const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage **ret) {
	struct fds fds = { 0 };
	int r = receive(socket, MSG_PEEK, descriptor, &fds, ret);

	fds_done(&fds);
	return r;
}

void wire_skip(int socket) {
	char byte;

	(void)recv(socket, &byte, sizeof byte, MSG_DONTWAIT);
}
