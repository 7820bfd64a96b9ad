/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "answer.h"
#include "exchange.h"
#include "fd.h"
#include "instant.h"
#include "listener.h"
#include "lookups.h"
#include "message.h"
#include "query.h"
#include "rights.h"
#include "territory.h"
#include "wire.h"

enum {
	RUNNING_MAX = 256,
	STREAMS_MAX = 192, /* which end when their readers like; the others end by themselves */
	RUNNING_USER_MAX = 16,
	WAITING_USER_MAX = 64,
	EVENTS_AT_ONCE = 16,
	NICE = 5,
};

static const uint64_t otherwise_usec = 60 * UINT64_C(1000000);

/* A question that is not answered at once. */
struct job {
	struct job *next;
	ProtobufCMessage *order; /* the question's */
	struct question question;
	int where; /* a namespace, or a process that is in it */
	uint64_t deadline_usec;
	pid_t pid; /* of the child; 0: it waits for one */
	int pidfd;
	size_t slot; /* where that notes that it has told */
};

struct reader {
	int connection, epoll;
	struct job *jobs; /* the oldest first */
	size_t n_running;
	volatile bool *told; /* shared with the children, one for each that may run */
	bool taken[RUNNING_MAX];
	bool leaving;
	struct lookups lookups;
};

/* ---- where ---- */

static bool is_callers(const Usher__NetlinkAsk *ask) {
	return !ask->has_namespace_fd;
}

/* The namespace that a question is about. 0, a refusal or a negative errno. */
static int find_namespace(const Usher__NetlinkAsk *ask, int where, int *ret_namespace,
			  struct refusal *refusal) {
	if (where < 0)
		return refusal_note(refusal, REFUSED_FAILED, "the question came without a place");
	if (is_callers(ask))
		return territory_of_process(where, ask->uid, ret_namespace, refusal);
	*ret_namespace = fcntl(where, F_DUPFD_CLOEXEC, 3);
	return *ret_namespace < 0 ? -errno : 0;
}

/* ---- a child ---- */

/* It needs a large buffer, for which there has to be a right. */
static int listen_to_changes(struct question *question) {
	static struct listener listener;
	int r = rights_lower_to(NETLINK_RIGHT_ADMINISTER);

	if (r == 0)
		r = listener_open(&listener, NETLINK_ROUTE);
	question->listener = &listener;
	return r;
}

static int settle(struct job *job, struct refusal *refusal) {
	_cleanup_close_ int namespace = -1;
	int r = find_namespace(job->question.ask, job->where, &namespace, refusal);

	if (r == 0) {
		r = territory_settle(namespace);
		if (r < 0)
			return refusal_note(refusal, r, "cannot enter the network namespace");
	}
	if (r == 0 && question_is_joined(&job->question))
		r = listen_to_changes(&job->question);
	return r != 0 ? r : rights_give_up_but(job->question.rights);
}

/* Who has much to read lets others go first, and does not push aside who wakes it by reading. */
static void stand_back(void) {
	const struct sched_param none = { 0 };

	(void)setpriority(PRIO_PROCESS, 0, NICE);
	(void)sched_setscheduler(0, SCHED_BATCH, &none);
}

/* It has no descriptors but the connection and the place, and goes with us. */
static int alone(const struct reader *reader, const struct job *job, pid_t parent) {
	const int keep[] = { reader->connection, job->where };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	return fd_close_all_but(keep, sizeof keep / sizeof *keep);
}

static _Noreturn void be_child(struct reader *reader, struct job *job, pid_t parent) {
	struct refusal refusal = { 0 };
	int r;

	if (alone(reader, job, parent) < 0)
		_exit(1);
	if (job->question.ask->format)
		stand_back();
	r = settle(job, &refusal);
	fd_closep(&job->where);
	r = r == 0 ? answer_give(reader->connection, &job->question, false,
				 reader->told + job->slot)
		   : answer_refuse(reader->connection, job->question.ask->serial, r, refusal.text);
	reader->told[job->slot] = true;
	_exit(r < 0);
}

/* ---- jobs ---- */

static void free_job(struct job *job) {
	question_done(&job->question);
	message_freep(&job->order);
	fd_closep(&job->where);
	fd_closep(&job->pidfd);
	free(job);
}

static void remove_job(struct reader *reader, struct job *job) {
	for (struct job **at = &reader->jobs; *at; at = &(*at)->next)
		if (*at == job) {
			*at = job->next;
			break;
		}
	if (job->pid > 0) {
		/* a child that was just forked may have its copy still */
		(void)epoll_ctl(reader->epoll, EPOLL_CTL_DEL, job->pidfd, NULL);
		reader->taken[job->slot] = false;
		reader->n_running--;
	}
	free_job(job);
}

static void tell_failure(struct reader *reader, const struct job *job, int code, const char *text) {
	if (answer_refuse(reader->connection, job->question.ask->serial, code, text) < 0)
		reader->leaving = true;
}

