/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "questions.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "answer.h"
#include "deputy.h"
#include "fd.h"
#include "instant.h"
#include "message.h"

enum {
	STREAMS_MAX = 192, /* which end when their readers like; the others end by themselves */
	RUNNING_USER_MAX = 16,
	WAITING_USER_MAX = 64,
};

static const uint64_t otherwise_usec = 60 * UINT64_C(1000000);

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

static void free_job(struct job *job) {
	question_done(&job->question);
	message_freep(&job->order);
	fd_closep(&job->where);
	fd_closep(&job->pidfd);
	free(job);
}

static void remove_job(struct questions *questions, struct job *job) {
	for (struct job **at = &questions->first; *at; at = &(*at)->next)
		if (*at == job) {
			*at = job->next;
			break;
		}
	if (job->pid > 0) {
		/* a child that was just forked may have its copy still */
		(void)epoll_ctl(questions->epoll, EPOLL_CTL_DEL, job->pidfd, NULL);
		questions->taken[job->slot] = false;
		questions->n_running--;
	}
	free_job(job);
}

static void tell_failure(struct questions *questions, const struct job *job, int code,
			 const char *text) {
	if (answer_refuse(questions->connection, job->question.ask->serial, code, text) < 0)
		questions->deaf = true;
}

static int take_slot(struct questions *questions) {
	for (size_t i = 0; i < QUESTIONS_RUNNING_MAX; i++)
		if (!questions->taken[i]) {
			questions->taken[i] = true;
			questions->told[i] = false;
			return (int)i;
		}
	return -EBUSY;
}

static _Noreturn void be_child(struct questions *questions, struct job *job, pid_t parent) {
	const int keep[] = { questions->connection, job->where };

	if (deputy_alone(keep, sizeof keep / sizeof *keep, parent) < 0)
		_exit(1);
	deputy_answer(questions->connection, &job->question, job->where,
		      questions->told + job->slot);
}

static int start_job(struct questions *questions, struct job *job) {
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = job };
	int slot = take_slot(questions);
	pid_t parent = getpid();

	if (slot < 0)
		return slot;
	job->slot = (size_t)slot;
	job->pid = fork();
	if (job->pid == 0)
		be_child(questions, job, parent);
	if (job->pid < 0) {
		int r = -errno;

		job->pid = 0;
		questions->taken[slot] = false;
		return r;
	}
	questions->n_running++;
	fd_closep(&job->where);
	job->pidfd = (int)syscall(SYS_pidfd_open, job->pid, 0);
	if (job->pidfd >= 0 && epoll_ctl(questions->epoll, EPOLL_CTL_ADD, job->pidfd, &event) == 0)
		return 0;
	(void)kill(job->pid, SIGKILL);
	(void)waitpid(job->pid, NULL, 0);
	return -ENOMEM;
}

static bool has_told(const struct questions *questions, const struct job *job) {
	return job->pid > 0 && questions->told[job->slot];
}

/* Of a user's. Streams that are being read have a limit of their own. */
static size_t count(const struct questions *questions, uint32_t uid, bool running) {
	size_t n = 0;

	for (const struct job *job = questions->first; job; job = job->next)
		n += job->question.ask->uid == uid && (job->pid > 0) == running &&
		     !has_told(questions, job);
	return n;
}

/* A user's, and those of all. */
static size_t count_streams(const struct questions *questions, uint32_t uid, size_t *ret_all) {
	size_t n = 0;

	*ret_all = 0;
	for (const struct job *job = questions->first; job; job = job->next)
		if (question_is_streamed(&job->question)) {
			n += job->question.ask->uid == uid;
			++*ret_all;
		}
	return n;
}

static int check_streams(const struct questions *questions, const Usher__NetlinkAsk *ask,
			 struct refusal *refusal) {
	size_t all, own = count_streams(questions, ask->uid, &all);

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
static struct job *next_job(const struct questions *questions) {
	struct job *best = NULL;
	size_t fewest = RUNNING_USER_MAX;

	for (struct job *job = questions->first; job; job = job->next) {
		size_t n = job->pid == 0 ? count(questions, job->question.ask->uid, true)
					 : RUNNING_USER_MAX;

		if (n < fewest) {
			best = job;
			fewest = n;
		}
	}
	return best;
}

void questions_start(struct questions *questions) {
	struct job *job;

	while (questions->n_running < QUESTIONS_RUNNING_MAX && (job = next_job(questions))) {
		int r = start_job(questions, job);

		if (r < 0) {
			tell_failure(questions, job, r, NULL);
			remove_job(questions, job);
		}
	}
}

/* Fine also if it has none. */
static void kill_child(const struct job *job) {
	if (job->pid > 0)
		(void)kill(job->pid, SIGKILL);
}

/* A child has ended, or is about to. If it could not say why, whoever waits is told. */
static void end_job(struct questions *questions, struct job *job, int code, const char *text) {
	if (job->pid > 0)
		(void)waitpid(job->pid, NULL, 0);
	if (!has_told(questions, job) && code != 0)
		tell_failure(questions, job, code, text);
	remove_job(questions, job);
}

void questions_ended(struct questions *questions, struct job *job) {
	end_job(questions, job, REFUSED_FAILED,
		"the process that read this ended before it had all of it");
}

void questions_end_late(struct questions *questions, uint64_t now_usec) {
	for (struct job *job = questions->first, *next; job; job = next) {
		next = job->next;
		if (job->deadline_usec > now_usec)
			continue;
		kill_child(job);
		end_job(questions, job, REFUSED_TIMED_OUT,
			"the time was over before the kernel had told all of it");
	}
}

void questions_forget(struct questions *questions, uint64_t serial) {
	for (struct job *job = questions->first; job; job = job->next)
		if (job->question.ask->serial == serial) {
			kill_child(job);
			end_job(questions, job, 0, NULL);
			return;
		}
}

/* The broker has gone: what somebody has a stream of goes on. Whether somebody has, only the child
 * knows that gives it away; if it still has to, it finds nobody there. */
void questions_forget_all(struct questions *questions) {
	for (struct job *job = questions->first, *next; job; job = next) {
		next = job->next;
		if (has_told(questions, job) ||
		    (job->pid > 0 && question_is_streamed(&job->question)))
			continue;
		kill_child(job);
		end_job(questions, job, 0, NULL);
	}
}

int questions_add(struct questions *questions, ProtobufCMessage **order, struct question *question,
		  int *where, struct refusal *refusal) {
	struct job **at = &questions->first, *job;
	const Usher__NetlinkAsk *ask = question->ask;
	int r = question_is_streamed(question) ? check_streams(questions, ask, refusal) : 0;

	if (r != 0)
		return r;
	if (count(questions, ask->uid, false) >= WAITING_USER_MAX)
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

uint64_t questions_first_deadline(const struct questions *questions) {
	uint64_t first = UINT64_MAX;

	for (const struct job *job = questions->first; job; job = job->next)
		if (job->deadline_usec < first)
			first = job->deadline_usec;
	return first;
}

int questions_begin(struct questions *questions, int connection, int epoll) {
	void *told = mmap(NULL, QUESTIONS_RUNNING_MAX, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*questions = (struct questions){ .connection = connection, .epoll = epoll, .told = told };
	return told == MAP_FAILED ? -errno : 0;
}
