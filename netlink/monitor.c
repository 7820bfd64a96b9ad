/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "fd.h"
#include "instant.h"
#include "listener.h"
#include "message.h"
#include "narrow.h"
#include "rights.h"
#include "subscriber.h"
#include "territory.h"
#include "wire.h"

/* What waits for those who read slowly; who is so far behind begins anew. */
enum { NEWS_BYTES_MAX = 32 * 1024 * 1024 };

enum { EVENTS_AT_ONCE = 16, BATCHES_AT_ONCE = 16, SAY_MSEC = 20000 };

/* How often it is looked whether something still leads to the namespace, and counters are told. */
static const uint64_t look_usec = 1000000, count_usec = 1000000;

struct monitor {
	int connection, epoll;
	struct listener listener;
	struct news news;
	struct identity *identities;
	struct names names;
	struct subscriber *subscribers;
	struct stat namespace;
	bool entered; /* the namespace */
	int refused;  /* why it could not be: every subscriber is told so */
	struct refusal refusal;
	bool begun; /* there has been a subscriber; without one more there is nothing to do */
	bool leaving;
	bool lost; /* changes have been, and what was heard before is still being read */
	uint64_t look_at_usec, count_at_usec;
};

/* ---- what is said to the broker ---- */

/* What must arrive; without it the process is of no use. */
static void say(struct monitor *monitor, const Usher__NetlinkReport *report) {
	struct pollfd broker = { .fd = monitor->connection, .events = POLLOUT };
	int r;

	/* It never waits for us, so that this does not last; it may be about to be started again.
	 */
	while ((r = wire_send(monitor->connection, &report->base, NULL)) == -EAGAIN)
		if (poll(&broker, 1, SAY_MSEC) == 0)
			break;
	if (r < 0)
		monitor->leaving = true;
}

static void say_done(struct monitor *monitor, uint64_t number, int code, const char *text) {
	Usher__NetlinkReport report = USHER__NETLINK_REPORT__INIT;
	Usher__NetlinkMonitorDone done = USHER__NETLINK_MONITOR_DONE__INIT;

	done.number = number;
	done.code = code;
	done.text = code != 0 && *text ? (char *)(uintptr_t)text : NULL;
	report.done = &done;
	say(monitor, &report);
}

static void say_ended(struct monitor *monitor, struct subscriber *subscriber) {
	Usher__NetlinkReport report = USHER__NETLINK_REPORT__INIT;
	Usher__NetlinkMonitorEnded ended = USHER__NETLINK_MONITOR_ENDED__INIT;

	if (subscriber->told_end)
		return;
	subscriber->told_end = true;
	ended.number = subscriber->number;
	ended.text = (char *)(uintptr_t)subscriber->ended;
	ended.has_vanished = true;
	ended.vanished = subscriber->vanished;
	report.ended = &ended;
	say(monitor, &report);
}

static void say_counters(const struct monitor *monitor, struct subscriber *subscriber) {
	Usher__NetlinkReport report = USHER__NETLINK_REPORT__INIT;
	Usher__NetlinkMonitorCounters counters = USHER__NETLINK_MONITOR_COUNTERS__INIT;

	if (subscriber->counted == subscriber->delivered + subscriber->lost)
		return;
	counters.number = subscriber->number;
	counters.delivered = subscriber->delivered;
	counters.lost = subscriber->lost;
	report.counters = &counters;
	if (wire_send(monitor->connection, &report.base, NULL) == 0)
		subscriber->counted = subscriber->delivered + subscriber->lost;
}

/* ---- what is heard ---- */

/* A route says itself whether it took another one's place; of other objects it is known who has
 * been told of them. */
static enum usher_netlink_action action_of(const struct nlmsghdr *message, bool there) {
	if (!there)
		return USHER_NETLINK_DEL;
	return message->nlmsg_flags & NLM_F_REPLACE ? USHER_NETLINK_CHANGE : USHER_NETLINK_NEW;
}

static void lose_all(struct monitor *monitor, uint64_t changes) {
	for (struct subscriber *subscriber = monitor->subscribers; subscriber;
	     subscriber = subscriber->next)
		subscriber_lose(subscriber, changes);
}

