/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "caller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "fd.h"

struct waiter {
	struct waiter *next;
	caller_known known;
	void *userdata;
};

struct entry {
	struct caller caller;
	struct waiter *waiters;
};

/* Who has called will call again, and asking the bus who it is takes as long as a call of no
 * consequence. What is remembered is who connected; what that process is by now, the worker looks
 * at with every order. */
enum { IDLE_MAX = 128 };

struct callers {
	sd_bus *bus;
	sd_bus_slot *match;
	struct caller *first; /* the one that called last comes first */
	size_t idle;          /* how many of them nobody uses, and that are kept */
	void (*gone)(struct caller *caller, void *userdata);
	void *userdata;
};

static struct caller *find(const struct callers *callers, const char *name) {
	for (struct caller *caller = callers->first; caller; caller = caller->next)
		if (strcmp(caller->name, name) == 0)
			return caller;
	return NULL;
}

static bool is_idle(const struct caller *caller) {
	return caller->users == 0 && !caller->listens;
}

static void take_out(struct caller *caller) {
	struct caller **at = &caller->callers->first;

	while (*at != caller)
		at = &(*at)->next;
	*at = caller->next;
}

static void put_first(struct caller *caller) {
	caller->next = caller->callers->first;
	caller->callers->first = caller;
}

static void drop(struct caller *caller) {
	take_out(caller);
	sd_bus_slot_unref(caller->query);
	fd_closep(&caller->pidfd);
	free(caller->unit);
	free(caller->session);
	free(caller->name);
	free(caller);
}

static int on_name_lost(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	struct callers *callers = userdata;
	const char *name, *before, *after;
	struct caller *caller;

	if (sd_bus_message_read(message, "sss", &name, &before, &after) < 0 || *after)
		return 0;
	caller = find(callers, name);
	if (!caller)
		return 0;
	caller->gone = true;
	if (is_idle(caller)) {
		callers->idle--;
		drop(caller);
		return 0;
	}
	caller->listens = false;
	caller->users++; /* what is told below may let go of it */
	if (callers->gone)
		callers->gone(caller, callers->userdata);
	caller_release(caller);
	return 0;
}

int callers_new(struct callers **ret, sd_bus *bus) {
	struct callers *callers = calloc(1, sizeof *callers);
	int r;

	if (!callers)
		return -ENOMEM;
	callers->bus = sd_bus_ref(bus);
	r = sd_bus_add_match_async(
		bus, &callers->match,
		"type='signal',sender='org.freedesktop.DBus',"
		"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''",
		on_name_lost, NULL, callers);
	if (r < 0) {
		callers_free(callers);
		return r;
	}
	*ret = callers;
	return 0;
}

struct callers *callers_free(struct callers *callers) {
	if (!callers)
		return NULL;
	while (callers->first)
		drop(callers->first);
	sd_bus_slot_unref(callers->match);
	sd_bus_unref(callers->bus);
	free(callers);
	return NULL;
}

void callers_on_gone(struct callers *callers, void (*gone)(struct caller *caller, void *userdata),
		     void *userdata) {
	callers->gone = gone;
	callers->userdata = userdata;
}

bool callers_listen(const struct callers *callers) {
	for (const struct caller *caller = callers->first; caller; caller = caller->next)
		if (caller->listens)
			return true;
	return false;
}

struct caller *callers_get(struct callers *callers, const char *name) {
	struct caller *caller = find(callers, name);

	if (!caller) {
		struct entry *entry = calloc(1, sizeof *entry);

		if (!entry)
			return NULL;
		caller = &entry->caller;
		caller->name = strdup(name);
		if (!caller->name) {
			free(entry);
			return NULL;
		}
		caller->callers = callers;
		caller->pidfd = -1;
	} else {
		callers->idle -= is_idle(caller);
		take_out(caller);
	}
	put_first(caller);
	caller->users++;
	return caller;
}

static void drop_oldest(struct callers *callers) {
	struct caller *oldest = NULL;

	for (struct caller *caller = callers->first; caller; caller = caller->next)
		if (is_idle(caller))
			oldest = caller;
	if (!oldest)
		return;
	callers->idle--;
	drop(oldest);
}

