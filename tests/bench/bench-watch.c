/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it costs to look at files, for tests/bench/run: events that one process makes, looked at by
 * nobody, by root with a bare read of fanotify, by inotify, and by subscribers of usher's.
 *
 *	watch none|floor|inotify DIR COUNT EVERY
 *	watch usher|sends DIR COUNT EVERY SUBSCRIBERS
 *	watch latency-inotify|latency-relay|latency-stream|latency-signal DIR COUNT
 *	watch subscribe DIR COUNT
 *	watch touch DIR COUNT
 *
 * So many files are made in the directories d0 to d63 of DIR; after each EVERY of them a directory
 * is renamed, unless that is 0: that is an event, too. Each prints a line of JSON.
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <usher.h>

#include "measure.h"

enum { DIRECTORIES = 64, UID = 60000, QUIET_MSEC = 500, PACE_USEC = 2000, READERS_MAX = 64 };

/* As a watcher rests while much happens, and what it says of an event to each reader. */
enum { READER_USEC = 500, PACE_MOST_USEC = 10000, RECORD_SIZE = 64 };

static const char *const creates[] = { "create", NULL };
static const char *const creates_and_moves[] = { "create", "move", NULL };

/* Of so many files. */
static unsigned events_of(unsigned count, unsigned every) {
	return count + (every ? (count + every - 1) / every : 0);
}

static double cpu_usec(int who) {
	struct rusage usage;

	(void)getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void directory_name(char *path, size_t size, const char *where, unsigned number,
			   bool other) {
	(void)snprintf(path, size, "%s/d%u%s", where, number, other ? "-renamed" : "");
}

static void make_directories(const char *where) {
	char path[4096];

	for (unsigned i = 0; i < DIRECTORIES; i++) {
		directory_name(path, sizeof path, where, i, false);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			err(1, "%s", path);
	}
}

/* ---- the writer ---- */

/* What the writer paid for each event. */
static double make_files(const char *where, unsigned count, unsigned every) {
	bool other[DIRECTORIES] = { false };
	char directory[4096], path[4200];
	double before = cpu_usec(RUSAGE_SELF);

	for (unsigned i = 0; i < count; i++) {
		unsigned at = i % DIRECTORIES;

		directory_name(directory, sizeof directory, where, at, other[at]);
		(void)snprintf(path, sizeof path, "%s/f%u", directory, i);
		if (mknod(path, S_IFREG | 0644, 0) < 0)
			err(1, "%s", path);
		if (every == 0 || i % every != 0)
			continue;
		directory_name(path, sizeof path, where, at, !other[at]);
		if (rename(directory, path) < 0)
			err(1, "%s", path);
		other[at] = !other[at];
	}
	return (cpu_usec(RUSAGE_SELF) - before) / events_of(count, every);
}

struct writer {
	pid_t pid;
	int result;
};

static struct writer start_writer(const char *where, unsigned count, unsigned every) {
	struct writer writer;
	int pipes[2];

	if (pipe(pipes) < 0 || (writer.pid = fork()) < 0)
		err(1, "fork");
	if (writer.pid == 0) {
		double cost = make_files(where, count, every);

		_exit(write(pipes[1], &cost, sizeof cost) != sizeof cost);
	}
	(void)close(pipes[1]);
	writer.result = pipes[0];
	return writer;
}

static double end_writer(const struct writer *writer) {
	double cost = 0;

	if (read(writer->result, &cost, sizeof cost) != sizeof cost)
		errx(1, "the writer has failed");
	(void)waitpid(writer->pid, NULL, 0);
	return cost;
}

static void print(const char *name, unsigned events, unsigned lost, double reader, double writer,
		  uint64_t took) {
	printf("{\"name\": \"%s\", \"n\": %u, \"lost\": %u, \"reader\": %.3f, \"writer\": %.3f, "
	       "\"a_second\": %.0f}\n",
	       name, events, lost, reader / events, writer, events / ((double)took / 1e9));
}

static void measure_nobody(const char *where, unsigned count, unsigned every) {
	uint64_t began = measure_now();
	double cost = make_files(where, count, every);

	print("none", events_of(count, every), 0, 0, cost, measure_now() - began);
}

/* ---- bare readers ---- */

/* How many events of this kind are in what was read, and how many were lost. */
typedef unsigned count_function(const char *bytes, ssize_t size, unsigned *ret_lost);

static unsigned count_fanotify(const char *bytes, ssize_t size, unsigned *ret_lost) {
	const struct fanotify_event_metadata *event = (const void *)bytes;
	unsigned n = 0;

	for (; FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size)) {
		*ret_lost += (event->mask & FAN_Q_OVERFLOW) != 0;
		n += (event->mask & FAN_CREATE) != 0;
	}
	return n;
}

