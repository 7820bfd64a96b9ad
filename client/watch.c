/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Watches: one watch, whose changes come by its stream or by signals. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "call.h"
#include "options.h"
#include "signals.h"
#include "stream.h"
#include "value.h"
#include "watch-event.h"

#define WATCHES "org.usher1.Watches"
#define WATCH   "org.usher1.Watch"

/* One change that a signal has told. */
struct told {
	struct told *next;
	struct usher_change change;
	char *path, *old_path;
};

struct usher_watch {
	struct usher *usher; /* NULL: adopted */
	char *object;
	struct stream stream; /* with no descriptor: over the bus */
	struct signals *signals;
	struct told *first, **last; /* not asked for yet */
	struct told *current;       /* what the program has */
	int error;                  /* 0, or why there is nothing more to come */
};

const char *usher_watch_event_name(uint32_t event) {
	return watch_event_name(event);
}

uint32_t usher_watch_event_from_name(const char *name) {
	return name ? watch_event_find(name) : 0;
}

static struct told *free_told(struct told *told) {
	struct told *next = told ? told->next : NULL;

	if (told) {
		free(told->path);
		free(told->old_path);
		free(told);
	}
	return next;
}

/* ---- what signals say ---- */

static void told_done(struct told **told) {
	while (*told)
		*told = free_told(*told);
}

/* Puts a change aside until it is asked for. The paths are escaped. */
static int put_aside(struct usher_watch *watch, struct usher_change change, const char *path,
		     const char *old_path) {
	_cleanup_(told_done) struct told *told = calloc(1, sizeof *told);
	int r;

	if (!told)
		return -ENOMEM;
	r = usher_unescape(path, &told->path);
	if (r >= 0)
		r = usher_unescape(old_path, &told->old_path);
	if (r < 0)
		return r == -EINVAL ? -EBADMSG : r;
	told->change = change;
	told->change.path = told->path;
	told->change.old_path = told->old_path;
	*watch->last = told;
	watch->last = &told->next;
	told = NULL;
	return 0;
}

static int hear_events(struct usher_watch *watch, struct bus_message *m) {
	const char *event, *path, *old_path;
	uint64_t clock, usec;
	uint32_t pid;
	int r;

	r = bus_message_enter_container(m, 'a', "(ttsssu)");
	if (r < 0)
		return r;
	while ((r = bus_message_read(m, "(ttsssu)", &clock, &usec, &event, &path, &old_path,
				     &pid)) > 0) {
		struct usher_change change = {
			.kind = USHER_WATCH_EVENT,
			.events = usher_watch_event_from_name(event),
			.pid = pid,
			.clock = clock,
			.usec = usec,
		};

		/* A newer service may have more of them. */
		r = change.events ? put_aside(watch, change, path, old_path) : 0;
		if (r < 0)
			return r;
	}
	return r;
}

static int hear_lost(struct usher_watch *watch, struct bus_message *m) {
	struct usher_change change = { .kind = USHER_WATCH_LOST, .flags = USHER_WATCH_ALL };
	const char *directory;
	int r;

	r = bus_message_read(m, "t", &change.clock);
	if (r >= 0)
		r = bus_message_enter_container(m, 'a', "s");
	if (r < 0)
		return r;
	if (bus_message_at_end(m) > 0)
		return put_aside(watch, change, "", "");
	change.flags = 0;
	while ((r = bus_message_read(m, "s", &directory)) > 0) {
		r = put_aside(watch, change, directory, "");
		if (r < 0)
			return r;
	}
	return r;
}

static void hear(void *userdata, const char *member, struct bus_message *m) {
	struct usher_watch *watch = userdata;
	int r = 0;

	if (watch->error)
		return;
	if (!member)
		r = -ENOTCONN;
	else if (strcmp(member, "Events") == 0)
		r = hear_events(watch, m);
	else if (strcmp(member, "Lost") == 0)
		r = hear_lost(watch, m);
	/* Nothing of what is missing now can be told: it is over. */
	if (r < 0)
		watch->error = r == -ENOTCONN || r == -ENOMEM ? r : -EBADMSG;
}

/* ---- making and ending ---- */

static int copy_keys(struct usher *usher, const struct usher_watch_options *given,
		     struct usher_watch_options *ret) {
	if (given && (given->size != sizeof *given || given->reserved != 0))
		return bus_fail(usher, -EINVAL, "the watch's options: not of this libusher");
	if (given)
		*ret = *given;
	return 0;
}

