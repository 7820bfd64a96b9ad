/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call, argument by argument, and its answer. */

#include "call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "path.h"
#include "values.h"

#define SECOND             UINT64_C(1000000)
#define REPLY_USEC         (25 * SECOND)  /* the service gives up after 10 s by itself */
#define REPLY_MARGIN_USEC  (15 * SECOND)  /* for the answer after a deadline */
#define AUTHORISATION_USEC (600 * SECOND) /* for people to read, think and type */

struct call call_begin(struct usher *usher, const char *interface, const char *method,
		       const struct usher_options *options) {
	return call_begin_on(usher, BUS_MANAGER, interface, method, options);
}

struct call call_begin_on(struct usher *usher, const char *object, const char *interface,
			  const char *method, const struct usher_options *options) {
	struct call call = { .usher = usher };
	int r;

	bus_forget(usher);
	call.error = options_copy(usher, options, &call.options);
	if (call.error < 0)
		return call;
	if (!object || !bus_message_path_is_valid(object)) {
		call.error = bus_fail(usher, -EINVAL, "that is no object path");
		return call;
	}
	r = bus_message_new_call(BUS_NAME, object, interface, method, &call.message);
	if (r < 0)
		call.error = bus_fail(usher, r, "%s: %s", method, strerror(-r));
	else if (usher->interactive)
		call.message->flags |= BUS_INTERACTIVE;
	return call;
}

void call_done(struct call *call) {
	call->message = bus_message_free(call->message);
}

static void call_fail(struct call *call, const char *name, int error) {
	call->error = bus_fail(call->usher, error, "%s: %s", name, strerror(-error));
}

void call_add_string(struct call *call, const char *name, const char *bytes) {
	_cleanup_free_ char *text = NULL;
	int r;

	if (call->error < 0)
		return;
	if (!bytes) {
		call->error = bus_fail(call->usher, -EINVAL, "%s: is missing", name);
		return;
	}
	text = usher_escape(bytes);
	if (!text)
		return call_fail(call, name, -ENOMEM);
	r = bus_message_append_basic(call->message, 's', text);
	if (r < 0)
		call_fail(call, name, r);
}

void call_add_path(struct call *call, const char *name, const char *path) {
	_cleanup_free_ char *absolute = NULL;
	int r;

	if (call->error < 0)
		return;
	if (!path || options_elsewhere(&call->options))
		return call_add_string(call, name, path);
	r = path_absolute(path, &absolute);
	if (r < 0)
		return call_fail(call, name, r);
	call_add_string(call, name, absolute);
}

void call_add_words(struct call *call, const char *name, const char *const words[]) {
	int r;

	if (call->error < 0)
		return;
	r = bus_message_open_container(call->message, 'a', "s");
	if (r < 0)
		return call_fail(call, name, r);
	for (; words && *words; words++)
		call_add_string(call, name, *words);
	if (call->error < 0)
		return;
	r = bus_message_close_container(call->message);
	if (r < 0)
		call_fail(call, name, r);
}

void call_add_fd(struct call *call, const char *name, int fd) {
	int r;

	if (call->error < 0)
		return;
	r = fd < 0 ? -EBADF : bus_message_append_basic(call->message, 'h', &fd);
	if (r < 0)
		call_fail(call, name, r);
}

void call_add_number(struct call *call, const char *name, char type, uint64_t value) {
	uint32_t small = (uint32_t)value;
	int r;

	if (call->error < 0)
		return;
	r = bus_message_append_basic(call->message, type,
				     type == 't' || type == 'x' ? (void *)&value : (void *)&small);
	if (r < 0)
		call_fail(call, name, r);
}

void call_add_values(struct call *call, const char *name, const struct usher_values *values) {
	int r;

	if (call->error < 0)
		return;
	r = values ? values->error : -EINVAL;
	if (r >= 0)
		r = values_append(values, call->message);
	if (r < 0)
		call_fail(call, name, r);
}

void call_add_attributes(struct call *call, const struct usher_attributes *attributes) {
	if (call->error < 0)
		return;
	call->error = attributes_error(call->usher, attributes);
	call->attributes = attributes;
}

void call_add_belongings(struct call *call) {
	int r;

	if (call->error < 0)
		return;
	r = attributes_append_environment(call->attributes, call->message);
	if (r < 0)
		return call_fail(call, "environment", r);
	r = attributes_append_fds(call->usher, call->attributes, call->message);
	if (r < 0)
		call->error = r;
}

/* The options are the last argument: from here on nothing but keys follows. */
static int open_options(struct call *call) {
	int r;

	if (call->error < 0 || call->in_options)
		return call->error;
	r = bus_message_open_container(call->message, 'a', "{sv}");
	if (r < 0)
		call_fail(call, "the options", r);
	call->in_options = r >= 0;
	return call->error;
}

void call_add_number_key(struct call *call, const char *key, char type, uint64_t value) {
	const char signature[] = { type, '\0' };
	int r;

	if (open_options(call) < 0)
		return;
	if (type == 't' || type == 'x')
		r = bus_message_append(call->message, "{sv}", key, signature, value);
	else
		r = bus_message_append(call->message, "{sv}", key, signature, (uint32_t)value);
	if (r < 0)
		call_fail(call, key, r);
}

void call_add_flag_key(struct call *call, const char *key, bool value) {
	if (value)
		call_add_number_key(call, key, 'b', 1);
}