static unsigned count_inotify(const char *bytes, ssize_t size, unsigned *ret_lost) {
	unsigned n = 0;

	for (ssize_t at = 0; at < size;) {
		const struct inotify_event *event = (const void *)(bytes + at);

		*ret_lost += (event->mask & IN_Q_OVERFLOW) != 0;
		n += (event->mask & IN_CREATE) != 0;
		at += (ssize_t)(sizeof *event + event->len);
	}
	return n;
}

/* Who is sent what has been read: the same to all of them, and nobody has looked at it. */
struct readers {
	int fd[READERS_MAX];
	unsigned n;
};

static void send_all(const struct readers *readers, unsigned events) {
	static const char bytes[USHER_WATCH_PACKET_MAX];

	for (unsigned i = 0; i < readers->n; i++)
		for (size_t left = (size_t)events * RECORD_SIZE, part; left > 0; left -= part) {
			part = left < sizeof bytes ? left : sizeof bytes;
			if (send(readers->fd[i], bytes, part, MSG_NOSIGNAL) < 0)
				err(1, "a reader");
		}
}

static unsigned pace_of(const struct readers *readers) {
	unsigned usec = PACE_USEC + (readers->n > 1 ? readers->n : 0) * READER_USEC;

	return usec < PACE_MOST_USEC ? usec : PACE_MOST_USEC;
}

/* Reads as a watcher does: all that is there, then a rest while there is more to come. */
static void read_all(const char *name, int fd, count_function *count_events, const char *where,
		     unsigned count, unsigned every, const struct readers *readers) {
	static char buffer[262144] __attribute__((aligned(8)));
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint64_t began = measure_now(), end = began;
	double before = cpu_usec(RUSAGE_SELF), cost;
	struct writer writer = start_writer(where, count, every);
	unsigned n = 0, lost = 0, found;
	ssize_t size;

	while (n < count && poll(&poll_fd, 1, n ? QUIET_MSEC : -1) > 0) {
		while ((size = read(fd, buffer, sizeof buffer)) > 0) {
			found = count_events(buffer, size, &lost);
			send_all(readers, found);
			n += found;
			if (size < (ssize_t)sizeof buffer / 2)
				break;
		}
		end = measure_now();
		(void)usleep(pace_of(readers));
	}
	before = cpu_usec(RUSAGE_SELF) - before;
	cost = end_writer(&writer);
	print(name, events_of(count, every), lost, before, cost, end - began);
}

/* As a subscriber does, and nothing else. */
static void receive(int fd) {
	static char buffer[USHER_WATCH_PACKET_MAX];
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	ssize_t size;

	while (poll(&poll_fd, 1, -1) > 0) {
		while ((size = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
			;
		if (size == 0)
			_exit(0);
		(void)usleep(PACE_USEC);
	}
}

static void start_readers(struct readers *readers, unsigned n) {
	int ends[2];

	for (; readers->n < n && readers->n < READERS_MAX; readers->n++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
			err(1, "socketpair");
		if (fork() == 0) {
			(void)close(ends[0]);
			for (unsigned i = 0; i < readers->n; i++)
				(void)close(readers->fd[i]);
			receive(ends[1]);
			_exit(1);
		}
		(void)close(ends[1]);
		readers->fd[readers->n] = ends[0];
	}
}

static int bare_fanotify(const char *where) {
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK |
				       FAN_REPORT_DFID_NAME_TARGET,
			       O_RDONLY);

	if (fd < 0 ||
	    fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
			  FAN_CREATE | FAN_RENAME | FAN_ATTRIB | FAN_DELETE_SELF | FAN_ONDIR,
			  AT_FDCWD, where) < 0)
		err(1, "fanotify");
	return fd;
}

