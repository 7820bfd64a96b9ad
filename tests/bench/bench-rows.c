/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What rows and lookups take over the bus, as their caller sees it; in the network namespace that
 * it is started in. Lines of JSON.
 *
 * bench-rows lookups N ADDRESS: Ping, one link by its name, and the route to ADDRESS, in turn; and
 * asking a process over a socket for that route that does nothing but ask the kernel, by a new
 * socket each time.
 * bench-rows dull N ADDRESS: Ping, and a call like that for the route, in turn, of a service on the
 * same bus that does nothing but ask such a process; the bus must let it have its name.
 * bench-rows whole ROUNDS: all routes, received and thrown away, and by Open with every row read,
 * in turn.
 * bench-rows first ROUNDS: of a stream of all routes, until the first row is read; and Ping, in
 * turn, and each after a while in which nothing happens.
 * bench-rows flow SECONDS: streams of all routes that are read to their end.
 */

#include <arpa/inet.h>
#include <err.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include <usher.h>

#include "measure.h"

static const char *const fields[] = { "dst", "oif", "gateway", NULL };

static void check(int r, const char *what) {
	if (r < 0)
		errx(1, "%s: %s", what, strerror(-r));
}

/* ---- one at a time ---- */

/* Who is asked. */
static const char *service = "org.usher1";

static void call(sd_bus *bus, const char *interface, const char *member, const char *types, ...) {
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *message, *reply;
	va_list arguments;

	check(sd_bus_message_new_method_call(bus, &message, service, "/org/usher1", interface,
					     member),
	      "message");
	va_start(arguments, types);
	check(sd_bus_message_appendv(message, types, arguments), "arguments");
	va_end(arguments);
	if (sd_bus_call(bus, message, 0, &error, &reply) < 0)
		errx(1, "%s: %s", member, error.message);
	sd_bus_message_unref(message);
	sd_bus_message_unref(reply);
}

static void look_up(sd_bus *bus, const char *type, const char *field, const char *key,
		    const char *value) {
	call(bus, "org.usher1.Netlink", "Query", "sasa{sv}", type, 1, field, 1, key, "s", value);
}

/* The floor: what lies between Ping and a lookup wherever the kernel is asked by another process
 * than that which speaks to the bus. */
static _Noreturn void relay(int fd, struct in_addr address) {
	struct {
		struct nlmsghdr head;
		struct rtmsg route;
		struct rtattr attribute;
		struct in_addr address;
	} request = { { sizeof request, RTM_GETROUTE, NLM_F_REQUEST, 1, 0 },
		      { .rtm_family = AF_INET, .rtm_dst_len = 32 },
		      { RTA_LENGTH(4), RTA_DST },
		      address };

	char answer[4096];

	while (recv(fd, answer, sizeof answer, 0) > 0) {
		int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
		ssize_t n;

		if (send(kernel, &request, sizeof request, 0) < 0)
			_exit(1);
		n = recv(kernel, answer, sizeof answer, 0);
		if (n <= 0 || send(fd, answer, (size_t)n, 0) < 0)
			_exit(1);
		(void)close(kernel);
	}
	_exit(0);
}

static int start_relay(const char *text) {
	struct in_addr address = { 0 };
	int pair[2];

	if (inet_pton(AF_INET, text, &address) != 1)
		errx(2, "%s is no address", text);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		err(1, "socketpair");
	if (fork() == 0) {
		(void)close(pair[0]);
		relay(pair[1], address);
	}
	(void)close(pair[1]);
	return pair[0];
}

static void ask_relay(int fd) {
	char answer[4096];

	if (send(fd, "?", 1, 0) < 0 || recv(fd, answer, sizeof answer, 0) <= 0)
		err(1, "relay");
}

/* What a lookup takes, and what Ping takes just before it. */
static void ping_and_look_up(sd_bus *bus, struct measure *ping, struct measure *route,
			     const char *address) {
	measure_begin(ping);
	call(bus, "org.freedesktop.DBus.Peer", "Ping", "");
	measure_end(ping);
	measure_begin(route);
	look_up(bus, "route-get", "oif", "dst", address);
	measure_end(route);
}

static void lookups(size_t n, char *argv[]) {
	struct measure ping = measure_new("ping", n), route = measure_new("route-get", n),
		       link = measure_new("link", n), asked = measure_new("relay", n);
	int fd = start_relay(argv[0]);
	sd_bus *bus;

	check(sd_bus_open_system(&bus), "the system bus");
	for (size_t i = 0; i < n; i++) {
		ping_and_look_up(bus, &ping, &route, argv[0]);
		measure_begin(&link);
		look_up(bus, "link", "ifindex", "ifname", "lo");
		measure_end(&link);
		measure_begin(&asked);
		ask_relay(fd);
		measure_end(&asked);
	}
	measure_print(&ping);
	measure_print(&route);
	measure_print(&link);
	measure_print(&asked);
	sd_bus_flush_close_unref(bus);
}

/* ---- a service that does nothing else ---- */

/* Takes and gives what usherd does, whose words and rows these are not. */
static int answer(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	const char *type, *field, *key, *value;
	sd_bus_message *reply;
	int r;

	check(sd_bus_message_read(message, "sasa{sv}", &type, 1, &field, 1, &key, "s", &value),
	      "arguments");
	ask_relay(*(int *)userdata);
	check(sd_bus_message_new_method_return(message, &reply), "reply");
	check(sd_bus_message_append(reply, "aa{sv}a{sv}", 1, 1, field, "u", 1, 4, "rows", "t",
				    UINT64_C(1), "bytes", "t", UINT64_C(168), "complete", "b", 1,
				    "kernel_filters", "as", 1, key),
	      "reply");
	r = sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	return r < 0 ? r : 1;
}

