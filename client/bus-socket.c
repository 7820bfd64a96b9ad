/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket of a connection: the greeting, and whole messages with their descriptors. */

#include "bus-socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { RECEIVE_SIZE = 4096, GREETING_SIZE_MAX = 4096, NSEC_OF_USEC = 1000, USEC_OF_SEC = 1000000 };

void bus_socket_done(struct bus_socket *s) {
	for (unsigned i = 0; i < s->fds_count; i++)
		(void)close(s->fds[i]);
	s->fds_count = 0;
	free(take_pointer(s->bytes));
	s->size = s->room = 0;
	cleanup_close(&s->fd);
	s->fd = -1;
}

/* ---- sleeping ---- */

static int wait_for(const struct bus_socket *s, short events, uint64_t deadline) {
	struct pollfd wanted = { .fd = s->fd, .events = events };
	struct timespec now, left;
	uint64_t usec;
	int n;

	do {
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		usec = (uint64_t)now.tv_sec * USEC_OF_SEC + (uint64_t)now.tv_nsec / NSEC_OF_USEC;
		usec = deadline > usec ? deadline - usec : 0;
		left.tv_sec = (time_t)(usec / USEC_OF_SEC);
		left.tv_nsec = (long)(usec % USEC_OF_SEC) * NSEC_OF_USEC;
		n = ppoll(&wanted, 1, deadline == UINT64_MAX ? NULL : &left, NULL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n > 0 ? 0 : -ETIMEDOUT;
}

int bus_socket_wait(const struct bus_socket *s, uint64_t deadline) {
	return wait_for(s, POLLIN, deadline);
}

/* ---- out ---- */

/* So many bytes less are left to send. */
static void advance(struct msghdr *message, size_t n) {
	while (message->msg_iovlen > 0 && n >= message->msg_iov->iov_len) {
		n -= message->msg_iov->iov_len;
		message->msg_iov++;
		message->msg_iovlen--;
	}
	if (message->msg_iovlen == 0)
		return;
	message->msg_iov->iov_base = (uint8_t *)message->msg_iov->iov_base + n;
	message->msg_iov->iov_len -= n;
}

/* All of it, or nothing: after a part of it there is no connection any more. Descriptors go with
 * the first byte. */
static int send_all(const struct bus_socket *s, struct msghdr *message, uint64_t deadline) {
	bool begun = false;
	ssize_t n;
	int r = 0;

	while (r >= 0 && message->msg_iovlen > 0) {
		n = sendmsg(s->fd, message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			begun = true;
			message->msg_control = NULL;
			message->msg_controllen = 0;
			advance(message, (size_t)n);
		} else if (errno == EAGAIN)
			r = wait_for(s, POLLOUT, deadline);
		else if (errno != EINTR)
			r = errno == EPIPE ? -ECONNRESET : -errno;
	}
	return r < 0 && begun ? -ECONNRESET : r;
}

/* They lie in the control message, which has room for them. */
static void attach(struct msghdr *message, const int *fds, size_t size) {
	struct cmsghdr *header;

	message->msg_controllen = CMSG_SPACE(size);
	memset(message->msg_control, 0, message->msg_controllen);
	header = CMSG_FIRSTHDR(message);
	if (!header)
		return;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(header), fds, size);
}

int bus_socket_send(struct bus_socket *s, const struct bus_message *m, uint64_t deadline) {
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MESSAGE_FDS_MAX * sizeof(int))];
	struct iovec parts[] = { { m->head.bytes, m->head.size }, { m->body.bytes, m->body.size } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	if (m->fds_count > 0) {
		message.msg_control = control;
		attach(&message, m->fds, m->fds_count * sizeof *m->fds);
	}
	return send_all(s, &message, deadline);
}

/* ---- in ---- */

/* Room for the whole of the message that has begun to come, and always for some bytes. */
static int make_room(struct bus_socket *s) {
	size_t room = s->size + RECEIVE_SIZE, whole = s->size + 1;
	uint8_t *larger;
	int r = s->size < MESSAGE_START ? 0 : bus_message_size(s->bytes, &whole);

	if (r < 0 || s->room >= whole)
		return r;
	if (room < whole)
		room = whole;
	larger = realloc(s->bytes, room);
	if (!larger)
		return -ENOMEM;
	s->bytes = larger;
	s->room = room;
	return 0;
}

/* What came with the bytes; more of it than there is room for is nobody's. */
static int keep_fds(struct bus_socket *s, struct msghdr *message) {
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int r = message->msg_flags & MSG_CTRUNC ? -EBADMSG : 0, fd;

	for (; header; header = CMSG_NXTHDR(message, header)) {
		size_t n = (header->cmsg_len - CMSG_LEN(0)) / sizeof fd;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
			if (s->fds_count < sizeof s->fds / sizeof *s->fds)
				s->fds[s->fds_count++] = fd;
			else {
				(void)close(fd);
				r = -EBADMSG;
			}
		}
	}
	return r;
}

