/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* epoll(7), and what is known to be ready. */

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "event/source.h"
#include "event/verdict.h"

/* What comes whether it was asked for or not; the numbers of poll(2) and epoll(7) are the same. */
#define UNASKED ((unsigned)(POLLERR | POLLHUP))
#define KNOWN   ((unsigned)(POLLIN | POLLOUT | POLLPRI | POLLRDHUP))

struct usher_poller {
	int fd;
	struct usher_member *members;
};

struct usher_member {
	struct usher_poller *poller; /* NULL: it was removed */
	struct usher_member *next;
	int fd;
	unsigned ready;
};

int usher_poller_new(struct usher_poller **ret) {
	struct usher_poller *poller = calloc(1, sizeof *poller);

	if (!poller)
		return verdict_note(-ENOMEM, "no memory");
	poller->fd = epoll_create1(EPOLL_CLOEXEC);
	if (poller->fd < 0) {
		free(poller);
		return verdict_errno("epoll_create1");
	}
	*ret = poller;
	return 0;
}

int usher_poller_get_fd(struct usher_poller *poller) {
	return poller ? poller->fd : verdict_note(-EBADF, "there is no poller");
}

struct usher_poller *usher_poller_free(struct usher_poller *poller) {
	struct usher_member *member;
	int number = errno;

	if (!poller)
		return NULL;
	for (member = poller->members; member; member = member->next)
		member->poller = NULL;
	close(poller->fd);
	free(poller);
	errno = number;
	return NULL;
}

static int control(struct usher_member *member, int what, unsigned events) {
	struct epoll_event event = { events | EPOLLET, { .ptr = member } };

	if (events & ~KNOWN)
		return verdict_note(-EINVAL, "events: %#x is unknown", events & ~KNOWN);
	return verdict_of("epoll_ctl", epoll_ctl(member->poller->fd, what, member->fd, &event));
}

int usher_poller_add(struct usher_poller *poller, int fd, unsigned events,
		     struct usher_member **ret) {
	struct usher_member *member;
	int r;

	if (!poller)
		return usher_poller_get_fd(poller);
	member = malloc(sizeof *member);
	if (!member)
		return verdict_note(-ENOMEM, "no memory");
	*member = (struct usher_member){ poller, poller->members, fd, 0 };
	r = control(member, EPOLL_CTL_ADD, events);
	if (r < 0) {
		free(member);
		return r;
	}
	poller->members = member;
	*ret = member;
	return 0;
}

static int check(const struct usher_member *member) {
	return member && member->poller ? 0 : verdict_note(-ENOENT, "the descriptor was removed");
}

int usher_member_modify(struct usher_member *member, unsigned events) {
	int r = check(member);

	if (r == 0)
		r = control(member, EPOLL_CTL_MOD, events);
	/* What is still asked for and is ready comes again. */
	if (r == 0)
		member->ready = 0;
	return r;
}

/* Notes what the kernel says until a moment: how many descriptors, or -ETIMEDOUT. */
static int collect(struct usher_poller *poller, uint64_t end) {
	struct epoll_event events[64];
	int n, r = source_poll(poller->fd, POLLIN, end);

	if (r < 0)
		return r;
	n = epoll_wait(poller->fd, events, 64, 0);
	for (int i = 0; i < n; i++) {
		struct usher_member *member = events[i].data.ptr;

		member->ready |= events[i].events;
	}
	return verdict_of("epoll_wait", n);
}

int usher_poller_process(struct usher_poller *poller) {
	int r;

	if (!poller)
		return usher_poller_get_fd(poller);
	r = collect(poller, 0);
	return r == -ETIMEDOUT ? 0 : r;
}

int usher_member_ready(struct usher_member *member) {
	int r = check(member);

	return r < 0 ? r : (int)member->ready;
}

int usher_member_exhausted(struct usher_member *member, unsigned events) {
	struct pollfd p = { 0 };
	int r = check(member);

	if (r < 0)
		return r;
	/* Something may have come since, and its edge may have been taken for this one. */
	p = (struct pollfd){ member->fd, (short)(events & KNOWN), 0 };
	if (poll(&p, 1, 0) < 0)
		return verdict_errno("poll");
	member->ready = (member->ready & ~events) | ((unsigned)p.revents & events);
	return 0;
}

int usher_member_wait(struct usher_member *member, unsigned events, uint64_t timeout_usec) {
	uint64_t end = source_end_of(timeout_usec);
	unsigned ready;
	int r;

	for (;;) {
		r = check(member);
		if (r < 0)
			return r;
		ready = member->ready & (events | UNASKED);
		if (ready)
			return (int)ready;
		r = collect(member->poller, end);
		if (r < 0)
			return r;
	}
}

int usher_member_remove(struct usher_member *member) {
	struct usher_member **at;
	int r = check(member);

	if (r < 0)
		return r;
	for (at = &member->poller->members; *at != member;)
		at = &(*at)->next;
	*at = member->next;
	r = control(member, EPOLL_CTL_DEL, 0);
	member->poller = NULL;
	return r;
}

struct usher_member *usher_member_free(struct usher_member *member) {
	int number = errno;

	if (member && member->poller)
		(void)usher_member_remove(member);
	free(member);
	errno = number;
	return NULL;
}
