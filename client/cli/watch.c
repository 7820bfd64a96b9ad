/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher watch: prints what happens to files, or runs a command after it. */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../cleanup.h"
#include "command.h"
#include "quantity.h"
#include "shell.h"
#include "telling.h"

/* How long nothing may happen before the command is run, in milliseconds. */
enum { QUIET_MSEC = 100 };

static const struct parameter parameters[] = {
	{ "recursive", 'r', PARAMETER_RECURSIVE, NULL, "directories with all that is below them" },
	{ "filesystem", 0, PARAMETER_FILESYSTEM, NULL, "the whole file system that PATH is on" },
	{ "mounts", 0, PARAMETER_MOUNTS, NULL, "what is mounted and unmounted" },
	{ "event", 'e', PARAMETER_EVENTS, "EVENT[,EVENT...]", "only these: create, delete, ..." },
	{ "exclude", 0, PARAMETER_EXCLUDE, "GLOB", "not what is called so" },
	{ "since", 0, PARAMETER_SINCE, "CLOCK", "first, where something changed since then" },
	{ "wait", 0, PARAMETER_WAIT, "COMMAND", "run it each time, when it is quiet again" },
	{ "once", 0, PARAMETER_ONCE, NULL, "end after the first change" },
	{ "pid", 0, PARAMETER_REPORT_PID, NULL, "with --json: which of your processes it was" },
	{ NULL, 0, 0, NULL, NULL },
};

/* All that is watched. */
struct watching {
	const struct arguments *arguments;
	struct usher *usher;
	struct told_root *roots;
	char **tops;                  /* of whole file systems */
	struct usher_watch **watches; /* NULL where one has ended */
	struct pollfd *polls;
	size_t count, left;
	bool seen; /* something has happened */
};

static void watching_done(struct watching *w) {
	for (size_t i = 0; w->watches && i < w->count; i++)
		usher_watch_close(w->watches[i]);
	for (size_t i = 0; w->tops && i < w->count; i++)
		free(w->tops[i]);
	free(w->tops);
	free(w->watches);
	free(w->roots);
	free(w->polls);
}

static int watch_check(const struct arguments *a) {
	uint64_t clock;

	if (a->keys.recursive + a->filesystem + a->mount_table > 1)
		return arguments_refuse(
			a, "--recursive, --filesystem and --mounts exclude each other");
	if (a->since && quantity_parse(a->since, false, &clock) < 0)
		return arguments_refuse(a, "--since: '%s' is no clock", a->since);
	for (size_t i = 0; i < a->events.count; i++)
		if (!usher_watch_event_from_name(a->events.items[i]))
			return arguments_refuse(a, "--event: '%s' is no event", a->events.items[i]);
	return 0;
}

/* Without a word about it, what ls would show: what is in a directory, or the file. */
static const char *scope_of(const struct arguments *a, const struct told_root *root) {
	if (a->keys.recursive)
		return root->is_directory ? "recursive" : "inode";
	if (a->filesystem)
		return "filesystem";
	if (a->mount_table)
		return "mounts";
	return root->is_directory ? "children" : "inode";
}

static int print_since(struct watching *w, size_t i) {
	char **directories = NULL;
	uint64_t clock, now;
	bool complete;
	int r;

	(void)quantity_parse(w->arguments->since, false, &clock);
	r = usher_watch_since(w->watches[i], clock, &directories, &now, &complete);
	if (r < 0)
		return answer_refusal(w->arguments, w->usher, w->roots[i].path, r);
	if (!complete)
		r = telling_print_changed(w->arguments, &w->roots[i], NULL, now);
	for (size_t j = 0; complete && r == 0 && directories[j]; j++)
		r = telling_print_changed(w->arguments, &w->roots[i], directories[j], now);
	w->seen = !complete || directories[0];
	usher_free_words(directories);
	return r;
}

static void free_entries(struct usher_watch_entry ***entries) {
	usher_free_watches(*entries);
}

/* What is told of a whole file system begins where its mount does. */
static int find_top(struct watching *w, size_t i) {
	_cleanup_(free_entries) struct usher_watch_entry **entries = NULL;
	int r = usher_list_watches(w->usher, &entries);

	for (int j = 0; j < r; j++)
		if (strcmp(entries[j]->object, usher_watch_get_object(w->watches[i])) == 0) {
			w->tops[i] = strdup(entries[j]->path);
			if (!w->tops[i])
				return -ENOMEM;
			w->roots[i].path = w->tops[i];
		}
	return r < 0 ? r : 0;
}