static int bare_inotify(const char *where) {
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[4096];

	for (unsigned i = 0; i < DIRECTORIES; i++) {
		directory_name(path, sizeof path, where, i, false);
		if (inotify_add_watch(fd, path, IN_CREATE) < 0)
			err(1, "%s", path);
	}
	return fd;
}

/* ---- subscribers ---- */

static struct usher *open_bus(void) {
	struct usher *usher;
	int r = usher_open(&usher, 0);

	if (r < 0)
		errx(1, "the bus: %s", strerror(-r));
	return usher;
}

static struct usher_watch *open_watch(struct usher *usher, const char *where,
				      const char *const *events, bool streams) {
	struct usher_watch_options options = USHER_WATCH_OPTIONS_INIT;
	struct usher_watch *watch;
	int r;

	options.scope = "recursive";
	if (streams)
		options.queue = 65536;
	else
		options.settle_usec = 0;
	r = (streams ? usher_watch_open : usher_watch_subscribe)(usher, where, events, &options,
								 NULL, &watch);
	if (r < 0)
		errx(1, "%s: %s", where, usher_message(usher));
	return watch;
}

struct seen {
	unsigned files, lost;
	uint64_t last; /* when it had all that it had */
};

/* One of them, somebody else each: says when it listens, and what it has counted. */
static void subscribe(const char *where, unsigned number, unsigned count, bool renames, int ready,
		      int result, int hold) {
	struct seen seen = { 0 };
	struct usher_change change;
	struct usher_watch *watch;
	struct pollfd fd = { .events = POLLIN };
	int r;

	if (setgroups(0, NULL) < 0 || setresgid(UID + number, UID + number, UID + number) < 0 ||
	    setresuid(UID + number, UID + number, UID + number) < 0)
		err(1, "setresuid");
	watch = open_watch(open_bus(), where, renames ? creates_and_moves : creates, true);
	fd.fd = usher_watch_get_fd(watch);
	if (write(ready, "", 1) != 1)
		_exit(1);
	while (seen.files < count && poll(&fd, 1, seen.files ? 4 * QUIET_MSEC : -1) > 0) {
		while ((r = usher_watch_next(watch, &change)) > 0) {
			seen.files += change.kind == USHER_WATCH_EVENT &&
				      (change.events & USHER_WATCH_CREATE) != 0;
			seen.lost += change.kind == USHER_WATCH_LOST;
		}
		if (r < 0)
			break;
		seen.last = measure_now();
		(void)usleep(PACE_USEC);
	}
	if (write(result, &seen, sizeof seen) != sizeof seen)
		_exit(1);
	/* the last that goes takes the watcher with it, which is to be asked first */
	_exit(read(hold, &change, 1) != 0);
}

enum { WATCHERS_MAX = 16 };

/* What a watcher has had of the processors, in microseconds. */
struct share {
	pid_t pid;
	double usec;
};

static double cpu_of(pid_t pid) {
	unsigned long long nsec = 0;
	char path[64];
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
	file = fopen(path, "re");
	if (file && fscanf(file, "%llu", &nsec) != 1)
		nsec = 0;
	if (file)
		(void)fclose(file);
	return (double)nsec / 1000;
}

static unsigned find_watchers(struct share shares[static WATCHERS_MAX]) {
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	unsigned found = 0;

	while (processes && found < WATCHERS_MAX && (entry = readdir(processes))) {
		char path[300], program[256];
		ssize_t n;

		(void)snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
		n = readlink(path, program, sizeof program - 1);
		if (n < 0)
			continue;
		program[n] = '\0';
		if (!strstr(program, "/usher-watcher"))
			continue;
		shares[found].pid = (pid_t)strtol(entry->d_name, NULL, 10);
		shares[found].usec = cpu_of(shares[found].pid);
		found++;
	}
	(void)closedir(processes);
	return found;
}

