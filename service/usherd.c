/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usherd: the broker. On the system bus, started by it, without a capability; or, with --session,
 * on the session bus or any other, with a worker of its own and no more rights than its user.
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "call.h"
#include "config.h"
#include "door-bus.h"
#include "fd.h"
#include "instant.h"
#include "leavers.h"
#include "manager-bus.h"
#include "notice.h"
#include "watch-file.h"

static const uint64_t idle_usec = 30 * UINT64_C(1000000), look_usec = 3 * UINT64_C(1000000),
		      soon_usec = 50 * UINT64_C(1000), leave_usec = 2 * UINT64_C(1000000);

enum { MESSAGES_AT_ONCE = 32 };

struct service {
	struct desk desk;
	struct door_bus *door;
	bool leaving;
	struct utsname names;
	sd_bus_slot *leavers;
	uint64_t idle_since_usec;
	sd_event_source *idle, *look, *look_soon, *host_name, *domain_name, *mount_table, *sigterm,
		*sigint, *sighup;
};

static void set_idle_clock(struct service *service, uint64_t usec) {
	(void)sd_event_source_set_time_relative(service->idle, usec);
	(void)sd_event_source_set_enabled(service->idle, SD_EVENT_ONESHOT);
}

/* One that runs is let run, which spares each call a system call: at its end it looks. */
static void start_idle_clock(struct service *service) {
	service->idle_since_usec = instant_usec();
	if (!service->leaving && sd_event_source_get_enabled(service->idle, NULL) <= 0)
		set_idle_clock(service, idle_usec);
}

/* Namespaces go without a word, so while a mount is in one somebody looks now and then. */
static void start_look_clock(struct service *service) {
	int enabled;

	if (!mounts_have_foreign(&service->desk.mounts) ||
	    sd_event_source_get_enabled(service->look, &enabled) > 0)
		return;
	(void)sd_event_source_set_time_relative(service->look, look_usec);
	(void)sd_event_source_set_enabled(service->look, SD_EVENT_ONESHOT);
}

/* From here on new calls start a new service. Those that the bus had handed to us already are in
 * our queue by the time that the name is gone, and are answered still. */
static int leave(struct service *service) {
	if (service->leaving)
		return 0;
	service->leaving = true;
	(void)notice_send("STOPPING=1", NULL, 0);
	(void)sd_bus_release_name(service->desk.bus, "org.usher1");
	while (sd_bus_process(service->desk.bus, NULL) > 0)
		;
	call_wind_up(&service->desk);
	if (!service->desk.first)
		return sd_event_exit(service->desk.event, 0);
	/* what has been granted is waited for, but not for ever */
	set_idle_clock(service, leave_usec);
	return 0;
}

static bool has_objects(const struct desk *desk) {
	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		if (desk->objects[kind].first)
			return true;
	return false;
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata) {
	struct service *service = userdata;
	uint64_t idle_for = instant_usec() - service->idle_since_usec;

	if (service->leaving) {
		call_drop_all(&service->desk); /* while there is a bus to answer on */
		return sd_event_exit(service->desk.event, 0);
	}
	if (service->desk.first || has_objects(&service->desk) ||
	    callers_listen(service->desk.callers)) {
		(void)malloc_trim(0); /* of what a crowd took */
		return 0;             /* whatever ends last starts the clock again */
	}
	if (idle_for >= idle_usec)
		return leave(service);
	set_idle_clock(service, idle_usec - idle_for);
	return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
	return leave(userdata);
}

static void configure(struct desk *desk) {
	if (!desk->session) /* on a bus of one's own there is nobody to be limited */
		configuration_read(&desk->configuration, "");
	if (!desk->session &&
	    id_pool_open(&desk->ids, &desk->configuration.ids, "/var/lib/usher/ids") < 0)
		sd_journal_print(LOG_WARNING, "no memory for the pool of ids");
}

/* systemctl reload. What is there already stays, also where it is more than is allowed now. */
static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
	struct service *service = userdata;
	struct limits before = service->desk.configuration.limits;

	configure(&service->desk);
	manager_bus_limits_changed(&service->desk, &before);
	return 0;
}

static void on_last_call(struct desk *desk) {
	struct service *service = (struct service *)desk;

	if (service->leaving)
		(void)sd_event_exit(desk->event, 0);
	else {
		start_idle_clock(service);
		start_look_clock(service);
	}
}

static void on_caller_gone(struct caller *caller, void *userdata) {
	struct service *service = userdata;

	call_drop_caller(&service->desk, caller);
	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		objects_drop_caller(&service->desk.objects[kind], caller);
	start_idle_clock(service);
}

