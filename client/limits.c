/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Limits: what one user may have at a time. */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "bus.h"

#define LIMITS "org.usher1.Limits"

static const struct {
	const char *name;
	size_t place;
} members[] = {
	{ "Calls", offsetof(struct usher_limits, calls) },
	{ "Mounts", offsetof(struct usher_limits, mounts) },
	{ "Namespaces", offsetof(struct usher_limits, namespaces) },
	{ "Processes", offsetof(struct usher_limits, processes) },
	{ "Watches", offsetof(struct usher_limits, watches) },
	{ "LoopDevices", offsetof(struct usher_limits, loop_devices) },
	{ "Traps", offsetof(struct usher_limits, traps) },
	{ "Timers", offsetof(struct usher_limits, timers) },
	{ "Objects", offsetof(struct usher_limits, objects) },
	{ "Descriptors", offsetof(struct usher_limits, descriptors) },
	{ "QueuedBytes", offsetof(struct usher_limits, queued_bytes) },
	{ "Streams", offsetof(struct usher_limits, streams) },
	{ "RowBytes", offsetof(struct usher_limits, row_bytes) },
	{ "Monitors", offsetof(struct usher_limits, monitors) },
	{ "Questions", offsetof(struct usher_limits, questions) },
};

static int64_t *place_of(struct usher_limits *limits, size_t i) {
	return (int64_t *)(void *)((char *)limits + members[i].place);
}

struct usher_limits *usher_free_limits(struct usher_limits *limits) {
	free(limits);
	return NULL;
}

static void limits_done(struct usher_limits **limits) {
	usher_free_limits(*limits);
}

static struct usher_limits *limits_new(void) {
	struct usher_limits *limits = calloc(1, sizeof *limits);

	for (size_t i = 0; limits && i < sizeof members / sizeof *members; i++)
		*place_of(limits, i) = -1;
	return limits;
}

/* One value of u or t; of another type it is one that this library does not know. */
static int read_number(struct bus_message *reply, int64_t *ret) {
	const char *signature;
	uint64_t large;
	uint32_t small;
	int r = bus_message_peek_variant(reply, &signature);

	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	if (strcmp(signature, "u") == 0) {
		r = bus_message_read(reply, "v", "u", &small);
		large = small;
	} else if (strcmp(signature, "t") == 0)
		r = bus_message_read(reply, "v", "t", &large);
	else
		return bus_message_skip(reply, "v");
	if (r >= 0)
		*ret = large > INT64_MAX ? INT64_MAX : (int64_t)large;
	return r;
}

static int64_t *member(struct usher_limits *limits, const char *name) {
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (strcmp(members[i].name, name) == 0)
			return place_of(limits, i);
	return NULL;
}

static int read_all(struct bus_message *reply, struct usher_limits *limits) {
	int64_t unknown;
	const char *name;
	int r;

	r = bus_message_enter_container(reply, 'a', "{sv}");
	while (r >= 0) {
		r = bus_message_enter_container(reply, 'e', "sv");
		if (r <= 0)
			break;
		r = bus_message_read(reply, "s", &name);
		if (r >= 0) {
			int64_t *place = member(limits, name);

			r = read_number(reply, place ? place : &unknown);
		}
		if (r >= 0)
			r = bus_message_exit_container(reply);
	}
	return r;
}

int usher_get_limits(struct usher *usher, struct usher_limits **ret) {
	_cleanup_(limits_done) struct usher_limits *limits = limits_new();
	_cleanup_error_ struct bus_error error = { 0 };
	_cleanup_message_ struct bus_message *reply = NULL;
	int r;

	bus_forget(usher);
	if (!limits)
		return bus_fail(usher, -ENOMEM, "out of memory");
	r = bus_connection_ask(usher->bus, BUS_NAME, BUS_MANAGER, "org.freedesktop.DBus.Properties",
			       "GetAll", &error, &reply, "s", LIMITS);
	if (r < 0)
		return bus_refused(usher, &error, r);
	if (read_all(reply, limits) < 0)
		return bus_fail(usher, -EBADMSG, "the answer could not be understood");
	*ret = take_pointer(limits);
	return 0;
}
