/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Netlink sockets: how they are set up, and what comes in one at a time. */

#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void socket_forget(struct usher_socket *socket) {
	socket->message[0] = '\0';
	socket->error_offset = 0;
}

int socket_fail(struct usher_socket *socket, int error, const char *format, ...) {
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(socket->message, sizeof socket->message, format, arguments);
	va_end(arguments);
	return error;
}

const char *usher_socket_message(const struct usher_socket *socket) {
	return socket->message;
}

size_t usher_socket_error_offset(const struct usher_socket *socket) {
	return socket->error_offset;
}

int usher_socket_get_fd(const struct usher_socket *socket) {
	return mnl_socket_get_fd(socket->mnl);
}

struct usher_socket *usher_socket_close(struct usher_socket *socket) {
	if (!socket)
		return NULL;
	if (socket->mnl)
		(void)mnl_socket_close(socket->mnl);
	free(socket->buffer);
	free(socket);
	return NULL;
}

/* An older kernel lacks one or the other, which costs filters and words, never rows: filters are to
 * be looked at by whoever reads. */
static void set_options(struct mnl_socket *mnl) {
	static const int options[] = { NETLINK_GET_STRICT_CHK, NETLINK_EXT_ACK, NETLINK_CAP_ACK };

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		int on = 1;

		(void)mnl_socket_setsockopt(mnl, options[i], &on, sizeof on);
	}
}

/* Takes over the socket, or closes it. */
static int make(struct mnl_socket *mnl, struct usher_socket **ret) {
	struct usher_socket *socket = calloc(1, sizeof *socket);

	if (socket)
		socket->buffer = malloc(SOCKET_BUFFER);
	if (!socket || !socket->buffer) {
		(void)mnl_socket_close(mnl);
		free(socket);
		return -ENOMEM;
	}
	socket->mnl = mnl;
	set_options(mnl);
	*ret = socket;
	return 0;
}

int usher_socket_new(int protocol, struct usher_socket **ret) {
	struct mnl_socket *mnl = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	int r;

	if (!mnl)
		return -errno;
	if (mnl_socket_bind(mnl, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		(void)mnl_socket_close(mnl);
		return r;
	}
	return make(mnl, ret);
}

/* Whether it is bound is nobody's business: the kernel binds it when it sends. But its number has
 * to be known before answers to it can be. */
int usher_socket_adopt(int fd, struct usher_socket **ret) {
	struct sockaddr_nl address = { 0 };
	socklen_t size = sizeof address;
	struct mnl_socket *mnl;
	int r;

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	if (size != sizeof address || address.nl_family != AF_NETLINK)
		return -EINVAL;
	if (address.nl_pid == 0 &&
	    bind(fd, (struct sockaddr *)&(struct sockaddr_nl){ .nl_family = AF_NETLINK },
		 sizeof address) < 0)
		return -errno;
	mnl = mnl_socket_fdopen(fd);
	if (!mnl)
		return -errno;
	r = make(mnl, ret);
	return r;
}

static int change_group(struct usher_socket *socket, int option, uint32_t group) {
	int r;

	socket_forget(socket);
	if (mnl_socket_setsockopt(socket->mnl, option, &group, sizeof group) == 0)
		return 0;
	r = -errno;
	return socket_fail(socket, r, "group %u: %s", group, strerror(-r));
}

int usher_socket_join(struct usher_socket *socket, uint32_t group) {
	return change_group(socket, NETLINK_ADD_MEMBERSHIP, group);
}

int usher_socket_leave(struct usher_socket *socket, uint32_t group) {
	return change_group(socket, NETLINK_DROP_MEMBERSHIP, group);
}

/* ---- what the kernel says ---- */

int socket_refused(struct usher_socket *socket, int error, const void *attributes, size_t size) {
	struct told {
		struct usher_view text;
		uint32_t offset;
	} told = { 0 };

	static const struct usher_attribute wanted[] = {
		[NLMSGERR_ATTR_MSG] = USHER_MEMBER(USHER_WINDOW, struct told, text),
		[NLMSGERR_ATTR_OFFS] = USHER_MEMBER(USHER_U32, struct told, offset),
	};
	static const struct usher_level level = USHER_LEVEL(wanted);

	(void)usher_level_read(&level, attributes, size, &told);
	socket->error_offset = told.offset;
	if (told.text.length == 0)
		return socket_fail(socket, error, "%s", strerror(-error));
	return socket_fail(socket, error, "%.*s", (int)strnlen(told.text.bytes, told.text.length),
			   (const char *)told.text.bytes);
}

/* One recvmsg(2), and whether it is the kernel that has sent: anybody may send to our port. */
static ssize_t receive_once(struct usher_socket *socket, bool wait, bool *ret_from_kernel) {
	struct sockaddr_nl sender = { 0 };
	struct iovec place = { .iov_base = socket->buffer, .iov_len = SOCKET_BUFFER };
	struct msghdr header = {
		.msg_name = &sender,
		.msg_namelen = sizeof sender,
		.msg_iov = &place,
		.msg_iovlen = 1,
	};
	ssize_t n = recvmsg(usher_socket_get_fd(socket), &header,
			    MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT));

	if (n < 0)
		return -errno;
	*ret_from_kernel = header.msg_namelen == sizeof sender && sender.nl_pid == 0;
	return *ret_from_kernel && header.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

/* It may have come to us as one that does not block. */
static int await(const struct usher_socket *socket) {
	struct pollfd more = { .fd = usher_socket_get_fd(socket), .events = POLLIN };

	return poll(&more, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

ssize_t socket_receive(struct usher_socket *socket, bool wait) {
	bool from_kernel = false;
	ssize_t n;

	do {
		n = receive_once(socket, wait, &from_kernel);
		if (n == -EAGAIN && wait)
			n = await(socket) < 0 ? -errno : -EINTR;
	} while (n == -EINTR || (n >= 0 && !from_kernel));
	if (n == -ENOBUFS)
		return socket_fail(socket, (int)n,
				   "messages were lost: more came than there is room "
				   "for");
	if (n < 0 && n != -EAGAIN)
		return socket_fail(socket, (int)n, "%s", strerror((int)-n));
	return n;
}
