/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it costs to be told of changes, and to be listened to: routes are added as fast as the
 * kernel takes them, in a network namespace of their own, while nobody listens, while a process
 * keeps another processor busy that has nothing to do with it, while a socket is read and nothing
 * done with that, while what is read of one is passed on as it is to as many as there are monitors
 * at most, and while so many monitor them through usher-netlink; in turn, in short rounds, because
 * the machine's own speed changes while one looks. A line of JSON for each: how many changes a
 * second were made and told, how many gaps there were; and what a change took of the processor, as
 * a ratio to when nobody listens of who made it, in the same round, and in microseconds of who
 * listens. All are medians, but for gaps, which are added up.
 *
 *     bench-monitor USHER-NETLINK ROUTES [MONITORS...]
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interfaces/netlink-records.h"
#include "measure.h"
#include "usher.pb-c.h"
#include "wire.h"

enum { MONITORS_MAX = 64, BATCH = 256, QUIET_MSEC = 300, FIELD_TABLE = 99, ROUNDS = 15 };

/* The kernel frees the routes of one later, and should not be about it in the next. */
enum { SETTLE_MSEC = 30 };

enum { KINDS_MAX = 16, LISTENER_ROOM = 8 << 20, AT_ONCE = 32 };

static int checked(int result, const char *what) {
	if (result < 0)
		err(1, "%s", what);
	return result;
}

/* ---- who changes something ---- */

struct request {
	struct nlmsghdr head;
	struct rtmsg route;
	struct rtattr destination;
	struct in_addr address;
	struct rtattr table;
	uint32_t number;
	struct rtattr link;
	uint32_t index;
};

static struct request request_of(uint32_t i, uint16_t type) {
	return (struct request){
		.head = { .nlmsg_len = sizeof(struct request),
			  .nlmsg_type = type,
			  .nlmsg_flags = (uint16_t)(NLM_F_REQUEST |
						    (type == RTM_NEWROUTE ? NLM_F_CREATE : 0)) },
		.route = { .rtm_family = AF_INET,
			   .rtm_dst_len = 32,
			   .rtm_table = FIELD_TABLE,
			   .rtm_protocol = RTPROT_STATIC,
			   .rtm_scope = RT_SCOPE_LINK,
			   .rtm_type = RTN_UNICAST },
		.destination = { RTA_LENGTH(4), RTA_DST },
		.address.s_addr = htonl(0x0a000000 + i),
		.table = { RTA_LENGTH(4), RTA_TABLE },
		.number = FIELD_TABLE,
		.link = { RTA_LENGTH(4), RTA_OIF },
		.index = 1, /* lo */
	};
}

/* Nanoseconds, by the clock and of the processor. */
struct taken {
	uint64_t wall, cpu;
};

