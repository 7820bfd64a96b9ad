/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it costs to be told of changes, and to be listened to: routes are added as fast as the
 * kernel takes them, in a network namespace of their own, while nobody listens, and while so many
 * monitor them through usher-netlink. A line of JSON for each: how many changes a second were made
 * and told, how many gaps there were; and what a change took of the processor, as a ratio to when
 * nobody listens of who made it, and in microseconds of who listens.
 *
 *     bench-monitor USHER-NETLINK ROUTES [MONITORS...]
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
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

enum { MONITORS_MAX = 64, BATCH = 256, QUIET_MSEC = 2000, FIELD_TABLE = 99 };

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

/* The writer is another process, as it is in life; how long it took comes through memory. */
static void measure(const char *program, uint32_t routes, size_t n, struct taken *shared,
		    struct taken alone) {
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
	writer = checked(fork(), "fork");
	if (writer == 0) {
		*shared = change(routes, RTM_NEWROUTE);
		_exit(0);
	}
	read_all(streams, n, &tally, (uint64_t)routes * n, 0);
	checked(waitpid(writer, NULL, 0), "waitpid");
	for (size_t i = 0; i < n; i++)
		(void)close(streams[i]);
	(void)close(connection);
	printf("{\"monitors\": %zu, \"changes\": %u, \"told\": %llu, \"gaps\": %llu, "
	       "\"changes_per_second\": %.0f, \"told_per_second\": %.0f, \"writer\": %.3f, "
	       "\"listener\": %.2f}\n",
	       n, routes, (unsigned long long)tally.rows, (unsigned long long)tally.gaps,
	       routes / ((double)shared->wall / 1e9),
	       (double)tally.rows / ((double)(tally.last - began) / 1e9),
	       (double)shared->cpu / (double)alone.cpu, microseconds_of(listener) / routes);
	(void)change(routes, RTM_DELROUTE);
}

int main(int argc, char **argv) {
	struct taken *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t routes = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	struct taken alone = { UINT64_MAX, UINT64_MAX };

	if (routes == 0 || shared == MAP_FAILED)
		errx(2, "usage: bench-monitor USHER-NETLINK ROUTES [MONITORS...]");
	checked(unshare(CLONE_NEWNET), "unshare");
	raise_loopback();
	for (int round = 0; round < 3; round++) {
		struct taken took = change(routes, RTM_NEWROUTE);

		(void)change(routes, RTM_DELROUTE);
		alone = took.cpu < alone.cpu ? took : alone;
	}
	printf("{\"monitors\": 0, \"changes\": %u, \"changes_per_second\": %.0f}\n", routes,
	       routes / ((double)alone.wall / 1e9));
	for (int i = 3; i < argc; i++) {
		size_t n = strtoul(argv[i], NULL, 10);

		if (n > 0 && n <= MONITORS_MAX)
			measure(argv[1], routes, n, shared, alone);
	}
	return 0;
}