static void note(struct monitor *monitor, struct identity *identity, const struct nlmsghdr *message,
		 bool there) {
	const uint8_t *key = NULL;
	size_t size = 0;
	int r = identity_key(identity, message, &key, &size);

	if (r == 0)
		r = news_put(&monitor->news, identity->type, action_of(message, there), key, size,
			     (const uint8_t *)(message + 1), message->nlmsg_len - sizeof *message);
	identity->changed = monitor->news.last;
	if (r < 0 && r != -EBADMSG)
		lose_all(monitor, 1);
}

static void forget_name(struct monitor *monitor, const struct nlmsghdr *message) {
	const struct ifinfomsg *link = NLMSG_DATA(message);

	if (message->nlmsg_len >= NLMSG_LENGTH(sizeof *link))
		names_forget(&monitor->names, (uint32_t)link->ifi_index);
}

static void on_message(void *data, const struct nlmsghdr *message) {
	struct monitor *monitor = data;
	bool there;

	if (message->nlmsg_type == RTM_NEWLINK || message->nlmsg_type == RTM_DELLINK)
		forget_name(monitor, message);
	for (struct identity *identity = monitor->identities; identity; identity = identity->next)
		if (identity_concerns(identity, message, &there))
			note(monitor, identity, message, there);
}

/* Whoever has too much to hear still can begin anew, and then hold up nobody else. */
static void bound_news(struct monitor *monitor) {
	news_trim(&monitor->news);
	while (monitor->news.bytes > NEWS_BYTES_MAX) {
		const struct news_item *oldest = monitor->news.oldest;

		for (struct subscriber *subscriber = monitor->subscribers; subscriber;
		     subscriber = subscriber->next)
			if (subscriber->reader.at == oldest)
				subscriber_lose(subscriber,
						monitor->news.last - subscriber->reader.seen);
		news_trim(&monitor->news);
	}
}

/* Once something has been lost the kernel keeps no more until all that it has kept has been read.
 */
static void hear(struct monitor *monitor) {
	int r = 1;

	for (int i = 0; r == 1 && i < BATCHES_AT_ONCE; i++) {
		r = listener_hear(&monitor->listener, on_message, monitor);
		if (r == -ENOBUFS || r == -EMSGSIZE) {
			monitor->lost = true;
			r = 1;
		}
	}
	if (r < 0)
		monitor->leaving = true;
	if (r == 0 && monitor->lost) {
		monitor->lost = false;
		lose_all(monitor, listener_lost(&monitor->listener));
	}
	bound_news(monitor);
}

/* ---- what is listened to ---- */

