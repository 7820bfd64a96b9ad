/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher limits: what one user may have at a time. */

#include <inttypes.h>
#include <stdio.h>

#include "../cleanup.h"
#include "command.h"

static const struct parameter parameters[] = { { NULL, 0, 0, NULL, NULL } };

static void free_limits(struct usher_limits **limits) {
	usher_free_limits(*limits);
}

static void print_limit(const char *label, int64_t value) {
	if (value < 0)
		printf("%-22s(not told)\n", label);
	else if (value == 0)
		printf("%-22sno limit\n", label);
	else
		printf("%-22s%" PRId64 "\n", label, value);
}

static void add_limit(struct json_object *object, const char *key, int64_t value) {
	json_object_object_add(object, key, value < 0 ? NULL : json_object_new_int64(value));
}

static int limits_to_json(const struct usher_limits *limits) {
	struct json_object *object = json_object_new_object();

	if (!object)
		return answer_json(NULL);
	add_limit(object, "calls", limits->calls);
	add_limit(object, "mounts", limits->mounts);
	add_limit(object, "namespaces", limits->namespaces);
	add_limit(object, "processes", limits->processes);
	add_limit(object, "watches", limits->watches);
	add_limit(object, "loop_devices", limits->loop_devices);
	add_limit(object, "traps", limits->traps);
	add_limit(object, "timers", limits->timers);
	add_limit(object, "objects", limits->objects);
	add_limit(object, "descriptors", limits->descriptors);
	add_limit(object, "queued_bytes", limits->queued_bytes);
	add_limit(object, "streams", limits->streams);
	add_limit(object, "row_bytes", limits->row_bytes);
	add_limit(object, "monitors", limits->monitors);
	add_limit(object, "questions", limits->questions);
	return answer_json(object);
}

static int limits_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(free_limits) struct usher_limits *limits = NULL;
	int r = usher_get_limits(usher, &limits);

	if (r < 0)
		return answer_refusal(a, usher, NULL, r);
	if (a->json)
		return limits_to_json(limits);
	print_limit("calls under way:", limits->calls);
	print_limit("mounts:", limits->mounts);
	print_limit("namespaces:", limits->namespaces);
	print_limit("processes:", limits->processes);
	print_limit("watches:", limits->watches);
	print_limit("loop devices:", limits->loop_devices);
	print_limit("signal traps:", limits->traps);
	print_limit("timers:", limits->timers);
	print_limit("objects:", limits->objects);
	print_limit("descriptors:", limits->descriptors);
	print_limit("bytes of requests:", limits->queued_bytes);
	print_limit("streams:", limits->streams);
	print_limit("bytes of rows:", limits->row_bytes);
	print_limit("monitors:", limits->monitors);
	print_limit("questions:", limits->questions);
	return 0;
}

const struct command command_limits = {
	.name = "limits",
	.synopsis = "",
	.help = "Tell what one user may have at a time",
	.parameters = parameters,
	.minimum = 0,
	.maximum = 0,
	.run = limits_run,
};
