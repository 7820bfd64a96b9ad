/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher kill: a signal for processes that were started through the service. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "../cleanup.h"
#include "command.h"
#include "quantity.h"

static const struct parameter parameters[] = {
	{ "signal", 's', PARAMETER_SIGNAL, "SIGNAL", "which; TERM if you do not say" },
	{ NULL, 0, 0, NULL, NULL },
};

static void free_processes(struct usher_process_entry ***processes) {
	usher_free_processes(*processes);
}

/* The object of a running process; a number could be another process's by now, an object cannot. */
static int find_object(struct usher *usher, uint64_t pid, char **ret) {
	_cleanup_(free_processes) struct usher_process_entry **processes = NULL;
	int r;

	r = usher_list_processes(usher, &processes);
	if (r < 0)
		return r;
	for (size_t i = 0; processes[i]; i++)
		if (processes[i]->pid == (int64_t)pid &&
		    strcmp(processes[i]->state, "running") == 0) {
			*ret = strdup(processes[i]->object);
			return *ret ? 0 : -ENOMEM;
		}
	return -ESRCH;
}

static int kill_one(const struct arguments *a, struct usher *usher, const char *process) {
	_cleanup_free_ char *object = NULL;
	uint64_t pid;
	int r;

	if (quantity_parse(process, false, &pid) == 0) {
		r = find_object(usher, pid, &object);
		if (r == -ESRCH)
			return answer_error(a, process, -ENOENT,
					    "no such process was started through the service");
		if (r < 0)
			return answer_refusal(a, usher, process, r);
	}
	r = usher_process_signal(usher, object ? object : process, a->signal ? a->signal : "TERM",
				 &a->keys);
	return r < 0 ? answer_refusal(a, usher, process, r) : 0;
}

static int kill_run(const struct arguments *a, struct usher *usher) {
	int r = 0, one;

	for (int i = 0; i < a->count; i++) {
		one = kill_one(a, usher, a->operands[i]);
		if (one == EXIT_ASK)
			return one;
		if (one != 0)
			r = one;
	}
	return r != 0 ? r : answer_nothing(a);
}

const struct command command_kill = {
	.name = "kill",
	.synopsis = "PID|OBJECT...",
	.help = "Send a signal to processes that were started so",
	.parameters = parameters,
	.minimum = 1,
	.maximum = INT_MAX,
	.asks_later = true,
	.run = kill_run,
};