/* Of those that were there before, and still are. */
static double spent_since(const struct share shares[], unsigned n) {
	double sum = 0, now;

	for (unsigned i = 0; i < n; i++) {
		now = cpu_of(shares[i].pid);
		sum += now > 0 ? now - shares[i].usec : 0;
	}
	return sum;
}

static void start_subscribers(const char *where, unsigned count, unsigned every, unsigned n,
			      int result, const int hold[static 2]) {
	int ready[2];
	char byte;

	if (pipe(ready) < 0)
		err(1, "pipe");
	for (unsigned i = 0; i < n; i++)
		if (fork() == 0) {
			(void)close(hold[1]);
			subscribe(where, i, count, every > 0, ready[1], result, hold[0]);
		}
	(void)close(ready[1]);
	for (unsigned i = 0; i < n; i++)
		if (read(ready[0], &byte, 1) != 1)
			errx(1, "a subscriber has failed");
	(void)close(ready[0]);
}

static void measure_usher(const char *where, unsigned count, unsigned every, unsigned subscribers) {
	struct share shares[WATCHERS_MAX];
	unsigned lost = 0, watchers;
	int result[2], hold[2];
	struct writer writer;
	struct seen seen;
	double cpu, cost;
	uint64_t began, last = 0;

	if (pipe(result) < 0 || pipe2(hold, O_CLOEXEC) < 0)
		err(1, "pipe");
	start_subscribers(where, count, every, subscribers, result[1], hold);
	watchers = find_watchers(shares);
	began = measure_now();
	writer = start_writer(where, count, every);
	for (unsigned i = 0; i < subscribers; i++) {
		if (read(result[0], &seen, sizeof seen) != sizeof seen)
			errx(1, "a subscriber has failed");
		lost += seen.lost;
		last = seen.last > last ? seen.last : last;
	}
	cpu = spent_since(shares, watchers);
	(void)close(hold[1]);
	cost = end_writer(&writer);
	print("usher", events_of(count, every), lost, cpu, cost, last - began);
	while (wait(NULL) > 0)
		;
}

/* ---- how long it takes until somebody knows ---- */

static void touch(const char *where, unsigned number) {
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/d0/t%u", where, number);
	if (mknod(path, S_IFREG | 0644, 0) < 0)
		err(1, "%s", path);
}

static void latency_inotify(const char *where, unsigned count) {
	struct measure measure = measure_new("latency-inotify", count);
	struct pollfd fd = { .fd = bare_inotify(where), .events = POLLIN };
	char buffer[4096];

	for (unsigned i = 0; i < count; i++) {
		(void)usleep(5000);
		measure_begin(&measure);
		touch(where, i);
		if (poll(&fd, 1, -1) < 0 || read(fd.fd, buffer, sizeof buffer) < 0)
			err(1, "inotify");
		measure_end(&measure);
	}
	measure_print(&measure);
}

/* Hears of it by inotify, and does nothing but to tell somebody else by a socket. */
static pid_t start_relay(const char *where, int to) {
	struct pollfd fd = { .fd = bare_inotify(where), .events = POLLIN };
	char buffer[4096];
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	while (pid == 0) {
		ssize_t n = poll(&fd, 1, -1) < 0 ? -1 : read(fd.fd, buffer, sizeof buffer);

		if (n < 0 || send(to, buffer, (size_t)n, MSG_NOSIGNAL) < 0)
			_exit(1);
	}
	(void)close(fd.fd);
	return pid;
}

/* What two wakings take, and nothing else: the floor of whatever another process tells. */
static void latency_relay(const char *where, unsigned count) {
	struct measure measure = measure_new("latency-relay", count);
	struct pollfd fd = { .events = POLLIN };
	char buffer[4096];
	pid_t relay;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
		err(1, "socketpair");
	relay = start_relay(where, ends[1]);
	fd.fd = ends[0];
	for (unsigned i = 0; i < count; i++) {
		(void)usleep(5000);
		measure_begin(&measure);
		touch(where, i);
		if (poll(&fd, 1, -1) < 0 || read(fd.fd, buffer, sizeof buffer) < 0)
			err(1, "the relay");
		measure_end(&measure);
	}
	measure_print(&measure);
	(void)kill(relay, SIGKILL);
	(void)waitpid(relay, NULL, 0);
}