static int take_slot(struct reader *reader) {
	for (size_t i = 0; i < RUNNING_MAX; i++)
		if (!reader->taken[i]) {
			reader->taken[i] = true;
			reader->told[i] = false;
			return (int)i;
		}
	return -EBUSY;
}

static int start_job(struct reader *reader, struct job *job) {
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = job };
	int slot = take_slot(reader);
	pid_t parent = getpid();

	if (slot < 0)
		return slot;
	job->slot = (size_t)slot;
	job->pid = fork();
	if (job->pid == 0)
		be_child(reader, job, parent);
	if (job->pid < 0) {
		int r = -errno;

		job->pid = 0;
		reader->taken[slot] = false;
		return r;
	}
	reader->n_running++;
	fd_closep(&job->where);
	job->pidfd = (int)syscall(SYS_pidfd_open, job->pid, 0);
	if (job->pidfd >= 0 && epoll_ctl(reader->epoll, EPOLL_CTL_ADD, job->pidfd, &event) == 0)
		return 0;
	(void)kill(job->pid, SIGKILL);
	(void)waitpid(job->pid, NULL, 0);
	return -ENOMEM;
}

static bool has_told(const struct reader *reader, const struct job *job) {
	return job->pid > 0 && reader->told[job->slot];
}

/* Of a user's. Streams that are being read have a limit of their own. */
static size_t count(const struct reader *reader, uint32_t uid, bool running) {
	size_t n = 0;

	for (const struct job *job = reader->jobs; job; job = job->next)
		n += job->question.ask->uid == uid && (job->pid > 0) == running &&
		     !has_told(reader, job);
	return n;
}

/* A user's, and those of all. */
static size_t count_streams(const struct reader *reader, uint32_t uid, size_t *ret_all) {
	size_t n = 0;

	*ret_all = 0;
	for (const struct job *job = reader->jobs; job; job = job->next)
		if (question_is_streamed(&job->question)) {
			n += job->question.ask->uid == uid;
			++*ret_all;
		}
	return n;
}

static int check_streams(const struct reader *reader, const Usher__NetlinkAsk *ask,
			 struct refusal *refusal) {
	size_t all, own = count_streams(reader, ask->uid, &all);

	if (ask->has_streams && ask->streams > 0 && own >= ask->streams)
		return refusal_note(refusal, REFUSED_LIMIT,
				    "the limit Streams=%u of a user is reached", ask->streams);
	if (all >= STREAMS_MAX)
		return refusal_note(refusal, REFUSED_LIMIT,
				    "%d streams of all users together are being read already",
				    STREAMS_MAX);
	return 0;
}

/* Of those that wait, the oldest of a user who has the fewest running. */
static struct job *next_job(const struct reader *reader) {
	struct job *best = NULL;
	size_t fewest = RUNNING_USER_MAX;

	for (struct job *job = reader->jobs; job; job = job->next) {
		size_t n = job->pid == 0 ? count(reader, job->question.ask->uid, true)
					 : RUNNING_USER_MAX;

		if (n < fewest) {
			best = job;
			fewest = n;
		}
	}
	return best;
}

static void start_jobs(struct reader *reader) {
	struct job *job;

	while (reader->n_running < RUNNING_MAX && (job = next_job(reader))) {
		int r = start_job(reader, job);

		if (r < 0) {
			tell_failure(reader, job, r, NULL);
			remove_job(reader, job);
		}
	}
}

/* Fine also if it has none. */
static void kill_child(const struct job *job) {
	if (job->pid > 0)
		(void)kill(job->pid, SIGKILL);
}

/* A child has ended, or is about to. If it could not say why, whoever waits is told. */
static void end_job(struct reader *reader, struct job *job, int code, const char *text) {
	if (job->pid > 0)
		(void)waitpid(job->pid, NULL, 0);
	if (!has_told(reader, job) && code != 0)
		tell_failure(reader, job, code, text);
	remove_job(reader, job);
}

static void end_late(struct reader *reader, uint64_t now) {
	for (struct job *job = reader->jobs, *next; job; job = next) {
		next = job->next;
		if (job->deadline_usec > now)
			continue;
		kill_child(job);
		end_job(reader, job, REFUSED_TIMED_OUT,
			"the time was over before the kernel had told all of it");
	}
}

static void forget(struct reader *reader, uint64_t serial) {
	for (struct job *job = reader->jobs; job; job = job->next)
		if (job->question.ask->serial == serial) {
			kill_child(job);
			end_job(reader, job, 0, NULL);
			return;
		}
}

/* The broker has gone: what somebody has a stream of goes on. Whether somebody has, only the child
 * knows that gives it away; if it still has to, it finds nobody there. */
static void forget_all(struct reader *reader) {
	for (struct job *job = reader->jobs, *next; job; job = next) {
		next = job->next;
		if (has_told(reader, job) || (job->pid > 0 && question_is_streamed(&job->question)))
			continue;
		kill_child(job);
		end_job(reader, job, 0, NULL);
	}
}

