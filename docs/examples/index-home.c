/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeps an index of all files below a directory (your home), in the file that the second argument
 * names: a line for the program itself, and then each path, which ends with a zero.
 *
 *	cc index-home.c -o index-home $(pkg-config --cflags --libs libusher)
 *	./index-home ~ ~/.index
 *	tail -n +2 ~/.index | tr '\0' '\n'
 *
 * The first start reads the whole tree; later ones only the directories that have changed since.
 * For that, a watch stays behind that tells nobody anything: with it, the service remembers.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <search.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <usher.h>

static const char *const told_events[] = { "create", "delete", "move", NULL };

static const char *root, *file_name;
static void *paths; /* a tree of strings */
static uint64_t clock_now;
static char keeper[256]; /* the object of the watch that stays */
static volatile sig_atomic_t stop;

/* ---- the index ---- */

static int compare(const void *a, const void *b) {
	return strcmp(a, b);
}

static void add(const char *path) {
	char *copy = strdup(path);
	char **found = copy ? tsearch(copy, &paths, compare) : NULL;

	if (!found)
		abort();
	if (*found != copy)
		free(copy);
}

struct search {
	const char *directory;
	bool deep; /* all below it, or only what is in it */
	char **found;
	size_t count;
};

static void collect(const void *node, VISIT visit, void *closure) {
	struct search *search = closure;
	char *path = *(char *const *)node;
	size_t length = strlen(search->directory);
	const char *rest = path + length + (length > 0);

	if (visit != postorder && visit != leaf)
		return;
	if (length > 0 && (strncmp(path, search->directory, length) != 0 || path[length] != '/'))
		return;
	if (!search->deep && strchr(rest, '/'))
		return;
	search->found = reallocarray(search->found, search->count + 1, sizeof *search->found);
	if (!search->found)
		abort();
	search->found[search->count++] = path;
}

static struct search find_in(const char *directory, bool deep) {
	struct search search = { .directory = directory, .deep = deep };

	twalk_r(paths, collect, &search);
	return search;
}

static void drop(const char *path) {
	char **found = tfind(path, &paths, compare);
	char *mine = found ? *found : NULL;

	if (mine) {
		tdelete(path, &paths, compare);
		free(mine);
	}
}

static void drop_tree(const char *path) {
	struct search search = find_in(path, true);

	for (size_t i = 0; i < search.count; i++)
		drop(search.found[i]);
	free(search.found);
	drop(path);
}

static char *join(const char *directory, const char *name) {
	char *path;

	if (asprintf(&path, "%s%s%s", directory, *directory ? "/" : "", name) < 0)
		abort();
	return path;
}

static void list_tree(const char *directory);

/* Whatever it is, a name that is there now. */
static void look_at(const char *path) {
	char *full = join(root, path);
	struct stat st;

	if (lstat(full, &st) < 0)
		drop_tree(path);
	else {
		add(path);
		if (S_ISDIR(st.st_mode))
			list_tree(path);
	}
	free(full);
}

/* What is in a directory; and what is below it, as far as that is new. */
static void list(const char *directory, bool deep) {
	char *full = *directory ? join(root, directory) : strdup(root);
	struct search old = find_in(directory, false);
	DIR *stream = full ? opendir(full) : NULL;
	struct dirent *entry;

	for (size_t i = 0; i < old.count; i++) {
		char *path = join(root, old.found[i]);

		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			drop_tree(old.found[i]);
		free(path);
	}
	while (stream && (entry = readdir(stream))) {
		char *path = join(directory, entry->d_name);
		bool known = tfind(path, &paths, compare);

		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			add(path);
			if (entry->d_type == DT_DIR && (deep || !known))
				list(path, true);
		}
		free(path);
	}
	if (stream)
		closedir(stream);
	free(old.found);
	free(full);
}

static void list_tree(const char *directory) {
	list(directory, true);
}

/* ---- its file: the clock, the watch that stays, the paths ---- */