static int listen_to(const struct monitor *monitor, int fd, uint32_t events) {
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(monitor->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Closing it does not do: its other owners keep what the loop listens to. */
static void ignore(const struct monitor *monitor, int fd) {
	if (fd >= 0)
		(void)epoll_ctl(monitor->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void choose_groups(const struct monitor *monitor, uint64_t ret[2]) {
	ret[0] = ret[1] = 0;
	for (const struct identity *identity = monitor->identities; identity;
	     identity = identity->next)
		for (const uint32_t *group = identity->type->groups; group && *group; group++)
			if (*group <= LISTENER_GROUPS_MAX)
				ret[*group / 64] |= UINT64_C(1) << (*group % 64);
	/* names of links are told with rows of all types */
	if (monitor->identities)
		ret[0] |= UINT64_C(1) << RTNLGRP_LINK;
}

static bool is_of_links(const struct narrow_wish *wish) {
	return wish->type->new == RTM_NEWLINK;
}

/* Without memory the kernel does not filter, which is right, too. */
static int narrow(const struct monitor *monitor) {
	_cleanup_free_ struct narrow_wish *wishes = NULL;
	const struct netlink_type *links = netlink_type_find("link");
	size_t n = 0;
	bool has_links = false;

	for (const struct subscriber *subscriber = monitor->subscribers; subscriber;
	     subscriber = subscriber->next)
		n += subscriber->n;
	wishes = calloc(n + 1, sizeof *wishes);
	if (!wishes)
		return narrow_apply(monitor->listener.fd, NULL, 0);
	n = 0;
	for (const struct subscriber *subscriber = monitor->subscribers; subscriber;
	     subscriber = subscriber->next)
		for (size_t i = 0; i < subscriber->n; i++) {
			narrow_find(subscriber->selection, subscriber->subscriptions[i].type,
				    &wishes[n]);
			has_links = has_links || (is_of_links(&wishes[n]) && wishes[n].n == 0);
			n++;
		}
	if (!has_links && links)
		wishes[n++] = (struct narrow_wish){ .type = links };
	return narrow_apply(monitor->listener.fd, wishes, n);
}

/* First the filter lets through, then groups are joined; the other way round nothing is lost
 * either that anybody wants. */
static int attune(struct monitor *monitor) {
	uint64_t groups[2];
	int r = narrow(monitor);

	choose_groups(monitor, groups);
	return r < 0 ? r : listener_choose(&monitor->listener, groups);
}

/* ---- what the broker orders ---- */

static int enter(struct monitor *monitor, int namespace) {
	int r = fstat(namespace, &monitor->namespace) < 0 ? -errno : territory_settle(namespace);

	if (r == 0)
		r = rights_lower_to(NETLINK_RIGHT_ADMINISTER); /* for the size of its buffer */
	if (r == 0)
		r = listener_open(&monitor->listener, NETLINK_ROUTE);
	if (r == 0)
		r = rights_give_up_but(0);
	if (r == 0)
		r = listen_to(monitor, monitor->listener.fd, EPOLLIN);
	names_init(&monitor->names, monitor->listener.fd);
	return r;
}

static void begin(struct monitor *monitor, const Usher__NetlinkMonitorBegin *order,
		  const struct fds *fds) {
	if (monitor->entered) {
		monitor->leaving = true;
		return;
	}
	monitor->entered = true;
	monitor->refused = enter(monitor, fds_get(fds, order->namespace_fd));
	if (monitor->refused)
		(void)refusal_note(&monitor->refusal, monitor->refused,
				   "the network namespace cannot be entered");
}

static struct subscriber *find(const struct monitor *monitor, uint64_t number) {
	struct subscriber *subscriber = monitor->subscribers;

	while (subscriber && subscriber->number != number)
		subscriber = subscriber->next;
	return subscriber;
}

static void drop(struct monitor *monitor, uint64_t number) {
	struct subscriber *subscriber = find(monitor, number), **at = &monitor->subscribers;

	if (!subscriber)
		return;
	while (*at != subscriber)
		at = &(*at)->next;
	*at = subscriber->next;
	ignore(monitor, subscriber->outlet.stream);
	ignore(monitor, subscriber->holder.news);
	subscriber_free(subscriber, &monitor->identities);
	(void)attune(monitor); /* to hear less may fail */
}

static int listen_for(const struct monitor *monitor, const struct subscriber *subscriber) {
	int r = 0;

	if (subscriber->outlet.stream >= 0)
		r = listen_to(monitor, subscriber->outlet.stream, EPOLLOUT | EPOLLET);
	if (r == 0 && subscriber->holder.news >= 0)
		r = listen_to(monitor, subscriber->holder.news, EPOLLIN | EPOLLET);
	return r;
}

static int add(struct monitor *monitor, const Usher__NetlinkMonitorAdd *order, struct fds *fds,
	       struct refusal *refusal) {
	const struct surroundings where = { &monitor->news, &monitor->identities, &monitor->names,
					    &monitor->namespace, monitor->connection };
	struct subscriber *subscriber = find(monitor, order->number);
	int r;

	if (monitor->refused) {
		*refusal = monitor->refusal;
		return monitor->refused;
	}
	if (subscriber) { /* the broker has been restarted, or could not tell it everything */
		if (order->anew && !subscriber->waits)
			subscriber_lose(subscriber, 0);
		subscriber->waits = subscriber->waits && !order->anew;
		return 0;
	}
	r = subscriber_new(order, fds, &where, refusal, &subscriber);
	if (r != 0)
		return r;
	subscriber->next = monitor->subscribers;
	monitor->subscribers = subscriber;
	monitor->begun = true;
	r = attune(monitor);
	if (r == 0)
		r = listen_for(monitor, subscriber);
	if (r != 0)
		drop(monitor, order->number);
	return r;
}

static void obey(struct monitor *monitor, const Usher__NetlinkOrder *order, struct fds *fds) {
	struct refusal refusal = { 0 };

	if (order->begin)
		begin(monitor, order->begin, fds);
	if (!monitor->entered) {
		monitor->leaving = true;
		return;
	}
	if (order->add)
		say_done(monitor, order->add->number, add(monitor, order->add, fds, &refusal),
			 refusal.text);
	if (order->has_remove)
		drop(monitor, order->remove);
	if ((order->add || order->has_remove) && monitor->begun && !monitor->subscribers)
		monitor->leaving = true;
}

static void hear_broker(struct monitor *monitor) {
	while (!monitor->leaving) {
		ProtobufCMessage *message = NULL;
		struct fds fds = { 0 };
		int r = wire_receive(monitor->connection, &usher__netlink_order__descriptor, &fds,
				     &message);

		if (r == 0)
			obey(monitor, (Usher__NetlinkOrder *)message, &fds);
		else if (r != -EAGAIN && r != -EINTR)
			monitor->leaving = true;
		message_freep(&message);
		fds_done(&fds);
		if (r != 0)
			return;
	}
}

/* ---- the loop ---- */

static void look_at_holder(struct subscriber *subscriber) {
	if (subscriber->ended || holder_leads(&subscriber->holder))
		return;
	subscriber->vanished = true;
	subscriber->ended = "the network namespace has gone";
}

/* When it has to be worked for again at the latest; 0: at once. */
static uint64_t work_for(struct monitor *monitor, struct subscriber *subscriber, uint64_t now) {
	uint64_t next = UINT64_MAX;

	subscriber_work(subscriber);
	if (!subscriber->ended)
		next = outlet_flush(&subscriber->outlet, now);
	if (subscriber->outlet.broken && !subscriber->ended)
		subscriber->ended = "nobody reads it any more";
	if (subscriber->ended)
		say_ended(monitor, subscriber);
	return subscriber_has_work(subscriber) ? 0 : next;
}

/* After what was heard. Returns until when nothing is to be done. */
static uint64_t work(struct monitor *monitor) {
	uint64_t now = instant_usec(), next = UINT64_MAX;
	bool look = now >= monitor->look_at_usec, count = now >= monitor->count_at_usec;

	for (struct subscriber *subscriber = monitor->subscribers; subscriber;
	     subscriber = subscriber->next) {
		if (look)
			look_at_holder(subscriber);
		next = instant_earlier(next, work_for(monitor, subscriber, now));
		if (count)
			say_counters(monitor, subscriber);
		if (subscriber->counted != subscriber->delivered + subscriber->lost)
			next = instant_earlier(next, monitor->count_at_usec);
		if (subscriber->holder.fd >= 0)
			next = instant_earlier(next, monitor->look_at_usec);
	}
	if (look)
		monitor->look_at_usec = now + look_usec;
	if (count)
		monitor->count_at_usec = now + count_usec;
	news_trim(&monitor->news);
	return next;
}

static void on_event(struct monitor *monitor, const struct epoll_event *event) {
	int fd = event->data.fd;

	if (fd == monitor->connection || fd == monitor->listener.fd)
		return; /* they are heard in any case, in their order */
	for (struct subscriber *subscriber = monitor->subscribers; subscriber;
	     subscriber = subscriber->next) {
		if (fd == subscriber->outlet.stream) {
			subscriber->outlet.stuck = false;
			if (event->events & (EPOLLERR | EPOLLHUP))
				subscriber->outlet.broken = true;
		}
		if (fd == subscriber->holder.news)
			look_at_holder(subscriber);
	}
}

/* Changes are heard before an order is obeyed, so that who comes is not told what was before. */
static int turn(struct monitor *monitor, uint64_t next) {
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = epoll_wait(monitor->epoll, events, EVENTS_AT_ONCE,
			   instant_milliseconds_until(next));

	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < n; i++)
		on_event(monitor, &events[i]);
	if (monitor->listener.fd >= 0)
		hear(monitor);
	hear_broker(monitor);
	return 0;
}

static void finish(struct monitor *monitor) {
	while (monitor->subscribers) {
		struct subscriber *subscriber = monitor->subscribers;

		monitor->subscribers = subscriber->next;
		subscriber_free(subscriber, &monitor->identities);
	}
	listener_close(&monitor->listener);
	news_done(&monitor->news);
	fd_closep(&monitor->epoll);
}

int monitor_serve(int connection) {
	struct monitor monitor = {
		.connection = connection,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.listener = { .fd = -1 },
	};
	int r;

	if (monitor.epoll < 0 || fcntl(connection, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return -errno;
	r = news_init(&monitor.news);
	if (r == 0)
		r = listen_to(&monitor, connection, EPOLLIN);
	while (r == 0 && !monitor.leaving)
		r = turn(&monitor, work(&monitor));
	finish(&monitor);
	return r;
}
