/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "netlink-reader.h"

#include <errno.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "call.h"
#include "inquiry.h"
#include "message.h"
#include "wire.h"

/* Taken before anything else gets its turn. */
enum { ANSWERS_AT_ONCE = 32 };

void netlink_reader_init(struct netlink_reader *reader, struct desk *desk) {
	*reader = (struct netlink_reader){ .desk = desk, .connection = -1 };
}

void netlink_reader_done(struct netlink_reader *reader) {
	reader->io = sd_event_source_disable_unref(reader->io);
	reader->clock = sd_event_source_disable_unref(reader->clock);
	fd_closep(&reader->connection);
}

static void lose(struct netlink_reader *reader, int r) {
	if (r == -ECONNRESET)
		sd_journal_print(LOG_WARNING, "the reader of netlink has died");
	else
		sd_journal_print(LOG_ERR, "the reader of netlink talks nonsense");
	netlink_reader_done(reader);
	inquiry_lose_reader(reader->desk);
}

static int hear(struct netlink_reader *reader) {
	_cleanup_(fds_done) struct fds fds = { 0 };
	ProtobufCMessage *message = NULL;
	Usher__NetlinkAnswer *answer;
	int r = wire_receive(reader->connection, &usher__netlink_report__descriptor, &fds,
			     &message);

	if (r < 0)
		return r;
	answer = ((const Usher__NetlinkReport *)message)->answer;
	if (answer)
		inquiry_heed(reader->desk, answer, &fds);
	message_freep(&message);
	return answer ? 0 : -EBADMSG;
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	struct netlink_reader *reader = userdata;
	int r = 0;

	for (int i = 0; r == 0 && i < ANSWERS_AT_ONCE; i++)
		r = hear(reader);
	if (r < 0 && r != -EAGAIN)
		lose(reader, r);
	return 0;
}

static int start(struct netlink_reader *reader) {
	int r;

	reader->connection = launcher_connect_netlink(&reader->desk->launcher);
	if (reader->connection < 0)
		return reader->connection;
	r = sd_event_add_io(reader->desk->event, &reader->io, reader->connection, EPOLLIN,
			    on_answer, reader);
	if (r < 0)
		netlink_reader_done(reader);
	return r < 0 ? r : 0;
}

static int tell(struct netlink_reader *reader, Usher__NetlinkAsk *ask, const struct fds *fds) {
	Usher__NetlinkOrder order = USHER__NETLINK_ORDER__INIT;
	int r = reader->connection < 0 ? start(reader) : 0;

	order.ask = ask;
	return r < 0 ? r : wire_send(reader->connection, &order.base, fds);
}

int netlink_reader_ask(struct netlink_reader *reader, Usher__NetlinkAsk *ask,
		       const struct fds *fds) {
	int r;

	ask->serial = ++reader->last_serial;
	r = tell(reader, ask, fds);
	if (r != -ECONNRESET)
		return r;
	lose(reader, r); /* it has died, and nobody had seen it */
	return tell(reader, ask, fds);
}

static int on_clock(sd_event_source *source, uint64_t usec, void *userdata) {
	struct netlink_reader *reader = userdata;
	uint64_t next = inquiry_end_late(reader->desk);

	return next == UINT64_MAX ? 0 : netlink_reader_set_clock(reader, next);
}

int netlink_reader_set_clock(struct netlink_reader *reader, uint64_t usec) {
	int r;

	if (!reader->clock)
		r = sd_event_add_time(reader->desk->event, &reader->clock, CLOCK_MONOTONIC, usec, 0,
				      on_clock, reader);
	else if (sd_event_source_get_enabled(reader->clock, NULL) > 0 && reader->clock_usec <= usec)
		return 0;
	else if ((r = sd_event_source_set_time(reader->clock, usec)) >= 0)
		r = sd_event_source_set_enabled(reader->clock, SD_EVENT_ONESHOT);
	if (r >= 0)
		reader->clock_usec = usec;
	return r < 0 ? r : 0;
}

/* If it cannot hear it, what it is at ends at its deadline. */
void netlink_reader_forget(struct netlink_reader *reader, uint64_t serial) {
	Usher__NetlinkOrder order = USHER__NETLINK_ORDER__INIT;
	Usher__NetlinkForget forget = USHER__NETLINK_FORGET__INIT;

	forget.serial = serial;
	order.forget = &forget;
	if (reader->connection >= 0)
		(void)wire_send(reader->connection, &order.base, NULL);
}