static void add_keys(struct call *call, const struct usher_watch_options *keys) {
	if (keys->root_fd >= 0)
		call_add_fd_key(call, "root", keys->root_fd);
	call_add_string_key(call, "scope", keys->scope);
	call_add_string_key(call, "backend", keys->backend);
	call_add_words_key(call, "exclude", keys->exclude);
	if (keys->settle_usec >= 0)
		call_add_number_key(call, "settle_usec", 't', (uint64_t)keys->settle_usec);
	if (keys->queue >= 0)
		call_add_number_key(call, "queue", 'u', (uint64_t)keys->queue);
	if (keys->decide_timeout_usec >= 0)
		call_add_number_key(call, "decide_timeout_usec", 't',
				    (uint64_t)keys->decide_timeout_usec);
	call_add_flag_key(call, "decide", keys->decide);
	call_add_flag_key(call, "all", keys->all);
	call_add_flag_key(call, "report_pid", keys->report_pid);
	call_add_flag_key(call, "audit", keys->audit);
	call_add_flag_key(call, "exclude_self", keys->exclude_self);
}

static struct usher_watch *new_watch(void) {
	struct usher_watch *watch = calloc(1, sizeof *watch);

	if (watch) {
		watch->stream = (struct stream)STREAM_INIT;
		watch->last = &watch->first;
	}
	return watch;
}

/* Without asking the service for anything. */
static void free_watch(struct usher_watch *watch) {
	signals_free(watch->signals);
	stream_done(&watch->stream);
	told_done(&watch->first);
	told_done(&watch->current);
	free(watch->object);
	free(watch);
}

static void watch_done(struct usher_watch **watch) {
	if (*watch)
		free_watch(*watch);
}

/* A directory that the program can open need not be found by its path again: so a program that is
 * confined, of which the service cannot know how, may watch what it can read. */
static int watch(struct usher *usher, const char *method, const char *path,
		 const char *const events[], const struct usher_watch_options *watch_options,
		 const struct usher_options *options, struct usher_watch **ret) {
	_cleanup_call_ struct call call = call_begin(usher, WATCHES, method, options);
	_cleanup_(watch_done) struct usher_watch *made = new_watch();
	bool streams = strcmp(method, "Open") == 0;
	struct usher_watch_options keys = USHER_WATCH_OPTIONS_INIT;
	_cleanup_close_ int root = -1;
	int r;

	if (!made)
		return bus_fail(usher, -ENOMEM, "out of memory");
	made->usher = usher;
	r = copy_keys(usher, watch_options, &keys);
	if (r < 0)
		return r;
	if (keys.root_fd < 0 && path && *path && !options_elsewhere(&call.options))
		keys.root_fd = root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	call_add_path(&call, "path", root >= 0 ? "" : path);
	call_add_words(&call, "events", events);
	add_keys(&call, &keys);
	r = call_for_object_and_fd(&call, &made->object, streams ? &made->stream.fd : NULL);
	if (r >= 0 && !streams)
		r = signals_new(usher, made->object, WATCH, hear, made, &made->signals);
	if (r < 0)
		return r;
	*ret = take_pointer(made);
	return 0;
}

int usher_watch_open(struct usher *usher, const char *path, const char *const events[],
		     const struct usher_watch_options *watch_options,
		     const struct usher_options *options, struct usher_watch **ret) {
	return watch(usher, "Open", path, events, watch_options, options, ret);
}

int usher_watch_subscribe(struct usher *usher, const char *path, const char *const events[],
			  const struct usher_watch_options *watch_options,
			  const struct usher_options *options, struct usher_watch **ret) {
	return watch(usher, "Subscribe", path, events, watch_options, options, ret);
}

int usher_watch_adopt(int stream, struct usher_watch **ret) {
	struct usher_watch *watch;

	if (stream < 0)
		return -EBADF;
	watch = new_watch();
	if (!watch)
		return -ENOMEM;
	watch->stream.fd = stream;
	*ret = watch;
	return 0;
}

struct usher_watch *usher_watch_leave(struct usher_watch *watch) {
	if (watch)
		free_watch(watch);
	return NULL;
}

struct usher_watch *usher_watch_close(struct usher_watch *watch) {
	if (!watch)
		return NULL;
	if (watch->object && watch->error != -ENOTCONN) {
		_cleanup_call_ struct call call =
			call_begin_on(watch->usher, watch->object, WATCH, "Close", NULL);

		(void)call_for_nothing(&call);
	}
	free_watch(watch);
	return NULL;
}

/* ---- reading ---- */

