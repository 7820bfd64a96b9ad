/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long calls take, as their caller sees it: from sending to having the answer, on a connection
 * to the system bus that is open already.
 *
 *     bench-calls bus|ping|hostname|set-hostname|hostnamed|hostnamed-set|describe|list N
 *     bench-calls connected                  says how the bus calls it, until its input ends
 *     bench-calls polkit N ACTION NAME PATH  what polkit alone takes to answer: whether that
 *         connection may, with the details that usherd tells of OpenTree
 *     bench-calls tmpfs|image N TARGET [IMAGE]
 *     bench-calls bind N TARGET SOURCE
 *     bench-calls tree N SOURCE
 *     bench-calls spawn N TYPES PROGRAM      until the answer, and until the program's end; TYPES
 * may be none bench-calls create N                   namespaces, which stay until a signal comes
 *     bench-calls hold N DIRECTORY           mounts in DIRECTORY/0 and so on, which stay
 *     bench-calls pending N TARGET           N calls of Mount that are not waited for; until a
 * signal comes
 */

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "measure.h"

#define SERVICE "org.usher1"
#define MANAGER "/org/usher1"
#define MOUNTS  "org.usher1.Mounts"

static sd_bus *bus;

static void check(int r, const sd_bus_error *error, const char *what) {
	if (r < 0)
		errx(1, "%s: %s", what, error && error->message ? error->message : strerror(-r));
}

static sd_bus_message *call(const char *service, const char *path, const char *interface,
			    const char *member, const char *types, ...) {
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *message, *reply;
	va_list arguments;
	int r;

	check(sd_bus_message_new_method_call(bus, &message, service, path, interface, member), NULL,
	      "message");
	va_start(arguments, types);
	check(sd_bus_message_appendv(message, types, arguments), NULL, "arguments");
	va_end(arguments);
	r = sd_bus_call(bus, message, 60000000, &error, &reply);
	check(r, &error, member);
	sd_bus_error_free(&error);
	sd_bus_message_unref(message);
	return reply;
}

#define CALL(...) sd_bus_message_unref(call(__VA_ARGS__))

static void ask_bus(size_t n, char *argv[]) {
	struct measure measure = measure_new("bus", n);

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		measure_begin(&measure);
		CALL("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
		     "GetId", "");
		measure_end(&measure);
	}
	measure_print(&measure);
}

static void ping(size_t n, char *argv[]) {
	struct measure measure = measure_new("ping", n);

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		measure_begin(&measure);
		CALL(SERVICE, MANAGER, "org.freedesktop.DBus.Peer", "Ping", "");
		measure_end(&measure);
	}
	measure_print(&measure);
}

static void get_hostname(size_t n, char *argv[]) {
	struct measure measure = measure_new("hostname", n);

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		measure_begin(&measure);
		CALL(SERVICE, MANAGER, "org.usher1.Host", "GetHostname", "a{sv}", 0);
		measure_end(&measure);
	}
	measure_print(&measure);
}

static const char *const names[] = { "bench-a", "bench-b" };

static void set_hostname(size_t n, char *argv[]) {
	struct measure measure = measure_new("set-hostname", n);

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		measure_begin(&measure);
		CALL(SERVICE, MANAGER, "org.usher1.Host", "SetHostname", "sa{sv}", names[i % 2], 0);
		measure_end(&measure);
	}
	measure_print(&measure);
}

static void set_by_hostnamed(size_t n, char *argv[]) {
	struct measure measure = measure_new("hostnamed-set", n);

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		measure_begin(&measure);
		CALL("org.freedesktop.hostname1", "/org/freedesktop/hostname1",
		     "org.freedesktop.hostname1", "SetHostname", "sb", names[i % 2], 0);
		measure_end(&measure);
	}
	measure_print(&measure);
}

static void ask_hostnamed(size_t n, char *argv[]) {
	struct measure measure = measure_new("hostnamed", n);

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		measure_begin(&measure);
		CALL("org.freedesktop.hostname1", "/org/freedesktop/hostname1",
		     "org.freedesktop.DBus.Properties", "Get", "ss", "org.freedesktop.hostname1",
		     "Hostname");
		measure_end(&measure);
	}
	measure_print(&measure);
}

