/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher trap: prints the signals that a process receives which is there for nothing else. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "../cleanup.h"
#include "command.h"
#include "moment.h"
#include "shell.h"

static const struct parameter parameters[] = {
	{ "wait", 0, PARAMETER_WAIT, "COMMAND", "run it each time" },
	{ "once", 0, PARAMETER_ONCE, NULL, "end after the first signal" },
	{ NULL, 0, 0, NULL, NULL },
};

static void close_trap(struct usher_trap **trap) {
	usher_trap_close(*trap);
}

/* The number of the process, for whoever is to signal it. */
static int print_begin(const struct arguments *a, const struct usher_trap *trap) {
	struct json_object *row;

	if (!a->json) {
		printf("%" PRId64 "\n", usher_trap_get_pid(trap));
		return fflush(stdout);
	}
	row = json_object_new_object();
	if (!row)
		return -ENOMEM;
	json_object_object_add(row, "object", answer_json_name(usher_trap_get_object(trap)));
	json_object_object_add(row, "pid", json_object_new_int64(usher_trap_get_pid(trap)));
	return answer_json(row) == 0 ? fflush(stdout) : -EIO;
}

static void add_times(struct json_object *row, const struct usher_received *received) {
	json_object_object_add(row, "user_usec",
			       json_object_new_int64((int64_t)received->user_usec));
	json_object_object_add(row, "system_usec",
			       json_object_new_int64((int64_t)received->system_usec));
}

static int print_json(const struct usher_received *received) {
	struct json_object *row = json_object_new_object();

	if (!row)
		return -ENOMEM;
	json_object_object_add(row, "signal", json_object_new_string(received->signal));
	json_object_object_add(row, "pid",
			       received->pid ? json_object_new_int64(received->pid) : NULL);
	json_object_object_add(row, "uid",
			       received->uid < 0 ? NULL : json_object_new_int64(received->uid));
	json_object_object_add(row, "code", json_object_new_int(received->code));
	json_object_object_add(row, "value", json_object_new_int(received->value));
	json_object_object_add(row, "usec", json_object_new_int64((int64_t)received->usec));
	if (received->is_child)
		add_times(row, received);
	return answer_json(row);
}

static void print_text(const struct usher_received *received) {
	char when[MOMENT_TEXT_MAX];

	moment_print(received->usec, when);
	printf("%s  %s  pid %" PRId64 "  uid %" PRId64 "  code %d  value %d", when,
	       received->signal, received->pid, received->uid, received->code, received->value);
	if (received->is_child)
		printf("  user %.2fs  system %.2fs", (double)received->user_usec / 1e6,
		       (double)received->system_usec / 1e6);
	printf("\n");
}

static int print(const struct arguments *a, const struct usher_received *received) {
	int r = 0;

	if (a->json)
		r = print_json(received);
	else
		print_text(received);
	return r == 0 && fflush(stdout) != 0 ? -errno : r;
}

/* All that have come. 0, or how it ends. */
static int hear(const struct arguments *a, struct usher *usher, struct usher_trap *trap,
		bool *ret_end) {
	struct usher_received received;
	int r;

	while (!*ret_end && (r = usher_trap_next(trap, &received)) != 0) {
		if (r < 0) {
			*ret_end = true;
			return answer_refusal(a, usher, NULL, r);
		}
		r = a->wait ? shell_run(a->wait) : print(a, &received);
		*ret_end = a->once || r < 0;
		if (*ret_end)
			return r < 0 ? answer_failure(a, NULL, r) : r;
	}
	return 0;
}

static int trap_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(close_trap) struct usher_trap *trap = NULL;
	struct pollfd bus = { .fd = usher_get_fd(usher), .events = POLLIN };
	bool end = false;
	int r;

	r = usher_trap_new(usher, (const char *const *)a->operands, &a->keys, &trap);
	if (r < 0)
		return answer_refusal(a, usher, NULL, r);
	r = print_begin(a, trap);
	while (r == 0 && !end) {
		r = hear(a, usher, trap, &end);
		if (!end && poll(&bus, 1, -1) < 0 && errno != EINTR)
			return answer_failure(a, NULL, -errno);
	}
	return r;
}

const struct command command_trap = {
	.name = "trap",
	.synopsis = "SIGNAL...",
	.help = "Tell which signals a process of its own receives",
	.parameters = parameters,
	.minimum = 1,
	.maximum = INT_MAX,
	.asks_later = true,
	.run = trap_run,
};
