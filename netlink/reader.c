/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "answer.h"
#include "exchange.h"
#include "fd.h"
#include "instant.h"
#include "lookups.h"
#include "message.h"
#include "query.h"
#include "questions.h"
#include "rights.h"
#include "territory.h"
#include "whereabouts.h"
#include "wire.h"

enum { EVENTS_AT_ONCE = 16 };

struct reader {
	int connection, epoll;
	struct questions questions;
	struct lookups lookups;
	bool leaving;
};

/* ---- what is done at once ---- */

static int answer_there(struct reader *reader, const struct question *question) {
	int r = rights_lower_to(question->rights);

	if (r == 0)
		r = answer_give(reader->connection, question, true, NULL);
	return rights_lower_to(0) < 0 ? -EPERM : r;
}

static bool may_keep(const struct question *question) {
	return question->rights == 0 && question_is_brief(question) &&
	       query_is_keepable(selection_type(question->selection, 0));
}

/* While somebody else waits for us, only what is brief. */
static bool is_for_now(const struct reader *reader, const struct question *question) {
	struct pollfd broker = { .fd = reader->connection, .events = POLLIN };

	return question_is_brief(question) ||
	       (question_may_be_small(question) && poll(&broker, 1, 0) == 0);
}

/* 1: it takes a child. */
static int answer_now(struct reader *reader, struct question *question, int where,
		      struct refusal *refusal) {
	struct stat st;
	_cleanup_close_ int namespace = -1;
	int r = whereabouts_find(question->ask, where, &namespace, refusal);

	if (r == 0 && fstat(namespace, &st) < 0)
		r = -errno;
	if (r != 0)
		return answer_refuse(reader->connection, question->ask->serial, r, refusal->text);
	question->kept = may_keep(question) ? lookups_of(&reader->lookups, &st) : NULL;
	if (territory_is_own(&st) || (question->kept && question->kept->fd >= 0))
		return answer_there(reader, question);
	if (territory_enter(namespace) < 0)
		return 1;
	r = answer_there(reader, question);
	return territory_leave() < 0 ? -ENOTRECOVERABLE : r;
}

/* ---- the broker ---- */

static int on_ask(struct reader *reader, ProtobufCMessage **order, struct fds *fds) {
	const Usher__NetlinkAsk *ask = ((const Usher__NetlinkOrder *)*order)->ask;
	_cleanup_close_ int where = whereabouts_take(ask, fds);
	struct question question = { 0 };
	struct refusal refusal = { 0 };
	uint64_t serial = ask->serial;
	int r = question_check(ask, &refusal, &question);

	if (r == 0 && is_for_now(reader, &question)) {
		r = answer_now(reader, &question, where, &refusal);
		if (r != 1) {
			question_done(&question);
			return r;
		}
		r = 0;
	}
	if (r == 0)
		r = questions_add(&reader->questions, order, &question, &where, &refusal);
	question_done(&question);
	return r == 0 ? 0 : answer_refuse(reader->connection, serial, r, refusal.text);
}

/* One frame a turn: to see that there is no other takes as long as to wait for one. */
static void hear_broker(struct reader *reader) {
	ProtobufCMessage *message = NULL;
	struct fds fds = { 0 };
	int r = wire_receive(reader->connection, &usher__netlink_order__descriptor, &fds, &message);
	const Usher__NetlinkOrder *order = (const void *)message;

	if (r == 0 && order->forget)
		questions_forget(&reader->questions, order->forget->serial);
	else if (r == 0 && order->ask)
		r = on_ask(reader, &message, &fds);
	message_freep(&message);
	fds_done(&fds);
	if (r < 0 && r != -EINTR && r != -EAGAIN)
		reader->leaving = true;
}

/* ---- the loop ---- */

static int milliseconds_left(struct reader *reader) {
	uint64_t now = instant_usec(), first = lookups_end_late(&reader->lookups, now),
		 deadline = questions_first_deadline(&reader->questions);

	if (deadline < first)
		first = deadline;
	if (first == UINT64_MAX)
		return -1;
	if (first <= now)
		return 0;
	first = (first - now + 999) / 1000;
	return first > INT_MAX ? INT_MAX : (int)first;
}

static int turn(struct reader *reader) {
	struct epoll_event heard[EVENTS_AT_ONCE];
	int n = epoll_wait(reader->epoll, heard, EVENTS_AT_ONCE, milliseconds_left(reader));

	if (n < 0 && errno != EINTR)
		return -errno;
	/* first those that are over: what the broker says may make them be forgotten */
	for (int i = 0; i < n; i++)
		if (heard[i].data.ptr)
			questions_ended(&reader->questions, heard[i].data.ptr);
	for (int i = 0; i < n; i++)
		if (!heard[i].data.ptr)
			hear_broker(reader);
	questions_end_late(&reader->questions, instant_usec());
	questions_start(&reader->questions);
	reader->leaving = reader->leaving || reader->questions.deaf;
	return 0;
}

static int begin(struct reader *reader, int connection) {
	struct epoll_event event = { .events = EPOLLIN };

	*reader =
		(struct reader){ .connection = connection, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	lookups_begin(&reader->lookups);
	if (reader->epoll < 0 || fcntl(connection, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(reader->epoll, EPOLL_CTL_ADD, connection, &event) < 0)
		return -errno;
	return questions_begin(&reader->questions, connection, reader->epoll);
}

int reader_serve(int connection) {
	static struct reader reader;
	int r = begin(&reader, connection);

	while (r == 0 && !reader.leaving)
		r = turn(&reader);
	(void)epoll_ctl(reader.epoll, EPOLL_CTL_DEL, connection, NULL);
	questions_forget_all(&reader.questions);
	while (r == 0 && reader.questions.first)
		r = turn(&reader);
	return r;
}