/* The kernel says that a name changed in whatever UTS namespace it did. */
static void on_names(void *userdata) {
	struct service *service = userdata;
	struct utsname names = service->names;

	if (uname(&service->names) < 0)
		return;
	if (strcmp(names.nodename, service->names.nodename) != 0)
		manager_bus_host_changed(&service->desk, "Hostname");
	if (strcmp(names.domainname, service->names.domainname) != 0)
		manager_bus_host_changed(&service->desk, "Domainname");
}

/* Most of it is our own doing, and known by the time that somebody looks; each look takes as long
 * as a call. Where the id of a mount that goes is the next one's, nobody may take the one for the
 * other meanwhile. */
static void on_mount_table(void *userdata) {
	struct service *service = userdata;
	int enabled;

	if (mounts_have_passing_ids(&service->desk.mounts)) {
		mounts_reconcile(&service->desk.mounts);
		return;
	}
	if (sd_event_source_get_enabled(service->look_soon, &enabled) > 0)
		return;
	(void)sd_event_source_set_time_relative(service->look_soon, soon_usec);
	(void)sd_event_source_set_enabled(service->look_soon, SD_EVENT_ONESHOT);
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata) {
	mounts_reconcile(&((struct service *)userdata)->desk.mounts);
	return 0; /* the look is a call, and its end starts the clock again */
}

static int watch(struct service *service) {
	sd_event *event = service->desk.event;
	int r = uname(&service->names) < 0 ? -errno : 0;

	if (r >= 0)
		r = watch_file(event, &service->host_name, "/proc/sys/kernel/hostname", on_names,
			       service);

	if (r >= 0)
		r = watch_file(event, &service->domain_name, "/proc/sys/kernel/domainname",
			       on_names, service);
	/* Ours is a copy of the host's, but what changes there changes here: a reason to look. */
	if (r >= 0)
		r = watch_file(event, &service->mount_table, "/proc/self/mountinfo", on_mount_table,
			       service);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &service->look, CLOCK_MONOTONIC, look_usec,
					       1000000, on_look, service);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &service->look_soon, CLOCK_MONOTONIC,
					       soon_usec, soon_usec / 10, on_look, service);
	return r;
}

/* What is called after a reload goes by what it said: that comes first. */
static bool reload_waits(void) {
	sigset_t waiting;

	return sigpending(&waiting) == 0 && sigismember(&waiting, SIGHUP) > 0;
}

/* sd-bus hands over one message for each turn of the loop. Whoever floods the service would fill
 * the bus's queue to it with what it has to be refused anyway, and all others' calls wait in that.
 */
static int serve(struct desk *desk) {
	int code = 0, r = 0;

	while (r >= 0 && sd_event_get_state(desk->event) != SD_EVENT_FINISHED) {
		r = sd_event_run(desk->event, UINT64_MAX);
		for (int i = 0; i < MESSAGES_AT_ONCE; i++)
			if (reload_waits() || sd_bus_process(desk->bus, NULL) <= 0)
				break;
	}
	(void)sd_event_get_exit_code(desk->event, &code);
	return r < 0 ? r : code;
}

static int open_bus(struct desk *desk) {
	int r = desk->session ? sd_bus_open_user_with_description(&desk->bus, "usher")
			      : sd_bus_open_system_with_description(&desk->bus, "usher");

	/* --session on a bus that an address names, as a test's or a container's */
	if (r >= 0)
		r = sd_bus_attach_event(desk->bus, desk->event, 0);
	if (r >= 0)
		r = sd_bus_set_exit_on_disconnect(desk->bus, 1);
	if (r >= 0)
		r = callers_new(&desk->callers, desk->bus);
	return r;
}

static int start_worker(struct desk *desk, const char *libexec) {
	if (!desk->session) {
		launcher_use_system(&desk->launcher);
		return 0;
	}
	return launcher_start(&desk->launcher, libexec);
}

static size_t count(const struct object *object) {
	size_t n = 0;

	for (; object; object = object->next)
		n++;
	return n;
}

static void say_hello(const struct desk *desk) {
	sd_journal_print(LOG_INFO,
			 "usherd " USHER_VERSION
			 ", with %zu mounts, %zu namespaces, %zu processes, "
			 "%zu traps, %zu timers, %zu watches and %zu monitors of earlier",
			 count(desk->objects[KIND_MOUNT].first),
			 count(desk->objects[KIND_NAMESPACE].first),
			 count(desk->objects[KIND_PROCESS].first),
			 count(desk->objects[KIND_TRAP].first),
			 count(desk->objects[KIND_TIMER].first),
			 count(desk->objects[KIND_WATCH].first),
			 count(desk->objects[KIND_MONITOR].first));
}

static int load(struct desk *desk) {
	int r = attendants_load(&desk->watchers);

	if (r >= 0)
		r = attendants_load(&desk->listeners);
	for (enum kind kind = 0; r >= 0 && kind < _KIND_MAX; kind++)
		r = objects_load(&desk->objects[kind]);
	attendants_tidy(&desk->watchers);
	attendants_tidy(&desk->listeners);
	return r;
}