static const sd_bus_vtable methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Query", "sasa{sv}", "aa{sv}a{sv}", answer, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static _Noreturn void be_dull(int begun, int fd) {
	sd_event *event;
	sd_bus *bus;

	check(sd_event_default(&event), "event");
	check(sd_bus_open_system(&bus), "the system bus");
	check(sd_bus_add_object_vtable(bus, NULL, "/org/usher1", "org.usher1.Netlink", methods,
				       &fd),
	      "object");
	check(sd_bus_request_name(bus, service, 0), "name");
	check(sd_bus_attach_event(bus, event, 0), "event");
	(void)close(begun);
	(void)sd_event_loop(event);
	_exit(0);
}

static void dull(size_t n, char *argv[]) {
	struct measure ping = measure_new("dull-ping", n), route = measure_new("dull", n);
	int fd = start_relay(argv[0]), begun[2];
	sd_bus *bus;
	pid_t pid;
	char end;

	service = "org.usher1.Dull";
	if (pipe(begun) < 0 || (pid = fork()) < 0)
		err(1, "fork");
	if (pid == 0) {
		(void)close(begun[0]);
		be_dull(begun[1], fd);
	}
	(void)close(begun[1]);
	(void)!read(begun[0], &end, 1);
	check(sd_bus_open_system(&bus), "the system bus");
	for (size_t i = 0; i < n; i++)
		ping_and_look_up(bus, &ping, &route, argv[0]);
	measure_print(&ping);
	measure_print(&route);
	sd_bus_flush_close_unref(bus);
	(void)kill(pid, SIGKILL);
}

/* ---- all of them ---- */

static void receive(void) {
	static char buffer[32768] __attribute__((aligned(4)));

	struct {
		struct nlmsghdr head;
		struct rtmsg route;
	} request = { { sizeof request, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { 0 } };

	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || send(fd, &request, sizeof request, 0) < 0)
		err(1, "netlink");
	for (bool over = false; !over;) {
		ssize_t left = recv(fd, buffer, sizeof buffer, 0);

		if (left <= 0)
			err(1, "recv");
		for (const struct nlmsghdr *at = (void *)buffer; NLMSG_OK(at, left);
		     at = NLMSG_NEXT(at, left))
			over = at->nlmsg_type == NLMSG_DONE;
	}
	(void)close(fd);
}

static struct usher_rows *open_rows(struct usher *usher, bool stream) {
	struct usher_netlink_options options = USHER_NETLINK_OPTIONS_INIT;
	struct usher_rows *rows;

	options.stream = stream;
	check(usher_netlink_open(usher, "route", fields, &options, NULL, &rows, NULL), "Open");
	return rows;
}

/* Every field of every row; the sum keeps the compiler from leaving it out. */
static uint64_t read_rows(struct usher_rows *rows, uint64_t *ret_n) {
	struct usher_value value;
	struct usher_row row;
	uint64_t sum = 0;
	int r;

	for (*ret_n = 0; (r = usher_rows_next(rows, &row)) > 0; ++*ret_n)
		for (unsigned i = 0; i < 3; i++)
			if (usher_row_get(&row, i, &value) > 0)
				sum += i == 1 ? value.number : value.address.bytes[3];
	check(r, "row");
	usher_rows_close(rows);
	return sum;
}

static void whole(struct usher *usher, size_t n) {
	struct measure floor = measure_new("received", n), rows = measure_new("rows", n);
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++) {
		measure_begin(&floor);
		receive();
		measure_end(&floor);
		measure_begin(&rows);
		(void)read_rows(open_rows(usher, false), &count);
		measure_end(&rows);
	}
	measure_print(&floor);
	measure_print(&rows);
}

static void first(struct usher *usher, size_t n) {
	struct measure measure = measure_new("first", n), ping = measure_new("ping", n);
	struct usher_row row;
	sd_bus *bus;

	check(sd_bus_open_system(&bus), "the system bus");
	for (size_t i = 0; i < n; i++) {
		struct usher_rows *rows;

		measure_begin(&measure);
		rows = open_rows(usher, true);
		check(usher_rows_next(rows, &row), "row");
		measure_end(&measure);
		usher_rows_close(rows);
		(void)usleep(20000); /* the other end sees that nobody reads it */
		measure_begin(&ping);
		call(bus, "org.freedesktop.DBus.Peer", "Ping", "");
		measure_end(&ping);
		(void)usleep(20000);
	}
	measure_print(&measure);
	measure_print(&ping);
	sd_bus_flush_close_unref(bus);
}

static void flow(struct usher *usher, size_t seconds) {
	uint64_t until = measure_now() + seconds * 1000000000, n = 0, count;

	printf("{\"name\": \"begun\"}\n");
	(void)fflush(stdout);
	while (measure_now() < until) {
		(void)read_rows(open_rows(usher, true), &count);
		n += count;
	}
	printf("{\"name\": \"flow\", \"rows\": %llu}\n", (unsigned long long)n);
}

int main(int argc, char *argv[]) {
	struct usher *usher;
	size_t n;

	if (argc < 3)
		errx(2, "usage: bench-rows lookups|dull|whole|first|flow N [ADDRESS]");
	n = strtoul(argv[2], NULL, 10);
	if (strcmp(argv[1], "lookups") == 0) {
		lookups(n, argv + 3);
		return 0;
	}
	if (strcmp(argv[1], "dull") == 0) {
		dull(n, argv + 3);
		return 0;
	}
	check(usher_open(&usher, 0), "usher");
	if (strcmp(argv[1], "whole") == 0)
		whole(usher, n);
	else if (strcmp(argv[1], "first") == 0)
		first(usher, n);
	else
		flow(usher, n);
	usher_close(usher);
	return 0;
}