void caller_release(struct caller *caller) {
	struct callers *callers;

	if (!caller || --caller->users > 0 || caller->listens)
		return;
	callers = caller->callers;
	if (caller->gone || !caller->known) {
		drop(caller);
		return;
	}
	if (++callers->idle > IDLE_MAX)
		drop_oldest(callers);
}

/* Those who waited; somebody holds the entry meanwhile. */
static void tell(struct entry *entry, int error) {
	while (entry->waiters) {
		struct waiter *waiter = entry->waiters;

		entry->waiters = waiter->next;
		waiter->known(&entry->caller, error, waiter->userdata);
		free(waiter);
	}
}

static void read_command(struct caller *caller, pid_t pid) {
	_cleanup_close_ int fd = -1;
	char path[32];
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, caller->command, sizeof caller->command);
	if (n > 0)
		caller->command[n - 1] = '\0'; /* in place of the line's end */
}

/* Before its process has gone. A pid may be another's by then. */
void caller_describe(struct caller *caller) {
	struct pollfd exited = { .fd = caller->pidfd, .events = POLLIN };
	pid_t pid = caller->said;

	caller->said = 0;
	if (pid == 0)
		return;
	read_command(caller, pid);
	(void)sd_pid_get_unit(pid, &caller->unit);
	(void)sd_pid_get_session(pid, &caller->session);
	if (poll(&exited, 1, 0) == 0) {
		caller->pid = pid;
		return;
	}
	*caller->command = '\0';
	free(caller->unit);
	free(caller->session);
	caller->unit = caller->session = NULL;
}

/* Of the a{sv} that the bus tells of a connection, what we need. A bus that knows no ProcessFD
 * (before dbus 1.15.8) knows the pid; the worker then compares the process's uids with the
 * connection's. */
static int read_credentials(struct caller *caller, sd_bus_message *reply) {
	bool has_uid = false;
	uint32_t pid = 0;
	int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
		const char *key;
		uint32_t uid;
		int fd;

		r = sd_bus_message_read(reply, "s", &key);
		if (r < 0)
			return r;
		if (strcmp(key, "UnixUserID") == 0) {
			r = sd_bus_message_read(reply, "v", "u", &uid);
			caller->uid = uid;
			has_uid = true;
		} else if (strcmp(key, "ProcessID") == 0)
			r = sd_bus_message_read(reply, "v", "u", &pid);
		else if (strcmp(key, "ProcessFD") == 0) {
			r = sd_bus_message_read(reply, "v", "h", &fd);
			if (r >= 0)
				caller->pidfd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		} else
			r = sd_bus_message_skip(reply, "v");
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
	}
	if (r < 0)
		return r;
	if (!has_uid)
		return -ENODATA;
	if (caller->pidfd < 0 && pid > 0)
		caller->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (caller->pidfd < 0)
		return pid > 0 && errno == ENOSYS ? -ENOSYS : -ESRCH;
	caller->said = (pid_t)pid;
	return 0;
}

static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *ignored) {
	struct entry *entry = userdata;
	int r = sd_bus_message_is_method_error(reply, NULL)
			? -ESRCH
			: read_credentials(&entry->caller, reply);

	entry->caller.query = sd_bus_slot_unref(entry->caller.query);
	entry->caller.known = r == 0;
	entry->caller.users++;
	tell(entry, r);
	caller_describe(&entry->caller); /* while others work for it */
	caller_release(&entry->caller);
	return 0;
}

int caller_identify(struct caller *caller, caller_known known, void *userdata) {
	struct entry *entry = (struct entry *)caller;
	struct waiter *waiter;
	int r;

	if (caller->known) {
		known(caller, 0, userdata);
		return 0;
	}
	waiter = calloc(1, sizeof *waiter);
	if (!waiter)
		return -ENOMEM;
	if (!caller->query) {
		r = sd_bus_call_method_async(caller->callers->bus, &caller->query,
					     "org.freedesktop.DBus", "/org/freedesktop/DBus",
					     "org.freedesktop.DBus", "GetConnectionCredentials",
					     on_credentials, entry, "s", caller->name);
		if (r < 0) {
			free(waiter);
			return r;
		}
	}
	*waiter = (struct waiter){ entry->waiters, known, userdata };
	entry->waiters = waiter;
	return 0;
}