static void latency_usher(const char *where, unsigned count, bool streams) {
	struct measure measure = measure_new(streams ? "latency-stream" : "latency-signal", count);
	struct usher_watch *watch = open_watch(open_bus(), where, creates, streams);
	struct usher_change change;
	int r;

	for (unsigned i = 0; i < count; i++) {
		struct pollfd fd = { .fd = usher_watch_get_fd(watch), .events = POLLIN };

		/* of signals there are at most ten a second */
		(void)usleep(streams ? 5000 : 150000);
		measure_begin(&measure);
		touch(where, i);
		/* who waits does so in poll(), here as above */
		do
			if (poll(&fd, 1, 5000) <= 0)
				errx(1, "nothing is told");
		while ((r = usher_watch_next(watch, &change)) == 0);
		measure_end(&measure);
		if (r < 0)
			errx(1, "the watch has gone");
	}
	measure_print(&measure);
}

static void measure_subscribe(const char *where, unsigned count) {
	struct measure measure = measure_new("subscribe", count);
	struct usher *usher = open_bus();
	/* one that stays, so that the file system has its watcher */
	struct usher_watch *first = open_watch(usher, where, creates, true);

	for (unsigned i = 0; i < count; i++) {
		struct usher_watch *watch;

		measure_begin(&measure);
		watch = open_watch(usher, where, creates, true);
		measure_end(&measure);
		usher_watch_close(watch);
	}
	measure_print(&measure);
	usher_watch_close(first);
}

/* One file in each of so many directories, each the child of the last but nine. */
static void touch_tree(const char *where, unsigned count) {
	char path[4096];

	if (chdir(where) < 0)
		err(1, "%s", where);
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(path, sizeof path, "t%u/u%u", i / 300, i % 300);
		if (i % 300 == 0) {
			char parent[32];

			(void)snprintf(parent, sizeof parent, "t%u", i / 300);
			if (mkdir(parent, 0755) < 0 && errno != EEXIST)
				err(1, "%s", parent);
		}
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			err(1, "%s", path);
		(void)strcat(path, "/f");
		if (unlink(path) < 0 && errno != ENOENT)
			err(1, "%s", path);
		if (mknod(path, S_IFREG | 0644, 0) < 0)
			err(1, "%s", path);
	}
}

static unsigned number(char **argv, int argc, int at) {
	return argc > at ? (unsigned)strtoul(argv[at], NULL, 10) : 0;
}

int main(int argc, char **argv) {
	const char *what = argc > 3 ? argv[1] : "", *where = argv[2];
	unsigned count = number(argv, argc, 3), every = number(argv, argc, 4);
	struct readers readers = { .n = 0 };

	if (strcmp(what, "touch") == 0) {
		touch_tree(where, count);
		return 0;
	}
	if (argc > 3)
		make_directories(where);
	if (strcmp(what, "none") == 0)
		measure_nobody(where, count, every);
	else if (strcmp(what, "floor") == 0)
		read_all(what, bare_fanotify(where), count_fanotify, where, count, every, &readers);
	else if (strcmp(what, "sends") == 0) {
		start_readers(&readers, number(argv, argc, 5));
		read_all(what, bare_fanotify(where), count_fanotify, where, count, every, &readers);
	} else if (strcmp(what, "inotify") == 0)
		read_all(what, bare_inotify(where), count_inotify, where, count, every, &readers);
	else if (strcmp(what, "usher") == 0)
		measure_usher(where, count, every, number(argv, argc, 5));
	else if (strcmp(what, "latency-inotify") == 0)
		latency_inotify(where, count);
	else if (strcmp(what, "latency-relay") == 0)
		latency_relay(where, count);
	else if (strcmp(what, "latency-stream") == 0 || strcmp(what, "latency-signal") == 0)
		latency_usher(where, count, strcmp(what, "latency-stream") == 0);
	else if (strcmp(what, "subscribe") == 0)
		measure_subscribe(where, count);
	else
		errx(2, "usage: watch KIND DIR COUNT [EVERY [SUBSCRIBERS]]");
	return 0;
}