/* Takes the order and the descriptor. 0, a refusal or a negative errno. */
static int add_job(struct reader *reader, ProtobufCMessage **order, struct question *question,
		   int *where, struct refusal *refusal) {
	struct job **at = &reader->jobs, *job;
	const Usher__NetlinkAsk *ask = question->ask;
	int r = question_is_streamed(question) ? check_streams(reader, ask, refusal) : 0;

	if (r != 0)
		return r;
	if (count(reader, ask->uid, false) >= WAITING_USER_MAX)
		return refusal_note(refusal, REFUSED_LIMIT,
				    "%d questions of this user wait for an answer already",
				    WAITING_USER_MAX);
	job = malloc(sizeof *job);
	if (!job)
		return -ENOMEM;
	*job = (struct job){
		.order = *order,
		.question = *question,
		.where = fd_take(where),
		.deadline_usec = instant_usec() +
				 (ask->has_deadline_usec ? ask->deadline_usec : otherwise_usec),
		.pidfd = -1,
	};
	*order = NULL;
	question->selection = NULL;
	while (*at)
		at = &(*at)->next;
	*at = job;
	return 0;
}

/* ---- what is brief ---- */

static int answer_there(struct reader *reader, const struct question *question) {
	int r = rights_lower_to(question->rights);

	if (r == 0)
		r = answer_give(reader->connection, question, true, NULL);
	return rights_lower_to(0) < 0 ? -EPERM : r;
}

static bool may_keep(const struct question *question) {
	return question->rights == 0 && query_is_keepable(selection_type(question->selection, 0));
}

/* 1: it takes a child. */
static int answer_now(struct reader *reader, struct question *question, int where,
		      struct refusal *refusal) {
	struct stat st;
	_cleanup_close_ int namespace = -1;
	int r = find_namespace(question->ask, where, &namespace, refusal);

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

/* The descriptor at a place of a frame's, which is ours now; -1 if there is none. */
static int take_where(const Usher__NetlinkAsk *ask, struct fds *fds) {
	uint32_t place = is_callers(ask) ? ask->caller_fd : ask->namespace_fd;

	if (is_callers(ask) && !ask->has_caller_fd)
		return -1;
	return place < fds->n ? fd_take(&fds->fd[place]) : -1;
}

static int on_ask(struct reader *reader, ProtobufCMessage **order, struct fds *fds) {
	const Usher__NetlinkAsk *ask = ((const Usher__NetlinkOrder *)*order)->ask;
	_cleanup_close_ int where = take_where(ask, fds);
	struct question question = { 0 };
	struct refusal refusal = { 0 };
	uint64_t serial = ask->serial;
	int r = question_check(ask, &refusal, &question);

	if (r == 0 && question_is_brief(&question)) {
		r = answer_now(reader, &question, where, &refusal);
		if (r != 1) {
			question_done(&question);
			return r;
		}
		r = 0;
	}
	if (r == 0)
		r = add_job(reader, order, &question, &where, &refusal);
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
		forget(reader, order->forget->serial);
	else if (r == 0 && order->ask)
		r = on_ask(reader, &message, &fds);
	message_freep(&message);
	fds_done(&fds);
	if (r < 0 && r != -EINTR && r != -EAGAIN)
		reader->leaving = true;
}

/* ---- the loop ---- */

static int milliseconds_left(struct reader *reader) {
	uint64_t now = instant_usec(), first = lookups_end_late(&reader->lookups, now);

	for (const struct job *job = reader->jobs; job; job = job->next)
		if (job->deadline_usec < first)
			first = job->deadline_usec;
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
			end_job(reader, heard[i].data.ptr, REFUSED_FAILED,
				"the process that read this ended before it had all of it");
	for (int i = 0; i < n; i++)
		if (!heard[i].data.ptr)
			hear_broker(reader);
	end_late(reader, instant_usec());
	start_jobs(reader);
	return 0;
}

static int begin(struct reader *reader, int connection) {
	struct epoll_event event = { .events = EPOLLIN };
	void *told =
		mmap(NULL, RUNNING_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*reader = (struct reader){ .connection = connection, .told = told };
	lookups_begin(&reader->lookups);
	if (told == MAP_FAILED)
		return -errno;
	reader->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (reader->epoll < 0 || fcntl(connection, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(reader->epoll, EPOLL_CTL_ADD, connection, &event) < 0)
		return -errno;
	return 0;
}

int reader_serve(int connection) {
	static struct reader reader;
	int r = begin(&reader, connection);

	while (r == 0 && !reader.leaving)
		r = turn(&reader);
	(void)epoll_ctl(reader.epoll, EPOLL_CTL_DEL, connection, NULL);
	forget_all(&reader);
	while (r == 0 && reader.jobs)
		r = turn(&reader);
	return r;
}