int bus_socket_receive(struct bus_socket *s) {
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MESSAGE_FDS_MAX * sizeof(int))];
	struct iovec part;
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof control };
	ssize_t n;
	int r = make_room(s);

	if (r < 0)
		return r;
	part = (struct iovec){ s->bytes + s->size, s->room - s->size };
	n = recvmsg(s->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	r = keep_fds(s, &message);
	if (r < 0)
		return r;
	s->size += (size_t)n;
	return n > 0 ? 1 : -ECONNRESET;
}

/* The bytes of one message, and what came after them stays. */
static int split(struct bus_socket *s, size_t size, uint8_t **ret) {
	size_t rest = s->size - size;
	uint8_t *bytes = NULL;

	if (rest > 0) {
		bytes = malloc(rest + RECEIVE_SIZE);
		if (!bytes)
			return -ENOMEM;
		memcpy(bytes, s->bytes + size, rest);
	}
	*ret = s->bytes;
	s->bytes = bytes;
	s->size = rest;
	s->room = rest > 0 ? rest + RECEIVE_SIZE : 0;
	return 0;
}

/* Descriptors come in the order of the messages that have them. */
static int split_fds(struct bus_socket *s, struct bus_message *m) {
	if (m->fds_count > s->fds_count) {
		m->fds_count = 0;
		return -EBADMSG;
	}
	if (m->fds_count == 0)
		return 0;
	m->fds = malloc(m->fds_count * sizeof *m->fds);
	if (!m->fds) {
		m->fds_count = 0;
		return -ENOMEM;
	}
	memcpy(m->fds, s->fds, m->fds_count * sizeof *m->fds);
	s->fds_count -= m->fds_count;
	memmove(s->fds, s->fds + m->fds_count, s->fds_count * sizeof *s->fds);
	return 0;
}

int bus_socket_take(struct bus_socket *s, struct bus_message **ret) {
	_cleanup_(bus_message_freep) struct bus_message *m = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t size;
	int r;

	if (s->size < MESSAGE_START)
		return 0;
	r = bus_message_size(s->bytes, &size);
	if (r < 0 || s->size < size)
		return r;
	r = split(s, size, &bytes);
	if (r >= 0)
		r = bus_message_parse(bytes, size, &m);
	if (r < 0)
		return r;
	bytes = NULL;
	r = split_fds(s, m);
	if (r < 0)
		return r;
	*ret = take_pointer(m);
	return 1;
}

/* ---- the greeting ---- */

/* Who we are the other end knows from the kernel, and needs not be told. */
static const char greeting[] = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";

/* How long the next line is, with its end; 0: it is not there yet. */
static size_t line_length(const struct bus_socket *s, size_t begin) {
	const uint8_t *end = memmem(s->bytes + begin, s->size - begin, "\r\n", 2);

	return end ? (size_t)(end + 2 - s->bytes) - begin : 0;
}

/* The lines that answer ours: 1; 0 where they are not all there; -EPERM where one is another. */
static int read_answers(const struct bus_socket *s, size_t *ret_size) {
	static const char *const answers[] = { "DATA", "OK", "AGREE_UNIX_FD" };
	size_t at = 0, length;

	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		size_t size = strlen(answers[i]);

		length = s->size > 0 ? line_length(s, at) : 0;
		if (length == 0)
			return s->size > GREETING_SIZE_MAX ? -EPERM : 0;
		if (length < size + 2 || memcmp(s->bytes + at, answers[i], size) != 0 ||
		    !strchr(" \r", s->bytes[at + size]))
			return -EPERM;
		at += length;
	}
	*ret_size = at;
	return 1;
}

int bus_socket_greet(struct bus_socket *s, const struct bus_message *first, uint64_t deadline) {
	struct iovec parts[3] = { { (char *)(uintptr_t)greeting, sizeof greeting - 1 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 1 };
	size_t size = 0;
	int r;

	if (first) {
		parts[1] = (struct iovec){ first->head.bytes, first->head.size };
		parts[2] = (struct iovec){ first->body.bytes, first->body.size };
		message.msg_iovlen = 3;
	}
	r = send_all(s, &message, deadline);
	while (r >= 0 && (r = read_answers(s, &size)) == 0) {
		r = bus_socket_wait(s, deadline);
		if (r >= 0)
			r = bus_socket_receive(s);
	}
	if (r < 0)
		return r;
	s->size -= size;
	memmove(s->bytes, s->bytes + size, s->size);
	return 0;
}