static int start(struct service *service, const char *libexec) {
	struct desk *desk = &service->desk;
	int r = sd_event_default(&desk->event);

	netlink_reader_init(&desk->reader, desk);
	configure(desk);
	if (r >= 0)
		r = handouts_begin(&desk->handouts, desk->event);
	if (r >= 0)
		r = start_worker(desk, libexec);
	if (r >= 0)
		r = open_bus(desk);
	if (r >= 0)
		r = door_bus_new(&service->door, desk);
	if (r >= 0)
		r = load(desk);
	if (r >= 0)
		r = leavers_begin(desk, &service->leavers);
	if (r >= 0)
		r = watch(service);
	if (r >= 0)
		r = sd_event_add_time_relative(desk->event, &service->idle, CLOCK_MONOTONIC,
					       idle_usec, 0, on_idle, service);
	if (r >= 0)
		r = sd_event_add_signal(desk->event, &service->sigterm, SIGTERM, on_signal,
					service);
	if (r >= 0)
		r = sd_event_add_signal(desk->event, &service->sigint, SIGINT, on_signal, service);
	if (r >= 0)
		r = sd_event_add_signal(desk->event, &service->sighup, SIGHUP, on_reload, service);
	if (r >= 0) /* before any call */
		r = sd_event_source_set_priority(service->sighup, SD_EVENT_PRIORITY_IMPORTANT);
	if (r >= 0)
		r = sd_bus_request_name(desk->bus, "org.usher1", 0);
	if (r >= 0)
		r = sd_event_source_set_enabled(service->look, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_enabled(service->look_soon, SD_EVENT_OFF);
	if (r >= 0)
		say_hello(desk);
	if (r >= 0)
		mounts_reconcile(&desk->mounts); /* some may have gone while nobody was here */
	return r;
}

static void stop(struct service *service) {
	struct desk *desk = &service->desk;

	call_drop_all(desk);
	audit_done(&desk->audit);
	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		objects_save(&desk->objects[kind]);
	door_bus_free(service->door);
	sd_bus_slot_unref(service->leavers);
	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		objects_done(&desk->objects[kind]);
	attendants_done(&desk->watchers);
	attendants_done(&desk->listeners);
	netlink_reader_done(&desk->reader);
	handouts_done(&desk->handouts);
	callers_free(desk->callers);
	id_pool_done(&desk->ids);
	sd_event_source_unref(service->idle);
	sd_event_source_unref(service->look);
	sd_event_source_unref(service->look_soon);
	sd_event_source_unref(service->sigterm);
	sd_event_source_unref(service->sigint);
	sd_event_source_unref(service->sighup);
	watch_file_stop(service->host_name);
	watch_file_stop(service->domain_name);
	watch_file_stop(service->mount_table);
	sd_bus_flush_close_unref(desk->bus);
	launcher_done(&desk->launcher);
	sd_event_unref(desk->event);
}

static _Noreturn void usage(int status) {
	(void)fprintf(status ? stderr : stdout,
		      "usage: usherd [--session] [--libexec DIRECTORY]\n"
		      "  --session            on the session bus, without root and without polkit\n"
		      "  --libexec DIRECTORY  where usher-worker is, with --session\n"
		      "  --version\n");
	exit(status);
}

static const char *parse_arguments(int argc, char *argv[], struct desk *desk) {
	static const struct option options[] = {
		{ "session", no_argument, NULL, 's' },
		{ "libexec", required_argument, NULL, 'l' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *libexec = LIBEXECDIR;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
		switch (option) {
		case 's': desk->session = true; break;
		case 'l': libexec = optarg; break;
		case 'v': (void)puts("usherd " USHER_VERSION); exit(0);
		case 'h': usage(0);
		default: usage(2);
		}
	if (optind < argc)
		usage(2);
	return libexec;
}

int main(int argc, char *argv[]) {
	struct service service = { .desk.launcher.pair = -1 };
	const char *libexec = parse_arguments(argc, argv, &service.desk);
	sigset_t signals;
	int r;

	if (fd_open_standard() < 0)
		return 1;
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	service.desk.idle = on_last_call;
	service.desk.mounts.desk = &service.desk;
	service.desk.watchers = (struct attendants){ .kind = &watcher_kind, .desk = &service.desk };
	service.desk.listeners =
		(struct attendants){ .kind = &listener_kind, .desk = &service.desk };
	objects_init(service.desk.objects, &service.desk);
	r = start(&service, libexec);
	if (r < 0)
		errx(1, "cannot start: %s", strerror(-r));
	callers_on_gone(service.desk.callers, on_caller_gone, &service);
	(void)notice_send("READY=1", NULL, 0);
	r = serve(&service.desk);
	stop(&service);
	return r < 0 ? 1 : r;
}