static bool load(void) {
	FILE *file = fopen(file_name, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	bool good = file && fscanf(file, "%lu %255s\n", &clock_now, keeper) == 2;

	/* Ends with a zero, since a name may well have a newline in it. */
	while (good && (n = getdelim(&line, &size, '\0', file)) > 0)
		add(line);
	free(line);
	if (file)
		fclose(file);
	return good;
}

static void write_path(const void *node, VISIT visit, void *closure) {
	const char *path = *(char *const *)node;

	if (visit == postorder || visit == leaf)
		fwrite(path, strlen(path) + 1, 1, closure);
}

static bool save(void) {
	char *other = NULL;
	bool good = false;
	FILE *file;

	if (asprintf(&other, "%s.new", file_name) < 0)
		abort();
	file = fopen(other, "w");
	if (file) {
		fprintf(file, "%lu %s\n", clock_now, *keeper ? keeper : "-");
		twalk_r(paths, write_path, file);
	}
	good = file && fclose(file) == 0 && rename(other, file_name) == 0;
	if (!good)
		perror(file_name);
	free(other);
	return good;
}

/* ---- the watches ---- */

/* Leaves a watch behind, unless the one of an earlier start is still there. */
static void leave_keeper(struct usher *usher) {
	struct usher_watch_options watch_options = USHER_WATCH_OPTIONS_INIT;
	struct usher_options options = USHER_OPTIONS_INIT;
	struct usher_watch_entry **watches = NULL;
	struct usher_watch *watch;
	bool there = false;

	for (int i = usher_list_watches(usher, &watches) - 1; i >= 0; i--)
		there |= watches[i]->mine && strcmp(watches[i]->object, keeper) == 0;
	usher_free_watches(watches);
	watch_options.scope = "recursive";
	options.lifetime = "manual";
	if (there ||
	    usher_watch_subscribe(usher, root, told_events, &watch_options, &options, &watch) < 0)
		return;
	snprintf(keeper, sizeof keeper, "%s", usher_watch_get_object(watch));
	usher_watch_leave(watch);
}

/* Brings the index up to date: from what has changed since, or from nothing. */
static int catch_up(struct usher_watch *watch, bool loaded) {
	char **directories = NULL;
	bool complete = false;
	uint64_t now;
	int r;

	/* Whatever happens while we list is told after this clock. */
	r = usher_watch_get_clock(watch, &now);
	if (r >= 0 && loaded)
		r = usher_watch_since(watch, clock_now, &directories, &now, &complete);
	if (r < 0)
		return r;
	if (!complete) {
		drop_tree("");
		list_tree("");
	}
	for (size_t i = 0; complete && directories[i]; i++)
		list(directories[i], false);
	fprintf(stderr, complete ? "caught up\n" : "listed everything\n");
	usher_free_words(directories);
	clock_now = now;
	return 0;
}

static void apply(const struct usher_change *change) {
	clock_now = change->clock;
	if (change->kind != USHER_WATCH_EVENT) {
		list(change->path, change->flags & USHER_WATCH_ALL);
		return;
	}
	if (*change->old_path)
		drop_tree(change->old_path);
	look_at(change->path);
}

static int follow(struct usher_watch *watch) {
	struct usher_change change;
	int r;

	while (!stop) {
		struct pollfd fd = { .fd = usher_watch_get_fd(watch), .events = POLLIN };

		while ((r = usher_watch_next(watch, &change)) > 0)
			apply(&change);
		if (r < 0)
			return r;
		if (poll(&fd, 1, 60000) == 0)
			save();
	}
	return 0;
}

static void on_signal(int number) {
	stop = number;
}

int main(int argc, char **argv) {
	struct usher_watch_options options = USHER_WATCH_OPTIONS_INIT;
	struct sigaction action = { .sa_handler = on_signal };
	struct usher_watch *watch = NULL;
	struct usher *usher;
	bool loaded, saved;
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: %s DIRECTORY INDEX\n", argv[0]);
		return 2;
	}
	r = usher_open(&usher, 0);
	if (r < 0) {
		fprintf(stderr, "the bus: %s\n", strerror(-r));
		return 1;
	}
	root = argv[1];
	file_name = argv[2];
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	loaded = load();
	options.scope = "recursive";
	r = usher_watch_open(usher, root, told_events, &options, NULL, &watch);
	if (r >= 0)
		r = catch_up(watch, loaded);
	/* what cannot be saved needs nobody who remembers */
	saved = r >= 0 && save();
	if (saved) {
		leave_keeper(usher);
		r = follow(watch);
		saved = r >= 0 && save();
	}
	if (r < 0)
		fprintf(stderr, "%s: %s\n", root, usher_message(usher) ?: strerror(-r));
	usher_watch_close(watch);
	usher_close(usher);
	return !saved;
}
