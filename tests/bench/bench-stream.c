/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the way from a watcher to its readers can carry, for tests/bench/run: the watcher's own
 * streams and libusher's reader, without the kernel's events before them.
 *
 *	bench-stream RECORDS READERS
 *
 * So many records are told to each reader, as many in a turn as a watcher reads when much happens.
 * Prints a line of JSON: records a second that each reader has got, and what one takes of the
 * processors on both sides, in nanoseconds.
 */
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <usher.h>

#include "measure.h"
#include "watcher/stream.h"

enum { READERS_MAX = 64, TURN = 500, ROOM = 65536 };

static double cpu_nsec(int who) {
	struct rusage usage;

	(void)getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

/* Ends well when it has got all of them. */
static int read_all(int fd, unsigned records) {
	struct usher_watch *watch;
	struct usher_change change;
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	unsigned n = 0;
	int r = usher_watch_adopt(fd, &watch);

	if (r < 0)
		return 1;
	while (n < records) {
		r = usher_watch_next(watch, &change);
		if (r < 0 || (r == 0 && poll(&poller, 1, 10000) <= 0))
			return 1;
		if (r > 0 && change.kind != USHER_WATCH_EVENT)
			return 1;
		n += r > 0;
	}
	return 0;
}

/* Who has no room is waited for: here nothing is to be lost. */
static void flush(struct stream *stream) {
	struct pollfd poller = { .fd = stream->fd, .events = POLLOUT };

	stream_flush(stream);
	while (!stream->broken && !stream_is_empty(stream)) {
		(void)poll(&poller, 1, 10000);
		stream_flush(stream);
	}
}

static void start(struct stream *stream, unsigned records) {
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		err(1, "socketpair");
	switch (fork()) {
	case -1: err(1, "fork");
	case 0: (void)close(ends[1]); _exit(read_all(ends[0], records));
	default: break;
	}
	(void)close(ends[0]);
	*stream = (struct stream){ .fd = ends[1], .room = ROOM };
}

/* What is in a record is made beforehand. */
static char paths[TURN][64];

static void tell(struct stream streams[], unsigned readers, uint64_t number) {
	const struct happening happening = {
		.events = USHER_WATCH_CREATE,
		.clock = number + 1,
		.path = paths[number % TURN],
		.path_length = strlen(paths[number % TURN]),
	};

	for (unsigned i = 0; i < readers; i++)
		stream_put(&streams[i], &happening, USHER_WATCH_CREATE);
}

int main(int argc, char **argv) {
	static struct stream streams[READERS_MAX];
	unsigned records = argc > 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	unsigned readers = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	bool failed = false;
	uint64_t began;
	double writing;
	int status;

	if (records == 0 || readers == 0 || readers > READERS_MAX)
		errx(2, "usage: bench-stream RECORDS READERS");
	for (unsigned i = 0; i < TURN; i++)
		(void)snprintf(paths[i], sizeof paths[i], "d%u/f%u", i % 64, 100000 + i);
	for (unsigned i = 0; i < readers; i++)
		start(&streams[i], records);
	began = measure_now();
	writing = cpu_nsec(RUSAGE_SELF);
	for (unsigned n = 0; n < records;) {
		for (unsigned i = 0; i < TURN && n < records; i++)
			tell(streams, readers, n++);
		for (unsigned i = 0; i < readers; i++)
			flush(&streams[i]);
	}
	writing = cpu_nsec(RUSAGE_SELF) - writing;
	while (wait(&status) > 0)
		failed = failed || status != 0;
	if (failed)
		errx(1, "a reader has not got all of them");
	printf("{\"name\": \"stream\", \"n\": %u, \"a_second\": %.0f, \"writing\": %.1f, "
	       "\"reading\": %.1f}\n",
	       records, records / ((double)(measure_now() - began) / 1e9),
	       writing / records / readers, cpu_nsec(RUSAGE_CHILDREN) / records / readers);
	return 0;
}