static int begin_one(struct watching *w, size_t i) {
	struct usher_watch_options keys = USHER_WATCH_OPTIONS_INIT;
	const struct arguments *a = w->arguments;
	struct usher_options options = a->keys;
	struct told_root *root = &w->roots[i];
	struct stat st;
	uint64_t clock;
	int r;

	*root = (struct told_root){ .path = a->count > 0 ? a->operands[i] : "." };
	root->is_directory =
		arguments_elsewhere(a) || stat(root->path, &st) < 0 || S_ISDIR(st.st_mode);
	options.recursive = false;
	keys.scope = scope_of(a, root);
	keys.exclude = (const char *const *)a->excluded.items;
	keys.report_pid = a->report_pid;
	r = usher_watch_open(w->usher, root->path, (const char *const *)a->events.items, &keys,
			     &options, &w->watches[i]);
	if (r >= 0 && a->filesystem)
		r = find_top(w, i);
	if (r >= 0)
		r = usher_watch_get_clock(w->watches[i], &clock);
	if (r < 0)
		return answer_refusal(a, w->usher, root->path, r);
	w->polls[i] = (struct pollfd){ .fd = usher_watch_get_fd(w->watches[i]), .events = POLLIN };
	w->left++;
	r = telling_print_begin(a, root, clock);
	return r == 0 && a->since ? print_since(w, i) : r;
}

static int begin(struct watching *w) {
	int r = 0;

	w->count = w->arguments->count > 0 ? (size_t)w->arguments->count : 1;
	w->watches = calloc(w->count, sizeof *w->watches);
	w->roots = calloc(w->count, sizeof *w->roots);
	w->tops = calloc(w->count, sizeof *w->tops);
	w->polls = calloc(w->count + 1, sizeof *w->polls);
	if (!w->watches || !w->roots || !w->tops || !w->polls)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < w->count; i++)
		r = begin_one(w, i);
	return r;
}

/* All that is there of one watch. */
static int read_one(struct watching *w, size_t i) {
	struct usher_change change;
	int r, printed;

	while ((r = usher_watch_next(w->watches[i], &change)) > 0) {
		w->seen = true;
		printed =
			w->arguments->wait ? 0 : telling_print(w->arguments, &w->roots[i], &change);
		if (printed < 0)
			return printed;
	}
	if (r == 0)
		return 0;
	(void)answer_refusal(w->arguments, w->usher, w->roots[i].path, r);
	if (r == -EBADMSG)
		return telling_print_changed(w->arguments, &w->roots[i], NULL, 0);
	w->watches[i] = usher_watch_close(w->watches[i]);
	w->polls[i].fd = -1;
	w->left--;
	return 0;
}

/* Waits, and reads what has come: 1; 0 when nothing came in time; or a negative errno. */
static int look(struct watching *w, int timeout) {
	int n, r;

	/* That of the bus, to hear that it has gone. */
	w->polls[w->count] = (struct pollfd){ .fd = usher_get_fd(w->usher), .events = POLLIN };
	n = poll(w->polls, w->count + 1, timeout);
	if (n <= 0)
		return n < 0 && errno != EINTR ? -errno : 0;
	for (size_t i = 0; i < w->count; i++) {
		r = w->polls[i].revents ? read_one(w, i) : 0;
		if (r < 0)
			return r;
	}
	return w->polls[w->count].revents && usher_process(w->usher) < 0 ? -ENOTCONN : 1;
}

/* Once something has happened. 0, or how it ends. */
static int react(struct watching *w, bool *ret_end) {
	int r = 0;

	fflush(stdout);
	if (ferror(stdout))
		*ret_end = true;
	if (!w->seen)
		return 0;
	if (w->arguments->wait) {
		do
			r = look(w, QUIET_MSEC);
		while (r > 0);
		if (r == 0)
			r = shell_run(w->arguments->wait);
		w->seen = false;
	}
	if (w->arguments->once || r < 0)
		*ret_end = true;
	return r;
}

static int watch_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(watching_done) struct watching w = { .arguments = a, .usher = usher };
	bool end = false;
	int r;

	r = begin(&w);
	if (r != 0)
		return r;
	for (;;) {
		r = react(&w, &end);
		if (end)
			break;
		if (w.left == 0)
			return EXIT_REFUSED;
		r = look(&w, -1);
		if (r < 0)
			break;
	}
	return r < 0 ? answer_failure(a, NULL, r) : r;
}

const struct command command_watch = {
	.name = "watch",
	.synopsis = "[PATH...]",
	.help = "Tell what happens to files, of a whole tree at once",
	.parameters = parameters,
	.minimum = 0,
	.maximum = INT_MAX,
	.check = watch_check,
	.asks_later = true,
	.run = watch_run,
};
