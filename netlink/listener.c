/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "listener.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "fd.h"

/* So many messages at once; no message of the kernel's is as long as the space for one. What is
 * never written to takes no memory. */
enum { AT_ONCE = 32, SPACE = 128 * 1024 };

/* Holds 20,000 changes of routes until somebody has time for them. */
enum { BUFFER = 8 * 1024 * 1024 };

struct listener_space {
	struct mmsghdr messages[AT_ONCE];
	struct iovec pieces[AT_ONCE];
	struct sockaddr_nl senders[AT_ONCE];
	uint8_t bytes[AT_ONCE][SPACE];
};

static void enlarge(int fd) {
	const int size = BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

static void prepare(struct listener_space *space) {
	for (size_t i = 0; i < AT_ONCE; i++) {
		space->pieces[i] = (struct iovec){ space->bytes[i], SPACE };
		space->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &space->senders[i],
			.msg_iov = &space->pieces[i],
			.msg_iovlen = 1,
		};
	}
}

int listener_open(struct listener *listener, int protocol) {
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	void *space;

	*listener = (struct listener){ .fd = -1 };
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	space = mmap(NULL, sizeof *listener->space, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (space == MAP_FAILED)
		return -errno;
	enlarge(fd);
	listener->space = space;
	prepare(listener->space);
	listener->fd = fd_take(&fd);
	return 0;
}

void listener_close(struct listener *listener) {
	if (listener->space)
		(void)munmap(listener->space, sizeof *listener->space);
	listener->space = NULL;
	fd_closep(&listener->fd);
}

static bool has(const uint64_t groups[2], int group) {
	return groups[group / 64] >> (group % 64) & 1;
}

int listener_choose(struct listener *listener, const uint64_t groups[2]) {
	for (int group = 1; group <= LISTENER_GROUPS_MAX; group++) {
		bool wanted = has(groups, group);

		if (wanted == has(listener->groups, group))
			continue;
		if (setsockopt(listener->fd, SOL_NETLINK,
			       wanted ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP, &group,
			       sizeof group) < 0)
			return -errno;
		listener->groups[group / 64] ^= UINT64_C(1) << (group % 64);
	}
	return 0;
}

/* Anybody may send to our port who has the right to send to a port at all. */
static bool is_the_kernels(const struct mmsghdr *heard, const struct sockaddr_nl *sender) {
	return heard->msg_hdr.msg_namelen == sizeof *sender && sender->nl_pid == 0;
}

static void take(const uint8_t *bytes, size_t size, listener_each *each, void *data) {
	while (size >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *message = (const void *)bytes;
		size_t length = message->nlmsg_len;

		if (length < sizeof *message || length > size)
			return;
		if (message->nlmsg_type >= NLMSG_MIN_TYPE)
			each(data, message);
		length = NLMSG_ALIGN(length);
		if (length >= size)
			return;
		bytes += length;
		size -= length;
	}
}

int listener_hear(struct listener *listener, listener_each *each, void *data) {
	struct listener_space *space = listener->space;
	bool cut = false;
	int n;

	for (size_t i = 0; i < AT_ONCE; i++)
		space->messages[i].msg_hdr.msg_namelen = sizeof space->senders[i];
	n = recvmmsg(listener->fd, space->messages, AT_ONCE, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		const struct mmsghdr *heard = &space->messages[i];

		if (!is_the_kernels(heard, &space->senders[i]))
			continue;
		if (heard->msg_hdr.msg_flags & MSG_TRUNC)
			cut = true;
		else
			take(space->bytes[i], heard->msg_len, each, data);
	}
	return cut ? -EMSGSIZE : n == AT_ONCE;
}

uint64_t listener_lost(struct listener *listener) {
	uint32_t numbers[SK_MEMINFO_VARS] = { 0 }, before = listener->drops;
	socklen_t size = sizeof numbers;

	if (getsockopt(listener->fd, SOL_SOCKET, SO_MEMINFO, numbers, &size) < 0 ||
	    size <= SK_MEMINFO_DROPS * sizeof *numbers)
		return 0;
	listener->drops = numbers[SK_MEMINFO_DROPS];
	return listener->drops - before;
}