/* Keeps why reading failed for usher_message(), where there is a handle. */
static int fail(struct usher_watch *watch, int error) {
	const char *why = error == -ENOTCONN  ? "the watch has gone"
			  : error == -EBADMSG ? "what the watch told could not be understood"
					      : strerror(-error);

	return watch->usher ? bus_fail(watch->usher, error, "%s", why) : error;
}

/* The next of what has been put aside. */
static bool take_told(struct usher_watch *watch, struct usher_change *ret) {
	struct told *told = watch->first;

	if (!told)
		return false;
	watch->first = told->next;
	if (!watch->first)
		watch->last = &watch->first;
	told->next = NULL;
	watch->current = told;
	*ret = told->change;
	return true;
}

static int next_told(struct usher_watch *watch, struct usher_change *ret) {
	int r;

	told_done(&watch->current);
	if (take_told(watch, ret))
		return 1;
	if (watch->error)
		return fail(watch, watch->error);
	r = usher_process(watch->usher);
	if (take_told(watch, ret))
		return 1;
	if (r < 0)
		return r;
	return watch->error ? fail(watch, watch->error) : 0;
}

int usher_watch_next(struct usher_watch *watch, struct usher_change *ret) {
	int r;

	if (watch->stream.fd < 0)
		return next_told(watch, ret);
	r = stream_next(&watch->stream, ret);
	if (r == -ENOTCONN)
		watch->error = r;
	return r < 0 ? fail(watch, r) : r;
}

int usher_watch_get_fd(struct usher_watch *watch) {
	return watch->stream.fd >= 0 ? watch->stream.fd : usher_get_fd(watch->usher);
}

const char *usher_watch_get_object(const struct usher_watch *watch) {
	return watch->object;
}

/* ---- the rest of what one may ask a watch ---- */

/* A call on its object; an adopted watch has none. */
static struct call begin(struct usher_watch *watch, const char *method) {
	struct call none = { .error = -EOPNOTSUPP };

	return watch->object ? call_begin_on(watch->usher, watch->object, WATCH, method, NULL)
			     : none;
}

int usher_watch_get_clock(struct usher_watch *watch, uint64_t *ret) {
	_cleanup_error_ struct bus_error error = { 0 };
	_cleanup_message_ struct bus_message *reply = NULL;
	uint64_t clock;
	int r;

	if (!watch->object)
		return -EOPNOTSUPP;
	bus_forget(watch->usher);
	r = bus_connection_ask(watch->usher->bus, BUS_NAME, watch->object,
			       "org.freedesktop.DBus.Properties", "Get", &error, &reply, "ss",
			       WATCH, "Clock");
	if (r < 0)
		return bus_refused(watch->usher, &error, r);
	if (bus_message_read(reply, "v", "t", &clock) <= 0)
		return bus_fail(watch->usher, -EBADMSG,
				"the service's answer could not be understood");
	*ret = clock;
	return 0;
}

int usher_watch_set_events(struct usher_watch *watch, const char *const events[]) {
	_cleanup_call_ struct call call = begin(watch, "SetEvents");

	call_add_words(&call, "events", events);
	return call_for_nothing(&call);
}

int usher_watch_decide(struct usher_watch *watch, uint64_t clock, bool allow) {
	_cleanup_call_ struct call call = begin(watch, "Decide");

	call_add_number(&call, "clock", 't', clock);
	call_add_number(&call, "allow", 'b', allow);
	return call_for_nothing(&call);
}

int usher_watch_since(struct usher_watch *watch, uint64_t clock, char ***ret_directories,
		      uint64_t *ret_clock, bool *ret_complete) {
	_cleanup_call_ struct call call = begin(watch, "Since");
	_cleanup_message_ struct bus_message *reply = NULL;
	_cleanup_(value_words_done) char **directories = NULL;
	int r, complete;
	uint64_t now;

	call_add_number(&call, "clock", 't', clock);
	r = call_send(&call, &reply);
	if (r < 0)
		return r;
	r = value_read_bare_words(reply, &directories);
	if (r >= 0 && !directories) {
		directories = calloc(1, sizeof *directories);
		r = directories ? 0 : -ENOMEM;
	}
	if (r >= 0)
		r = bus_message_read(reply, "tb", &now, &complete);
	if (r == -ENOMEM)
		return bus_fail(watch->usher, r, "out of memory");
	if (r <= 0)
		return call_not_understood(&call);
	if (ret_directories)
		*ret_directories = take_pointer(directories);
	if (ret_clock)
		*ret_clock = now;
	if (ret_complete)
		*ret_complete = complete;
	return 0;
}