static uint64_t cpu_now(void) {
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* For all of them; the last one is answered. */
static struct taken change(uint32_t n, uint16_t type) {
	static struct request batch[BATCH];
	int fd = checked(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket");
	struct taken began = { measure_now(), cpu_now() };
	char answer[1024];

	for (uint32_t i = 0; i < n;) {
		size_t filled = 0;

		while (filled < BATCH && i < n)
			batch[filled++] = request_of(i++, type);
		if (i == n)
			batch[filled - 1].head.nlmsg_flags |= NLM_F_ACK;
		checked((int)send(fd, batch, filled * sizeof *batch, 0), "send");
	}
	checked((int)recv(fd, answer, sizeof answer, 0), "recv");
	(void)close(fd);
	return (struct taken){ measure_now() - began.wall, cpu_now() - began.cpu };
}

static void raise_loopback(void) {
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} request = { .head = { .nlmsg_len = sizeof request,
				.nlmsg_type = RTM_NEWLINK,
				.nlmsg_flags = NLM_F_REQUEST },
		      .link = { .ifi_index = 1, .ifi_flags = 1, .ifi_change = 1 } };

	int fd = checked(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket");

	checked((int)send(fd, &request, sizeof request, 0), "send");
	(void)close(fd);
}

/* ---- who is told ---- */

static int start(const char *program, pid_t *ret) {
	int pair[2];

	checked(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair");
	*ret = checked(fork(), "fork");
	if (*ret == 0) {
		checked(dup2(pair[1], 3), "dup2");
		(void)execl(program, program, (char *)NULL);
		err(1, "%s", program);
	}
	(void)close(pair[1]);
	return pair[0];
}

static void begin(int connection) {
	Usher__NetlinkOrder order = USHER__NETLINK_ORDER__INIT;
	Usher__NetlinkMonitorBegin what = USHER__NETLINK_MONITOR_BEGIN__INIT;
	struct fds fds = { .fd = { checked(open("/proc/self/ns/net", O_RDONLY), "open") }, .n = 1 };

	order.begin = &what;
	checked(wire_send(connection, &order.base, &fds), "begin");
	fds_done(&fds);
}

static int add(int connection, uint64_t number) {
	char route[] = "route", destination[] = "dst", link[] = "oif", table[] = "table";
	char *types[] = { route }, *fields[] = { destination, link, table };
	Usher__NetlinkOrder order = USHER__NETLINK_ORDER__INIT;
	Usher__NetlinkMonitorAdd what = USHER__NETLINK_MONITOR_ADD__INIT;
	Usher__NetlinkSelection selection = USHER__NETLINK_SELECTION__INIT;
	struct fds fds = { .n = 1 };
	const int room = 1 << 20;
	int pair[2];

	checked(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair");
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	fds.fd[0] = pair[1];
	selection.types = types;
	selection.n_types = 1;
	selection.fields = fields;
	selection.n_fields = 3;
	what.number = number;
	what.selection = &selection;
	what.has_stream_fd = true;
	order.add = &what;
	checked(wire_send(connection, &order.base, &fds), "add");
	fds_done(&fds);
	return pair[0];
}

struct tally {
	uint64_t rows, gaps, synced, last;
};

static void count(const uint8_t *bytes, size_t size, struct tally *tally) {
	const struct usher_netlink_rows *rows;

	for (size_t at = 0; at < size; at += rows->block.size) {
		rows = (const void *)(bytes + at);
		tally->rows += rows->block.kind == USHER_NETLINK_ROWS ? rows->n : 0;
		tally->gaps += rows->block.kind == USHER_NETLINK_GAP;
		tally->synced += rows->block.kind == USHER_NETLINK_SYNCED;
	}
	tally->last = measure_now();
}

/* Reads for all until enough(), or until nobody says anything any more. */
static void read_all(const int *streams, size_t n, struct tally *tally, uint64_t rows,
		     uint64_t synced) {
	static uint8_t bytes[USHER_NETLINK_PACKET_MAX];
	struct pollfd ready[MONITORS_MAX];

	for (size_t i = 0; i < n; i++)
		ready[i] = (struct pollfd){ .fd = streams[i], .events = POLLIN };
	while ((tally->rows < rows || tally->synced < synced) && poll(ready, n, QUIET_MSEC) > 0)
		for (size_t i = 0; i < n; i++)
			if (ready[i].revents) {
				ssize_t size = recv(streams[i], bytes, sizeof bytes, MSG_DONTWAIT);

				if (size > 0)
					count(bytes, (size_t)size, tally);
			}
}

/* Of a process that has been let go of. */
static double microseconds_of(pid_t pid) {
	struct rusage usage;

	checked(wait4(pid, NULL, 0, &usage), "wait4");
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* ---- kinds ---- */

struct result {
	double made, told, writer, listener;
	uint64_t gaps;
};

struct kind {
	char who[32];
	size_t monitors; /* 0: none */
	bool bare;       /* a socket is read */
	size_t relayed;  /* and what comes is passed on to so many; 0: none */
	bool unrelated;  /* somebody computes */
	struct result results[ROUNDS];
};

/* Between processes. */
static struct shared {
	struct taken taken;
	volatile bool ready;
	volatile uint64_t heard, last;
} * shared;

static int compare(const void *a, const void *b) {
	const double *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* The writer is another process, as it is in life; how long it took comes through memory. */
static pid_t start_writer(uint32_t routes) {
	pid_t writer = checked(fork(), "fork");

	if (writer == 0) {
		shared->taken = change(routes, RTM_NEWROUTE);
		_exit(0);
	}
	return writer;
}

static void measure_monitors(const char *program, uint32_t routes, size_t n, struct result *ret) {
	int streams[MONITORS_MAX], connection;
	struct tally tally = { 0 };
	pid_t writer, listener;
	uint64_t began;

	connection = start(program, &listener);
	begin(connection);
	for (size_t i = 0; i < n; i++)
		streams[i] = add(connection, i + 1);
	read_all(streams, n, &tally, 0, n);
	tally = (struct tally){ 0 };
	began = measure_now();
	writer = start_writer(routes);
	read_all(streams, n, &tally, (uint64_t)routes * n, 0);
	checked(waitpid(writer, NULL, 0), "waitpid");
	for (size_t i = 0; i < n; i++)
		(void)close(streams[i]);
	(void)close(connection);
	ret->gaps = tally.gaps;
	ret->told = (double)tally.rows / ((double)(tally.last - began) / 1e9);
	ret->listener = microseconds_of(listener) / routes;
}

static void pass_on(const struct iovec *pieces, size_t n, const int *to, size_t receivers) {
	struct msghdr packet = { .msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = n };

	for (size_t i = 0; i < receivers; i++)
		(void)sendmsg(to[i], &packet, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What it takes to hear of it at all: 32 changes a call, and nothing done with them, or no more
 * than that they are passed on. */
static _Noreturn void listen_only(uint32_t routes, const int *to, size_t receivers) {
	const struct sockaddr_nl own = { .nl_family = AF_NETLINK,
					 .nl_groups = 1U << (RTNLGRP_IPV4_ROUTE - 1) };
	static uint8_t bytes[AT_ONCE][4096];
	struct mmsghdr messages[AT_ONCE];
	struct iovec pieces[AT_ONCE];
	const int room = LISTENER_ROOM;
	int fd = checked(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket");

	for (size_t i = 0; i < AT_ONCE; i++) {
		pieces[i] = (struct iovec){ bytes[i], sizeof bytes[i] };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &pieces[i], .msg_iovlen = 1 };
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
	checked(bind(fd, (const struct sockaddr *)&own, sizeof own), "bind");
	shared->ready = true;
	while (shared->heard < routes) {
		int n = recvmmsg(fd, messages, AT_ONCE, MSG_WAITFORONE, NULL);

		if (n < 0 && errno == ENOBUFS && receivers > 0)
			continue;
		if (n < 0)
			_exit(1);
		for (int i = 0; i < n; i++)
			pieces[i].iov_len = messages[i].msg_len;
		pass_on(pieces, (size_t)n, to, receivers);
		for (int i = 0; i < n; i++)
			pieces[i].iov_len = sizeof bytes[i];
		shared->heard += (uint64_t)n;
		shared->last = measure_now();
	}
	_exit(0);
}

static pid_t start_listener(uint32_t routes, const int *to, size_t receivers) {
	pid_t listener;

	shared->ready = false;
	shared->heard = 0;
	listener = checked(fork(), "fork");
	if (listener == 0)
		listen_only(routes, to, receivers);
	while (!shared->ready)
		(void)poll(NULL, 0, 1);
	return listener;
}

/* Until nothing comes any more. */
static uint64_t read_relayed(const int *from, size_t n) {
	static uint8_t bytes[AT_ONCE * 4096];
	struct pollfd ready[MONITORS_MAX];
	uint64_t last = measure_now();

	for (size_t i = 0; i < n; i++)
		ready[i] = (struct pollfd){ .fd = from[i], .events = POLLIN };
	while (poll(ready, n, QUIET_MSEC) > 0) {
		for (size_t i = 0; i < n; i++)
			if (ready[i].revents)
				(void)recv(from[i], bytes, sizeof bytes, MSG_DONTWAIT);
		last = measure_now();
	}
	return last;
}

static void measure_relayed(uint32_t routes, size_t n, struct result *ret) {
	int from[MONITORS_MAX], to[MONITORS_MAX], pair[2];
	pid_t writer, listener;
	uint64_t began;

	for (size_t i = 0; i < n; i++) {
		checked(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
		from[i] = pair[0];
		to[i] = pair[1];
	}
	listener = start_listener(routes, to, n);
	began = measure_now();
	writer = start_writer(routes);
	ret->told = (double)n / ((double)(read_relayed(from, n) - began) / 1e9);
	checked(waitpid(writer, NULL, 0), "waitpid");
	(void)kill(listener, SIGKILL);
	ret->listener = microseconds_of(listener) / routes;
	ret->told *= (double)shared->heard;
	ret->gaps = shared->heard < routes;
	for (size_t i = 0; i < n; i++) {
		(void)close(from[i]);
		(void)close(to[i]);
	}
}

static void measure_bare(uint32_t routes, struct result *ret) {
	uint64_t began;
	pid_t writer, listener = start_listener(routes, NULL, 0);

	began = measure_now();
	writer = start_writer(routes);
	checked(waitpid(writer, NULL, 0), "waitpid");
	ret->listener = microseconds_of(listener) / routes;
	ret->gaps = shared->heard < routes;
	ret->told = (double)shared->heard / ((double)(shared->last - began) / 1e9);
}

/* The two may be halves of one processor, or share its memory. */
static void measure_unrelated(uint32_t routes) {
	pid_t busy = checked(fork(), "fork");

	if (busy == 0)
		for (volatile uint64_t i = 0;;)
			i++;
	checked(waitpid(start_writer(routes), NULL, 0), "waitpid");
	(void)kill(busy, SIGKILL);
	checked(waitpid(busy, NULL, 0), "waitpid");
}

static void run(const char *program, uint32_t routes, const struct kind *kind, struct result *ret) {
	if (kind->relayed > 0)
		measure_relayed(routes, kind->relayed, ret);
	else if (kind->bare)
		measure_bare(routes, ret);
	else if (kind->unrelated)
		measure_unrelated(routes);
	else if (kind->monitors > 0)
		measure_monitors(program, routes, kind->monitors, ret);
	else
		checked(waitpid(start_writer(routes), NULL, 0), "waitpid");
	ret->made = routes / ((double)shared->taken.wall / 1e9);
	ret->writer = (double)shared->taken.cpu / routes;
	(void)change(routes, RTM_DELROUTE);
	(void)poll(NULL, 0, SETTLE_MSEC);
}

static double median_of(double values[ROUNDS]) {
	qsort(values, ROUNDS, sizeof *values, compare);
	return values[ROUNDS / 2];
}

static double median(const struct kind *kind, size_t member) {
	double values[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++)
		memcpy(&values[i], (const char *)&kind->results[i] + member, sizeof *values);
	return median_of(values);
}

static double writer_ratio(const struct kind *kind, const struct kind *nobody) {
	double values[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++)
		values[i] = kind->results[i].writer / nobody->results[i].writer;
	return median_of(values);
}

static void print(const struct kind *kind, const struct kind *nobody) {
	uint64_t gaps = 0;

	for (size_t i = 0; i < ROUNDS; i++)
		gaps += kind->results[i].gaps;
	printf("{\"who\": \"%s\", \"changes_per_second\": %.0f, \"writer\": %.3f", kind->who,
	       median(kind, offsetof(struct result, made)), writer_ratio(kind, nobody));
	if (kind->bare || kind->monitors > 0)
		printf(", \"told_per_second\": %.0f, \"gaps\": %llu, \"listener\": %.2f",
		       median(kind, offsetof(struct result, told)), (unsigned long long)gaps,
		       median(kind, offsetof(struct result, listener)));
	printf("}\n");
}

int main(int argc, char **argv) {
	static struct kind kinds[KINDS_MAX] = {
		{ .who = "nobody" },
		{ .who = "somebody who computes", .unrelated = true },
		{ .who = "a bare socket", .bare = true },
		{ .who = "a relay to 64", .bare = true, .relayed = MONITORS_MAX }
	};
	uint32_t routes = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	size_t n = 4;

	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (routes == 0 || shared == MAP_FAILED)
		errx(2, "usage: bench-monitor USHER-NETLINK ROUTES [MONITORS...]");
	for (int i = 3; i < argc && n < KINDS_MAX; i++) {
		kinds[n].monitors = strtoul(argv[i], NULL, 10);
		if (kinds[n].monitors == 0 || kinds[n].monitors > MONITORS_MAX)
			errx(2, "at most %d monitors", MONITORS_MAX);
		(void)snprintf(kinds[n].who, sizeof kinds[n].who, "%zu", kinds[n].monitors);
		n++;
	}
	checked(unshare(CLONE_NEWNET), "unshare");
	raise_loopback();
	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < n; i++) {
			struct kind *kind = &kinds[(round + i) % n];

			run(argv[1], routes, kind, &kind->results[round]);
		}
	for (size_t i = 0; i < n; i++)
		print(&kinds[i], &kinds[0]);
	return 0;
}