static void describe_hostnamed(size_t n, char *argv[]) {
	struct measure measure = measure_new("describe", n);

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		measure_begin(&measure);
		CALL("org.freedesktop.hostname1", "/org/freedesktop/hostname1",
		     "org.freedesktop.hostname1", "Describe", "");
		measure_end(&measure);
	}
	measure_print(&measure);
}

/* Somebody for others to ask about. */
static void be_connected(size_t n, char *argv[]) {
	const char *name;
	char byte;

	(void)n;
	(void)argv;
	check(sd_bus_get_unique_name(bus, &name), NULL, "name");
	printf("%s\n", name);
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

static void ask_polkit(size_t n, char *argv[]) {
	struct measure measure = measure_new("polkit", n);

	for (size_t i = 0; i < n; i++) {
		char id[40];

		(void)snprintf(id, sizeof id, "%032zx", i);
		measure_begin(&measure);
		CALL("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
		     "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization",
		     "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s", argv[1], argv[0], 3,
		     "in", "host", "path", argv[2], "options", "nosuid,nodev", 0, id);
		measure_end(&measure);
	}
	measure_print(&measure);
}

static void list(size_t n, char *argv[]) {
	struct measure measure = measure_new("list", n);

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		measure_begin(&measure);
		CALL(SERVICE, MANAGER, MOUNTS, "List", "a{sv}", 0);
		measure_end(&measure);
	}
	measure_print(&measure);
}

static void unmount(struct measure *measure, const char *target) {
	measure_begin(measure);
	CALL(SERVICE, MANAGER, MOUNTS, "Unmount", "sa{sv}", target, 0);
	measure_end(measure);
}

static void tmpfs(size_t n, char *argv[]) {
	struct measure mount = measure_new("tmpfs", n), gone = measure_new("umount-tmpfs", n);

	for (size_t i = 0; i < n; i++) {
		measure_begin(&mount);
		CALL(SERVICE, MANAGER, MOUNTS, "Mount", "sssasa{sv}", "", argv[0], "tmpfs", 1,
		     "size=1m", 0);
		measure_end(&mount);
		unmount(&gone, argv[0]);
	}
	measure_print(&mount);
	measure_print(&gone);
}

static void bind_mount(size_t n, char *argv[]) {
	struct measure mount = measure_new("bind", n), gone = measure_new("umount-bind", n);

	for (size_t i = 0; i < n; i++) {
		measure_begin(&mount);
		CALL(SERVICE, MANAGER, MOUNTS, "Bind", "ssasa{sv}", argv[1], argv[0], 0, 0);
		measure_end(&mount);
		unmount(&gone, argv[0]);
	}
	measure_print(&mount);
	measure_print(&gone);
}

/* Whoever closes a tree last takes it apart, and waits for all processors. That is the caller, who
 * had a use for it; so it is here, after the service and the bus have closed what they passed on.
 */
static void tree(size_t n, char *argv[]) {
	struct measure measure = measure_new("tree", n);

	for (size_t i = 0; i < n; i++) {
		sd_bus_message *reply;

		measure_begin(&measure);
		reply = call(SERVICE, MANAGER, MOUNTS, "OpenTree", "sasa{sv}", argv[0], 0, 0);
		measure_end(&measure);
		if (!measure_is_one_of_many())
			CALL(SERVICE, MANAGER, "org.freedesktop.DBus.Peer", "Ping", "");
		sd_bus_message_unref(reply);
	}
	measure_print(&measure);
}

static void mount_image(size_t n, char *argv[]) {
	struct measure mount = measure_new("image", n), gone = measure_new("umount-image", n);

	for (size_t i = 0; i < n; i++) {
		int image;

		measure_begin(&mount);
		image = open(argv[1], O_RDONLY | O_CLOEXEC);
		if (image < 0)
			err(1, "%s", argv[1]);
		CALL(SERVICE, MANAGER, MOUNTS, "MountImage", "hssasa{sv}", image, argv[0],
		     "squashfs", 0, 0);
		(void)close(image);
		measure_end(&mount);
		unmount(&gone, argv[0]);
	}
	measure_print(&mount);
	measure_print(&gone);
}

