/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "answer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "block.h"
#include "fd.h"
#include "query.h"
#include "wire.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

enum {
	SAY_MSEC = 20000,
	ROWS_MAX = 256, /* that come with an answer */
	BYTES_MAX = 64 * 1024,
	MEMFD_MAX = 256 << 20, /* where nothing else was said */
	PIPE_SIZE = 256 * 1024,
	PIPE_LEAST = 4096,
	FILL = 32 * 1024, /* stays in the processor's cache */
	FILL_FIRST = 3072,
};

static const char too_many[] = "there are more than 256 rows, or 64 KiB of them: use Open, or ask "
			       "for less by fields, filter or limit";
static const char no_retry[] = "consistency: what has gone out through a stream cannot be read "
			       "again: retry takes transport=memfd";

/* ---- what is said ---- */

static int say(int connection, Usher__NetlinkAnswer *answer, int fd) {
	Usher__NetlinkReport report = USHER__NETLINK_REPORT__INIT;
	const struct fds fds = { .fd = { fd }, .n = fd >= 0 };
	struct pollfd broker = { .fd = connection, .events = POLLOUT };
	int r;

	report.answer = answer;
	answer->has_rows_fd = fd >= 0;
	answer->rows_fd = 0;
	while ((r = wire_send(connection, &report.base, &fds)) == -EAGAIN)
		if (poll(&broker, 1, SAY_MSEC) == 0)
			return -ECONNRESET;
	return r;
}

int answer_refuse(int connection, uint64_t serial, int code, const char *text) {
	Usher__NetlinkAnswer answer = USHER__NETLINK_ANSWER__INIT;

	answer.serial = serial;
	answer.code = code;
	answer.text = text && *text ? (char *)(uintptr_t)text : NULL;
	return say(connection, &answer, -1);
}

/* ---- what is asked ---- */

static bool is_streamed(const Usher__NetlinkAsk *ask) {
	return ask->format && ask->transport && strcmp(ask->transport, "stream") == 0;
}

