/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "notice.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* So much may lie there unread before who tells more has to wait. */
static const int room = 8 * 1024 * 1024;

static int open_socket(void) {
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	return fd;
}

/* A name that begins with '@' is not in the file system, and ends where the address does. */
static int find(struct sockaddr_un *ret, socklen_t *ret_size) {
	const char *name = getenv("NOTIFY_SOCKET") ?: "";
	size_t length = strlen(name);

	if ((*name != '/' && *name != '@') || length < 2 || length >= sizeof ret->sun_path)
		return -EINVAL;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, name, length);
	*ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (*name == '/'));
	if (*name == '@')
		*ret->sun_path = '\0';
	return 0;
}

static void attach(struct msghdr *packet, struct cmsghdr *control, const int *fds, size_t n) {
	if (n == 0)
		return;
	packet->msg_control = control;
	packet->msg_controllen = CMSG_SPACE(n * sizeof *fds);
	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(n * sizeof *fds);
	memcpy(CMSG_DATA(control), fds, n * sizeof *fds);
}

int notice_send(const char *text, const int *fds, size_t n) {
	static int kept = -1;

	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(NOTICE_DESCRIPTORS_MAX * sizeof(int))];
	} control = { 0 };
	struct sockaddr_un address;
	struct iovec part = { (char *)(uintptr_t)text, strlen(text) };
	struct msghdr packet = { .msg_name = &address, .msg_iov = &part, .msg_iovlen = 1 };
	int r = n > NOTICE_DESCRIPTORS_MAX ? -E2BIG : find(&address, &packet.msg_namelen);

	if (r == 0 && kept < 0 && (kept = open_socket()) < 0)
		r = -errno;
	if (r < 0)
		return r;
	attach(&packet, &control.header, fds, n);
	return sendmsg(kept, &packet, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