static void be_pending(size_t n, char *argv[]) {
	for (size_t i = 0; i < n; i++)
		check(sd_bus_call_method_async(bus, NULL, SERVICE, MANAGER, MOUNTS, "Mount", NULL,
					       NULL, "sssasa{sv}", "", argv[0], "tmpfs", 0, 0),
		      NULL, "send");
	check(sd_bus_flush(bus), NULL, "flush");
	printf("sent\n");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}

static void hold(size_t n, char *argv[]) {
	char target[256];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(target, sizeof target, "%s/%zu", argv[0], i);
		CALL(SERVICE, MANAGER, MOUNTS, "Mount", "sssasa{sv}", "", target, "tmpfs", 1,
		     "size=1m", 0);
	}
}

static sd_bus_message *begin_spawn(const char *types, const char *program) {
	sd_bus_message *message;

	check(sd_bus_message_new_method_call(bus, &message, SERVICE, MANAGER,
					     "org.usher1.Processes", "Spawn"),
	      NULL, "message");
	check(sd_bus_message_append(message, "as", 1, program), NULL, "argv");
	check(sd_bus_message_append(message, "a{ss}a{uh}", 0, 0), NULL, "environment");
	check(sd_bus_message_open_container(message, 'a', "{sv}"), NULL, "options");
	if (*types)
		check(sd_bus_message_append(message, "{sv}{sv}", "types", "as", 1, types,
					    "map_zero", "b", 1),
		      NULL, "types");
	check(sd_bus_message_close_container(message), NULL, "options");
	return message;
}

static void spawn(size_t n, char *argv[]) {
	struct measure answer = measure_new("spawn-answer", n), whole = measure_new("spawn", n);
	const char *types = strcmp(argv[0], "none") == 0 ? "" : argv[0];

	for (size_t i = 0; i < n; i++) {
		sd_bus_error error = SD_BUS_ERROR_NULL;
		sd_bus_message *message, *reply;
		struct pollfd ended = { .events = POLLIN };
		const char *object;

		measure_begin(&answer);
		measure_begin(&whole);
		message = begin_spawn(types, argv[1]);
		check(sd_bus_call(bus, message, 60000000, &error, &reply), &error, "Spawn");
		measure_end(&answer);
		check(sd_bus_message_read(reply, "oh", &object, &ended.fd), NULL, "reply");
		if (poll(&ended, 1, 10000) != 1)
			errx(1, "%s does not end", argv[1]);
		measure_end(&whole);
		sd_bus_message_unref(message);
		sd_bus_message_unref(reply);
	}
	measure_print(&answer);
	measure_print(&whole);
}

static void create(size_t n, char *argv[]) {
	char name[32];

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(name, sizeof name, "bench-%zu", i);
		CALL(SERVICE, MANAGER, "org.usher1.Namespaces", "Create", "sasa{sv}", name, 1,
		     "all", 1, "lifetime", "s", "connection");
	}
	printf("made\n");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}

static const struct {
	const char *name;
	void (*measure)(size_t n, char *argv[]);
	int arguments;
} kinds[] = {
	{ "bus", ask_bus, 0 },
	{ "ping", ping, 0 },
	{ "hostname", get_hostname, 0 },
	{ "tmpfs", tmpfs, 1 },
	{ "bind", bind_mount, 2 },
	{ "tree", tree, 1 },
	{ "image", mount_image, 2 },
	{ "list", list, 0 },
	{ "hostnamed", ask_hostnamed, 0 },
	{ "connected", be_connected, 0 },
	{ "polkit", ask_polkit, 3 },
	{ "set-hostname", set_hostname, 0 },
	{ "hostnamed-set", set_by_hostnamed, 0 },
	{ "describe", describe_hostnamed, 0 },
	{ "pending", be_pending, 1 },
	{ "hold", hold, 1 },
	{ "spawn", spawn, 2 },
	{ "create", create, 0 },
};

int main(int argc, char *argv[]) {
	check(sd_bus_open_system(&bus), NULL, "the system bus");
	measure_wait();
	for (size_t i = 0; argc > 2 && i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, argv[1]) == 0 && argc - 3 >= kinds[i].arguments) {
			kinds[i].measure(strtoul(argv[2], NULL, 10), argv + 3);
			sd_bus_flush_close_unref(bus);
			return 0;
		}
	errx(2, "usage: bench-calls KIND N [ARGUMENT...]");
}