static bool is_one_of(const char *word, const char *one, const char *other) {
	return !word || strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

int question_check(const Usher__NetlinkAsk *ask, struct refusal *refusal, struct question *ret) {
	const Usher__NetlinkSelection *words = ask->selection;
	enum query_consistency consistency;

	if (words->n_types != 1)
		return refusal_note(refusal, REFUSED_INVALID, "type: a query has one");
	if (ask->consistency && !query_parse_consistency(ask->consistency, &consistency))
		return refusal_note(refusal, REFUSED_INVALID,
				    "consistency: \"%s\" is not any, detect or retry",
				    ask->consistency);
	if (!is_one_of(ask->format, "records", "json"))
		return refusal_note(refusal, REFUSED_INVALID,
				    "format: \"%s\" is not records or json", ask->format);
	if (!is_one_of(ask->transport, "memfd", "stream"))
		return refusal_note(refusal, REFUSED_INVALID,
				    "transport: \"%s\" is not memfd or stream", ask->transport);
	if (ask->consistency && consistency == QUERY_RETRY && is_streamed(ask))
		return refusal_note(refusal, REFUSED_INVALID, "%s", no_retry);
	*ret = (struct question){ .ask = ask, .rights = words->has_rights ? words->rights : 0 };
	return selection_new(words->types, words->n_types, words->fields, words->n_fields,
			     words->filter, refusal, &ret->selection);
}

void question_done(struct question *question) {
	selection_free(question->selection);
	question->selection = NULL;
}

bool question_is_brief(const struct question *question) {
	return !question->ask->format &&
	       selection_lookup(question->selection, selection_type(question->selection, 0));
}

/* These two are tables of their own, too. */
static bool is_division(const char *key) {
	return strcmp(key, "family") == 0 || strcmp(key, "table") == 0;
}

bool question_may_be_small(const struct question *question) {
	const char *key;

	for (size_t i = 0; (key = selection_key(question->selection, i)); i++)
		if (!is_division(key))
			return false;
	return question->rights == 0 && selection_type(question->selection, 0)->own_table &&
	       !question_is_streamed(question) && !question_is_joined(question);
}

bool question_is_joined(const struct question *question) {
	enum query_consistency consistency;

	return question->ask->consistency &&
	       query_parse_consistency(question->ask->consistency, &consistency) &&
	       consistency == QUERY_RETRY;
}

bool question_is_streamed(const struct question *question) {
	return is_streamed(question->ask);
}

/* ---- the answer in the making ---- */

struct answer {
	int connection;
	const struct question *question;
	struct query query;
	int fd;                /* that rows are written to; -1: none */
	uint64_t written, max; /* 0: any number */
	bool streamed;
	bool narrow; /* the pipe is, until somebody has read the first rows */
	int reader;  /* the end of the pipe that has not been given away yet; -1: otherwise */
	volatile bool *told;
	struct block_buffer buffer;
};

static void done(struct answer *answer) {
	block_free(answer->query.block);
	free(answer->buffer.bytes);
	fd_closep(&answer->fd);
	fd_closep(&answer->reader);
}

static void describe(const struct answer *answer, Usher__NetlinkInfo *info, char *filters[],
		     size_t max) {
	const struct query *query = &answer->query;
	const char *key;

	info->kernel_filters = filters;
	for (size_t i = 0; (key = selection_key(query->selection, i)); i++)
		if (selection_by_kernel(query->selection, selection_type(query->selection, 0),
					key) &&
		    info->n_kernel_filters < max)
			filters[info->n_kernel_filters++] =
				(char *)(uintptr_t)selection_given(query->selection, i);
	if (answer->reader >= 0)
		return; /* the rest is not known yet, and stands at the end of the stream */
	info->has_rows = info->has_bytes = info->has_complete = true;
	info->rows = block_rows(query->block);
	info->bytes = block_bytes(query->block);
	info->complete = query->complete;
	info->interrupted = query->complete ? NULL : (char *)(uintptr_t)query->why;
	info->message = *query->message ? (char *)(uintptr_t)query->message : NULL;
}

static int tell(struct answer *answer, int fd) {
	Usher__NetlinkAnswer message = USHER__NETLINK_ANSWER__INIT;
	Usher__NetlinkInfo info = USHER__NETLINK_INFO__INIT;
	char *filters[64];
	int r;

	message.serial = answer->question->ask->serial;
	message.info = &info;
	describe(answer, &info, filters, sizeof filters / sizeof *filters);
	message.has_blocks = answer->fd < 0;
	message.blocks = (ProtobufCBinaryData){ answer->buffer.size, answer->buffer.bytes };
	r = say(answer->connection, &message, fd);
	if (answer->told)
		*answer->told = true;
	return r;
}

static int refuse(struct answer *answer, int code, const char *text) {
	int r = answer_refuse(answer->connection, answer->question->ask->serial, code, text);

	if (answer->told)
		*answer->told = true;
	return r;
}

/* So that what has been written until then fills it, or lacks room for a part of it. */
static void keep_narrow(const struct answer *answer) {
	size_t size = PIPE_LEAST;

	while (size * 2 <= answer->written)
		size *= 2;
	(void)fcntl(answer->fd, F_SETPIPE_SZ, size);
}

static void widen(struct answer *answer) {
	answer->narrow = false;
	(void)fcntl(answer->fd, F_SETPIPE_SZ, PIPE_SIZE);
}

/* What others have to do before the first rows are read would wait until our share of the processor
 * is used up, if we went on. */
static void let_others_read(const struct answer *answer) {
	struct pollfd pipe = { .fd = answer->fd, .events = POLLOUT };

	(void)poll(&pipe, 1, -1);
}

/* Where rows go. The pipe is given away with the first of them: until then there may be an error
 * instead, and it is not known which filters the kernel has applied. */
static int write_rows(void *data, const struct iovec *pieces, size_t n) {
	struct answer *answer = data;
	int r;

	for (size_t i = 0; i < n; i++)
		answer->written += pieces[i].iov_len;
	if (answer->max > 0 && answer->written > answer->max)
		return -EFBIG;
	if (answer->reader >= 0 && block_rows(answer->query.block) > 0) {
		r = tell(answer, answer->reader);
		if (r < 0)
			return r;
		fd_closep(&answer->reader);
	}
	if (answer->narrow)
		keep_narrow(answer);
	r = block_to_fd(&answer->fd, pieces, n);
	if (r == 0 && answer->narrow && block_rows(answer->query.block) > 0) {
		let_others_read(answer);
		widen(answer);
	}
	return r;
}

static int begin_block(struct answer *answer, size_t fill) {
	const char *format = answer->question->ask->format;
	bool json = format && strcmp(format, "json") == 0;

	block_free(answer->query.block);
	answer->query.block = block_new(!json              ? BLOCK_RECORDS
					: answer->streamed ? BLOCK_JSON_ENDED
							   : BLOCK_JSON,
					fill, answer->fd < 0 ? block_to_buffer : write_rows,
					answer->fd < 0 ? (void *)&answer->buffer : answer);
	if (!answer->query.block)
		return -ENOMEM;
	if (answer->streamed)
		block_hurry(answer->query.block, FILL_FIRST);
	return block_start(answer->query.block);
}

static int begin_again(void *data) {
	struct answer *answer = data;

	answer->buffer.size = 0;
	answer->written = 0;
	if (answer->fd >= 0 && (ftruncate(answer->fd, 0) < 0 || lseek(answer->fd, 0, SEEK_SET) < 0))
		return -errno;
	return begin_block(answer, answer->fd < 0 ? BYTES_MAX : FILL);
}

static int begin(struct answer *answer) {
	const Usher__NetlinkAsk *ask = answer->question->ask;
	int pipe[2];

	if (!ask->format) {
		answer->buffer.max = BYTES_MAX;
		return begin_block(answer, BYTES_MAX);
	}
	if (!question_is_streamed(answer->question)) {
		answer->max = ask->has_bytes ? ask->bytes : MEMFD_MAX;
		answer->fd = memfd_create("usher-netlink", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		return answer->fd < 0 ? -errno : begin_block(answer, FILL);
	}
	if (pipe2(pipe, O_CLOEXEC) < 0)
		return -errno;
	answer->streamed = answer->narrow = answer->query.hurried = true;
	answer->reader = pipe[0];
	answer->fd = pipe[1];
	answer->query.again = NULL; /* what has been read by somebody stays read */
	return begin_block(answer, FILL);
}

static void prepare(struct answer *answer, int connection, const struct question *question,
		    volatile bool *told) {
	const Usher__NetlinkAsk *ask = question->ask;

	*answer = (struct answer){
		.connection = connection,
		.question = question,
		.query = { .selection = question->selection,
			   .limit = ask->has_limit ? ask->limit : 0,
			   .uid = ask->uid,
			   .consistency = QUERY_DETECT,
			   .listener = question->listener,
			   .kept = question->kept,
			   .again = begin_again },
		.fd = -1,
		.reader = -1,
		.told = told,
	};
	answer->query.data = answer;
	if (ask->consistency)
		(void)query_parse_consistency(ask->consistency, &answer->query.consistency);
	if (!ask->format && (answer->query.limit == 0 || answer->query.limit > ROWS_MAX))
		answer->query.limit = ROWS_MAX + 1; /* one too many shows that there are */
}

static int end(struct answer *answer) {
	struct query *query = &answer->query;

	return block_end(query->block, query->complete, query->code, query->why, query->message);
}

/* There is no room for the rows: of what the user may have, or, where nothing limits that, of what
 * anybody may. */
static int refuse_size(struct answer *answer) {
	const Usher__NetlinkAsk *ask = answer->question->ask;
	char text[256];

	if (!ask->has_row_bytes)
		(void)snprintf(text, sizeof text,
			       "there are more than %d MiB of rows: ask for a stream",
			       MEMFD_MAX >> 20);
	else
		(void)snprintf(text, sizeof text,
			       "the limit RowBytes=%" PRIu64
			       " of a user is reached: it leaves %" PRIu64
			       " bytes for these rows; ask for less, or for a stream",
			       ask->row_bytes, answer->max);
	return refuse(answer, REFUSED_LIMIT, text);
}

/* What kept us from answering, in words. */
static int fail(struct answer *answer, int r) {
	if (r == -EFBIG)
		return answer->fd < 0 ? refuse(answer, REFUSED_LIMIT, too_many)
				      : refuse_size(answer);
	/* of a network it is no device that the machine lacks */
	if (r == -ENODEV)
		return refuse(answer, REFUSED_NOT_FOUND, "filter: there is no such link (ENODEV)");
	return refuse(answer, r, answer->query.message);
}

/* Whoever has the stream already is told there. */
static int end_stream(struct answer *answer, int r) {
	struct query *query = &answer->query;

	if (r < 0 && answer->reader >= 0)
		return fail(answer, r);
	if (r < 0) {
		query->complete = false;
		query->code = r;
		query->why = "the kernel did not tell all of it";
	}
	if (answer->narrow)
		widen(answer);
	(void)end(answer); /* nobody may be there to read it */
	return answer->reader >= 0 ? tell(answer, answer->reader) : 0;
}

static int conclude(struct answer *answer, int r) {
	if (answer->streamed)
		return end_stream(answer, r);
	if (r == 0)
		r = end(answer);
	if (r == 0 && answer->fd < 0 && block_rows(answer->query.block) > ROWS_MAX)
		return refuse(answer, REFUSED_LIMIT, too_many);
	/* whoever reads it as a file begins where it does */
	if (r == 0 && answer->fd >= 0 &&
	    (lseek(answer->fd, 0, SEEK_SET) < 0 || fcntl(answer->fd, F_ADD_SEALS, SEALS) < 0))
		r = -errno;
	return r < 0 ? fail(answer, r) : tell(answer, answer->fd);
}

int answer_give(int connection, const struct question *question, bool brief, volatile bool *told) {
	bool one = selection_lookup(question->selection, selection_type(question->selection, 0));
	struct answer answer;
	int r;

	prepare(&answer, connection, question, told);
	answer.query.brief = brief;
	r = begin(&answer);
	if (r == 0)
		r = query_run(&answer.query, one);
	if (r == 1 && !brief)
		r = query_run(&answer.query, false);
	if (r == -EFBIG && brief)
		r = 1;
	if (r != 1)
		r = conclude(&answer, r);
	done(&answer);
	return r;
}