void call_add_fd_key(struct call *call, const char *key, int fd) {
	int r;

	if (open_options(call) < 0)
		return;
	r = bus_message_append(call->message, "{sv}", key, "h", fd);
	if (r < 0)
		call_fail(call, key, r);
}

void call_add_string_key(struct call *call, const char *key, const char *bytes) {
	_cleanup_free_ char *text = NULL;
	int r;

	if (!bytes || open_options(call) < 0)
		return;
	text = usher_escape(bytes);
	r = text ? bus_message_append(call->message, "{sv}", key, "s", text) : -ENOMEM;
	if (r < 0)
		call_fail(call, key, r);
}

void call_add_words_key(struct call *call, const char *key, const char *const words[]) {
	int r;

	if (!words || open_options(call) < 0)
		return;
	r = bus_message_open_container(call->message, 'e', "sv");
	if (r >= 0)
		r = bus_message_append(call->message, "s", key);
	if (r >= 0)
		r = bus_message_open_container(call->message, 'v', "as");
	if (r < 0)
		return call_fail(call, key, r);
	call_add_words(call, key, words);
	if (call->error < 0)
		return;
	r = bus_message_close_container(call->message);
	if (r >= 0)
		r = bus_message_close_container(call->message);
	if (r < 0)
		call_fail(call, key, r);
}

void call_add_values_keys(struct call *call, const struct usher_values *values) {
	int r;

	if (!values || open_options(call) < 0)
		return;
	r = values->error < 0 ? values->error : values_append_flat(values, call->message);
	if (r < 0)
		call_fail(call, "the filter", r);
}

int call_finish(struct call *call) {
	int r;

	if (open_options(call) < 0)
		return call->error;
	call->error = options_append(call->usher, call->message, &call->options, call->attributes);
	if (call->error < 0)
		return call->error;
	r = bus_message_close_container(call->message);
	if (r < 0)
		call_fail(call, "the options", r);
	return call->error;
}

/* How long to wait for the answer; UINT64_MAX is for ever. */
static uint64_t patience(const struct call *call) {
	uint64_t usec = REPLY_USEC, more = call->usher->interactive ? AUTHORISATION_USEC : 0;

	if (call->patient && call->options.deadline_usec == 0)
		return UINT64_MAX;
	if (call->options.deadline_usec > UINT64_MAX - REPLY_MARGIN_USEC - AUTHORISATION_USEC)
		return UINT64_MAX;
	if (call->options.deadline_usec > 0)
		usec = call->options.deadline_usec + REPLY_MARGIN_USEC;
	return usec + more;
}

int call_send(struct call *call, struct bus_message **ret_reply) {
	_cleanup_error_ struct bus_error error = { 0 };
	int r;

	r = call_finish(call);
	if (r < 0)
		return r;
	r = bus_connection_call(call->usher->bus, call->message, patience(call), &error, ret_reply);
	return r < 0 ? bus_refused(call->usher, &error, r) : 0;
}

int call_not_understood(struct call *call) {
	return bus_fail(call->usher, -EBADMSG, "the service's answer could not be understood");
}

int call_for_nothing(struct call *call) {
	_cleanup_message_ struct bus_message *reply = NULL;

	return call_send(call, &reply);
}

int call_read_object(struct call *call, struct bus_message *reply, char **ret) {
	const char *object;
	char *copy;

	if (bus_message_read(reply, "o", &object) < 0)
		return call_not_understood(call);
	copy = strdup(object);
	if (!copy)
		return bus_fail(call->usher, -ENOMEM, "out of memory");
	*ret = copy;
	return 0;
}

int call_for_object(struct call *call, char **ret) {
	_cleanup_message_ struct bus_message *reply = NULL;
	_cleanup_free_ char *copy = NULL;
	int r;

	r = call_send(call, &reply);
	if (r >= 0)
		r = call_read_object(call, reply, &copy);
	if (r >= 0 && ret)
		*ret = take_pointer(copy);
	return r;
}

int call_for_string(struct call *call, char **ret) {
	_cleanup_message_ struct bus_message *reply = NULL;
	const char *text;
	int r;

	r = call_send(call, &reply);
	if (r < 0)
		return r;
	if (bus_message_read(reply, "s", &text) < 0)
		return call_not_understood(call);
	r = usher_unescape(text, ret);
	if (r == -ENOMEM)
		return bus_fail(call->usher, r, "out of memory");
	return r < 0 ? call_not_understood(call) : 0;
}

int call_read_fd(struct call *call, struct bus_message *reply, int *ret) {
	int borrowed, fd, r;

	if (bus_message_read(reply, "h", &borrowed) < 0)
		return call_not_understood(call);
	fd = fcntl(borrowed, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		r = -errno;
		return bus_fail(call->usher, r, "the descriptor that came: %s", strerror(-r));
	}
	*ret = fd;
	return 0;
}

int call_for_fd(struct call *call, int *ret) {
	_cleanup_message_ struct bus_message *reply = NULL;
	int r;

	r = call_send(call, &reply);
	return r < 0 ? r : call_read_fd(call, reply, ret);
}

int call_for_object_and_fd(struct call *call, char **ret, int *ret_fd) {
	_cleanup_message_ struct bus_message *reply = NULL;
	_cleanup_free_ char *copy = NULL;
	int r;

	r = call_send(call, &reply);
	if (r < 0)
		return r;
	r = call_read_object(call, reply, &copy);
	if (r >= 0 && ret_fd)
		r = call_read_fd(call, reply, ret_fd);
	if (r >= 0 && ret)
		*ret = take_pointer(copy);
	return r;
}
