/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches of what cannot be marked as a whole: FUSE, network file systems, an overlay, anything
 * for who is no more than an ordinary user. The process is the one who watches, so that the kernel
 * judges, and what inotify takes counts for that user. One descriptor for all watches of it.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "guise.h"
#include "instant.h"
#include "watch.h"
#include "watcher.h"

enum { BUFFER_SIZE = 65536, OTHER_HALF_MSEC = 2, ROOTS_USEC = 1000000 };

/* By these the tree is kept, and what may be seen. */
static const uint32_t upkeep =
	IN_CREATE | IN_DELETE | IN_MOVE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

static const struct {
	uint32_t inotify, event;
} names[] = {
	{ IN_CREATE, USHER_WATCH_CREATE },
	{ IN_DELETE, USHER_WATCH_DELETE },
	{ IN_MODIFY, USHER_WATCH_MODIFY },
	{ IN_ATTRIB, USHER_WATCH_ATTRIB },
	{ IN_MOVE, USHER_WATCH_MOVE },
	{ IN_OPEN, USHER_WATCH_OPEN },
	{ IN_ACCESS, USHER_WATCH_ACCESS },
	{ IN_CLOSE_WRITE, USHER_WATCH_CLOSE_WRITE },
	{ IN_CLOSE_NOWRITE, USHER_WATCH_CLOSE_NOWRITE },
	{ IN_DELETE_SELF, USHER_WATCH_DELETE_SELF },
	{ IN_MOVE_SELF, USHER_WATCH_MOVE_SELF },
	{ IN_UNMOUNT, USHER_WATCH_UNMOUNT },
};

static const uint32_t possible = USHER_WATCH_CREATE | USHER_WATCH_DELETE | USHER_WATCH_MODIFY |
				 USHER_WATCH_ATTRIB | USHER_WATCH_MOVE | USHER_WATCH_OPEN |
				 USHER_WATCH_ACCESS | USHER_WATCH_CLOSE_WRITE |
				 USHER_WATCH_CLOSE_NOWRITE | USHER_WATCH_DELETE_SELF |
				 USHER_WATCH_MOVE_SELF | USHER_WATCH_UNMOUNT;

struct sight {
	struct source source; /* first */
	struct directories directories;
	uint64_t round;
	uint64_t position; /* of the event that is being told */
	uint64_t usec;
	uint64_t roots_looked_at;
};

/* The first half of a move whose other half has not come yet. */
struct departure {
	uint32_t cookie; /* 0: none */
	bool directory;
	enum directory_verdict verdict;
	struct directory *from;
	char path[PATH_MAX], name[NAME_MAX + 1];
	size_t path_length;
};

struct look {
	struct directory *root;
	size_t n; /* directories */
	uint64_t begun;
	bool again; /* it must be walked once more */
	bool doubt; /* something was that decides who may see what */
	bool is_directory;
	struct departure departure;
};

static uint32_t mask_of(uint32_t events) {
	uint32_t mask = upkeep | IN_EXCL_UNLINK;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (events & names[i].event)
			mask |= names[i].inotify;
	return mask & ~(uint32_t)IN_UNMOUNT; /* which comes unasked */
}

static uint32_t events_of(uint32_t mask) {
	uint32_t events = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (mask & names[i].inotify)
			events |= names[i].event;
	return events;
}

static bool is_deep(const struct watch *watch) {
	return watch->scope == WATCH_RECURSIVE || watch->scope == WATCH_FILESYSTEM;
}

static const char *why(int r, char *text, size_t size) {
	if (r == -E2BIG)
		(void)snprintf(
			text, size,
			"scope: there are more than %d directories, which is as many as are "
			"watched one by one where a file system cannot be watched as a whole",
			DIRECTORIES_MAX);
	else if (r == -ENOSPC)
		(void)snprintf(text, size,
			       "the kernel's limit fs.inotify.max_user_watches is reached");
	else if (r == -EMFILE)
		(void)snprintf(text, size,
			       "the kernel's limit fs.inotify.max_user_instances is reached");
	else
		(void)snprintf(text, size, "cannot be watched: %s", strerrordesc_np(-r));
	return text;
}

static int failed(int r, struct refusal *refusal) {
	char text[256];
	bool limit = r == -E2BIG || r == -ENOSPC || r == -EMFILE;

	return refusal_note(refusal, limit ? REFUSED_LIMIT : r, "%s", why(r, text, sizeof text));
}

/* ---- telling ---- */

static void tell(struct watcher *watcher, struct watch *watch, uint32_t events, bool is_directory,
		 const struct directory *directory, const char *name) {
	struct sight *sight = watcher->own;
	char path[PATH_MAX];
	ssize_t length = directory_path(directory, name, path, sizeof path);
	struct happening happening = {
		.events = events,
		.directory = is_directory,
		.clock = journal_tick(&watcher->journal),
		.usec = sight->usec,
		.path = path,
		.path_length = (size_t)length,
	};

	if (length < 0)
		watch_tell_lost(watcher, watch, happening.clock);
	else
		watch_tell(watcher, watch, &happening);
}

static void tell_rescan(struct watcher *watcher, const struct directory *directory) {
	char path[PATH_MAX];
	ssize_t length = directory_path(directory, NULL, path, sizeof path);
	uint64_t clock = journal_tick(&watcher->journal);

	if (length < 0)
		watch_tell_lost(watcher, directory->watch, clock);
	else
		watch_tell_rescan(watcher, directory->watch, path, (size_t)length, clock);
}

static void tell_judged(struct watcher *watcher, struct directory *directory,
			enum directory_verdict verdict, uint32_t events, bool is_directory,
			const char *name) {
	if (verdict == DIRECTORY_SEEN)
		tell(watcher, directory->watch, events, is_directory, directory, name);
	else if (verdict == DIRECTORY_DOUBTFUL)
		tell_rescan(watcher, directory);
}

/* What is there already in a directory that has just come has come, too. */
static void found(struct directory *directory, const char *name, bool is_directory, void *data) {
	struct watcher *watcher = data;

	directory->changed = journal_clock(&watcher->journal);
	if (directory->visible)
		tell(watcher, directory->watch, USHER_WATCH_CREATE, is_directory, directory, name);
}

/* ---- the tree ---- */

/* False if the watch has come to its end by that. */
static bool grow(struct watcher *watcher, struct directory *parent, const char *name, bool is_new) {
	struct sight *sight = watcher->own;
	struct watch *watch = parent->watch;
	struct look *look = watch->own;
	char text[256];
	int r;

	/* Two that changed places, or one that took another's: too rare to be followed. */
	if (name && directory_child(parent, name)) {
		look->again = true;
		return true;
	}
	r = directory_grow(&sight->directories, parent, name, mask_of(watch->events), &look->n,
			   is_new ? found : NULL, watcher);

	if (r == 0 || r == -ENOENT)
		return r == 0;
	watcher_end(watcher, watch, why(r, text, sizeof text));
	return false;
}

static void walk_again(struct watcher *watcher, struct watch *watch) {
	struct sight *sight = watcher->own;
	struct look *look = watch->own;

	look->again = false;
	look->departure.cookie = 0;
	watch_tell_lost(watcher, watch, journal_tick(&watcher->journal));
	look->begun = journal_clock(&watcher->journal);
	directory_prune(&sight->directories, look->root, &look->n);
	if (is_deep(watch) && !watch->ended)
		(void)grow(watcher, look->root, NULL, false);
}

static void remove_child(struct watcher *watcher, struct directory *directory, const char *name) {
	struct sight *sight = watcher->own;
	struct look *look = directory->watch->own;
	struct directory *child = directory_child(directory, name);

	if (child)
		directory_cut(&sight->directories, child, &look->n);
}

static void doubt(struct watcher *watcher, struct directory *directory) {
	const struct sight *sight = watcher->own;

	directory->doubted = sight->position;
	((struct look *)directory->watch->own)->doubt = true;
}

/* ---- moves ---- */

/* It went to where it is not seen. */
static void conclude_departure(struct watcher *watcher, struct watch *watch) {
	struct look *look = watch->own;
	struct departure *departure = &look->departure;
	struct sight *sight = watcher->own;
	struct happening happening = { .events = USHER_WATCH_DELETE, .half = true };

	if (departure->cookie == 0)
		return;
	departure->cookie = 0;
	happening.directory = departure->directory;
	happening.clock = journal_tick(&watcher->journal);
	happening.usec = sight->usec;
	happening.path = departure->path;
	happening.path_length = departure->path_length;
	if (departure->verdict == DIRECTORY_SEEN)
		watch_tell(watcher, watch, &happening);
	if (departure->directory)
		remove_child(watcher, departure->from, departure->name);
}

static void depart(struct watcher *watcher, struct directory *directory,
		   enum directory_verdict verdict, const struct inotify_event *event) {
	struct look *look = directory->watch->own;
	struct departure *departure = &look->departure;
	ssize_t length;

	conclude_departure(watcher, directory->watch);
	length = directory_path(directory, event->name, departure->path, sizeof departure->path);
	if (length < 0) {
		look->again = true;
		return;
	}
	if (verdict == DIRECTORY_DOUBTFUL)
		tell_rescan(watcher, directory);
	departure->path_length = (size_t)length;
	(void)snprintf(departure->name, sizeof departure->name, "%s", event->name);
	departure->cookie = event->cookie;
	departure->directory = event->mask & IN_ISDIR;
	departure->verdict = verdict;
	departure->from = directory;
}

/* The tree follows. */
static void graft(struct watcher *watcher, struct directory *directory, const char *name) {
	struct look *look = directory->watch->own;
	struct directory *moved = directory_child(look->departure.from, look->departure.name);
	char *copy;

	if (!moved || directory_child(directory, name)) {
		(void)grow(watcher, directory, name, false);
		return;
	}
	copy = strdup(name);
	if (!copy) {
		look->again = true;
		return;
	}
	directory_graft(moved, directory, copy);
	doubt(watcher, moved);
}

static void arrive(struct watcher *watcher, struct directory *directory,
		   enum directory_verdict verdict, const struct inotify_event *event) {
	struct watch *watch = directory->watch;
	struct look *look = watch->own;
	struct departure *departure = &look->departure;
	struct sight *sight = watcher->own;
	bool is_directory = event->mask & IN_ISDIR;
	bool is_other_half = departure->cookie != 0 && departure->cookie == event->cookie;
	bool was_seen = is_other_half && departure->verdict == DIRECTORY_SEEN;
	char path[PATH_MAX];
	ssize_t length = directory_path(directory, event->name, path, sizeof path);
	struct happening happening = {
		.events = was_seen ? USHER_WATCH_MOVE : USHER_WATCH_CREATE,
		.directory = is_directory,
		.half = !was_seen,
		.clock = journal_tick(&watcher->journal),
		.usec = sight->usec,
		.path = path,
		.path_length = (size_t)length,
		.old_path = was_seen ? departure->path : NULL,
		.old_path_length = was_seen ? departure->path_length : 0,
	};

	if (length < 0 || (is_other_half && verdict != DIRECTORY_SEEN)) {
		conclude_departure(watcher, watch);
		is_other_half = false;
	}
	if (verdict == DIRECTORY_SEEN && length >= 0)
		watch_tell(watcher, watch, &happening);
	else if (verdict == DIRECTORY_DOUBTFUL)
		tell_rescan(watcher, directory);
	if (is_directory && is_deep(watch) && is_other_half)
		graft(watcher, directory, event->name);
	else if (is_directory && is_deep(watch))
		(void)grow(watcher, directory, event->name, false);
	if (is_other_half)
		departure->cookie = 0;
}

/* ---- the end of a root ---- */

/* The kernel does not tell of the end of what is held open. */
static bool has_gone(const struct watch *watch) {
	struct statx stx;

	return statx(watch->root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &stx) == 0 &&
	       stx.stx_nlink == 0;
}

static void end_if_gone(struct watcher *watcher, struct watch *watch) {
	struct sight *sight = watcher->own;
	const struct look *look = watch->own;

	if (watch->ended || watch->gone || !has_gone(watch))
		return;
	sight->usec = instant_date_usec();
	tell(watcher, watch, USHER_WATCH_DELETE_SELF, look->is_directory, look->root, NULL);
	watch->gone = true;
}

static uint64_t look_at_roots(struct watcher *watcher, uint64_t now) {
	struct sight *sight = watcher->own;

	if (now < sight->roots_looked_at + ROOTS_USEC)
		return sight->roots_looked_at + ROOTS_USEC;
	sight->roots_looked_at = now;
	for (size_t i = 0; i < watcher->n_watches; i++)
		end_if_gone(watcher, watcher->watches[i]);
	return now + ROOTS_USEC;
}

/* ---- hearing ---- */

static void hear_self(struct watcher *watcher, struct directory *directory,
		      const struct inotify_event *event) {
	struct watch *watch = directory->watch;

	if (event->mask & (IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF))
		doubt(watcher, directory);
	if (directory->parent)
		return; /* the parent tells of it by name */
	tell(watcher, watch, events_of(event->mask), event->mask & IN_ISDIR, directory, NULL);
	if (event->mask & (IN_DELETE_SELF | IN_UNMOUNT))
		watch->gone = true;
}

static void hear_child(struct watcher *watcher, struct directory *directory,
		       const struct inotify_event *event) {
	struct sight *sight = watcher->own;
	struct watch *watch = directory->watch;
	bool is_directory = event->mask & IN_ISDIR;
	enum directory_verdict verdict =
		directory_judge(&sight->directories, directory, sight->position, sight->round);
	struct directory *child;

	directory->changed = journal_clock(&watcher->journal);
	if (watch->scope == WATCH_INODE)
		return;
	if (event->mask & IN_MOVED_FROM)
		depart(watcher, directory, verdict, event);
	else if (event->mask & IN_MOVED_TO)
		arrive(watcher, directory, verdict, event);
	else
		tell_judged(watcher, directory, verdict, events_of(event->mask), is_directory,
			    event->name);
	if (!is_directory || !is_deep(watch))
		return;
	child = directory_child(directory, event->name);
	if (event->mask & IN_DELETE)
		remove_child(watcher, directory, event->name);
	else if (event->mask & IN_CREATE && !child)
		(void)grow(watcher, directory, event->name, true);
	else if (event->mask & IN_ATTRIB && child)
		doubt(watcher, child);
	else if (event->mask & IN_ATTRIB && grow(watcher, directory, event->name, false))
		tell_rescan(watcher, directory_child(directory, event->name));
}

/* The kernel has let go of it. */
static void lose(struct watcher *watcher, struct directory *directory) {
	struct sight *sight = watcher->own;
	struct look *look = directory->watch->own;

	if (!directory->parent)
		directory->watch->gone = true;
	else
		directory_cut(&sight->directories, directory, &look->n);
}

/* Hearing of one may change the tree of its watch, and no other's. */
static void hear(struct watcher *watcher, const struct inotify_event *event) {
	struct sight *sight = watcher->own;

	for (size_t i = 0; i < watcher->n_watches; i++) {
		struct watch *watch = watcher->watches[i];
		struct directory *d;

		if (watch->ended || watch->gone)
			continue;
		if (event->mask & IN_Q_OVERFLOW)
			((struct look *)watch->own)->again = true;
		d = event->wd < 0 ? NULL
				  : sight->directories.by_number[event->wd % DIRECTORY_BUCKETS];
		while (d && (d->number != event->wd || d->watch != watch))
			d = d->chain;
		if (!d)
			continue;
		if (event->mask & (IN_IGNORED | IN_DELETE))
			conclude_departure(watcher, watch); /* while its directory is there */
		if (event->mask & IN_IGNORED)
			lose(watcher, d);
		else if (event->len > 0)
			hear_child(watcher, d, event);
		else
			hear_self(watcher, d, event);
	}
}

static bool anything_departed(const struct watcher *watcher) {
	for (size_t i = 0; i < watcher->n_watches; i++)
		if (((const struct look *)watcher->watches[i]->own)->departure.cookie != 0)
			return true;
	return false;
}

static bool read_some(struct watcher *watcher) {
	static _Alignas(struct inotify_event) char buffer[BUFFER_SIZE];
	struct sight *sight = watcher->own;
	ssize_t n = read(sight->source.fd, buffer, sizeof buffer);

	if (n <= 0)
		return false;
	journal_set_busy(&watcher->journal, true);
	sight->usec = instant_date_usec();
	sight->round++;
	sight->position = sight->directories.position;
	sight->directories.position += (uint64_t)n;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const void *)(buffer + at);

		hear(watcher, event);
		at += (ssize_t)(sizeof *event + event->len);
		sight->position += sizeof *event + event->len;
	}
	return true;
}

static void hear_kernel(struct watcher *watcher, struct source *source, uint32_t events) {
	struct pollfd queue = { .fd = source->fd, .events = POLLIN };

	if (!read_some(watcher))
		return;
	/* the other half of a move is about to come, if it comes */
	if (anything_departed(watcher) && poll(&queue, 1, OTHER_HALF_MSEC) > 0)
		(void)read_some(watcher);
	for (size_t i = 0; i < watcher->n_watches; i++) {
		struct watch *watch = watcher->watches[i];
		struct look *look = watch->own;

		conclude_departure(watcher, watch);
		if (look->again)
			walk_again(watcher, watch);
		if (look->doubt)
			directory_look_again(&((struct sight *)watcher->own)->directories,
					     look->root);
		look->doubt = false;
	}
}

/* ---- the kind ---- */

static int begin(struct watcher *watcher, int *superblock, int *group, struct refusal *refusal) {
	struct sight *sight = calloc(1, sizeof *sight);

	watcher->own = sight;
	if (!sight)
		return -ENOMEM;
	sight->source = (struct source){ .fd = -1, .ready = hear_kernel };
	sight->directories.inotify = -1;
	sight->directories.position = 1; /* 0 is before everything */
	watcher_keep(watcher, -1);
	return 0;
}

/* Not before it is known for whom, so that it counts for that one. */
static int open_queue(struct watcher *watcher, struct refusal *refusal) {
	struct sight *sight = watcher->own;
	int r;

	if (sight->source.fd >= 0)
		return 0;
	sight->source.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (sight->source.fd < 0)
		return failed(-errno, refusal);
	sight->directories.inotify = sight->source.fd;
	r = watcher_listen(watcher, &sight->source, EPOLLIN);
	return r < 0 ? r : 0;
}

static int refuse_events(uint32_t events, struct refusal *refusal) {
	if (events & ~possible)
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "events: inotify does not tell of one of them");
	return 0;
}

static void remove_watch(struct watcher *watcher, struct watch *watch) {
	struct sight *sight = watcher->own;
	struct look *look = watch->own;

	if (look && look->root)
		directory_cut(&sight->directories, look->root, &look->n);
	free(look);
	watch->own = NULL;
}

static int plant(struct watcher *watcher, struct watch *watch, struct look *look) {
	struct sight *sight = watcher->own;
	uint32_t mask = mask_of(watch->events);
	int r = directory_plant(&sight->directories, watch, mask, &look->root);

	look->n = 1;
	if (r == 0 && is_deep(watch))
		r = directory_grow(&sight->directories, look->root, NULL, mask, &look->n, NULL,
				   NULL);
	return r;
}

static int add(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	struct look *look;
	int r = guise_take(watch->order->beholder, refusal);

	if (r == 0)
		r = open_queue(watcher, refusal);
	if (r == 0)
		r = refuse_events(watch->events, refusal);
	if (r != 0)
		return r;
	watch->own = look = calloc(1, sizeof *look);
	if (!look)
		return -ENOMEM;
	look->begun = journal_clock(&watcher->journal);
	look->is_directory = watch->order->directory;
	r = plant(watcher, watch, look);
	if (r < 0) {
		r = failed(r, refusal);
		remove_watch(watcher, watch);
		return r;
	}
	/* what an earlier one was told of nobody knows */
	if (watch->resumed)
		watch_tell_lost(watcher, watch, journal_tick(&watcher->journal));
	return 0;
}

static int set_events(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	struct sight *sight = watcher->own;
	struct look *look = watch->own;
	int r = refuse_events(watch->events, refusal);

	if (r == 0)
		r = directory_mask(&sight->directories, look->root, mask_of(watch->events));
	return r < 0 ? failed(r, refusal) : r;
}

/* What may not be seen now is not told, either. */
static int add_changed(struct watcher *watcher, struct directory *directory, uint64_t clock,
		       Usher__WatchChanged *changed) {
	struct sight *sight = watcher->own;
	char path[PATH_MAX];

	if (directory->changed <= clock ||
	    directory_judge(&sight->directories, directory, sight->directories.position, 0) ==
		    DIRECTORY_HIDDEN)
		return 0;
	if (directory_path(directory, NULL, path, sizeof path) < 0)
		return -ENAMETOOLONG;
	return watcher_changed(changed, path);
}

static bool since(struct watcher *watcher, struct watch *watch, uint64_t clock,
		  Usher__WatchChanged *changed) {
	struct look *look = watch->own;
	struct directory *at = look->root;

	if (clock < look->begun)
		return false;
	while (at) {
		if (add_changed(watcher, at, clock, changed) < 0)
			return false;
		if (at->first)
			at = at->first;
		else {
			while (at && !at->next)
				at = at->parent;
			at = at ? at->next : NULL;
		}
	}
	return true;
}

static void end(struct watcher *watcher) {
	struct sight *sight = watcher->own;

	if (sight)
		fd_closep(&sight->source.fd);
	free(sight);
}

const struct watcher_kind inotify_kind = {
	.name = "inotify",
	.begin = begin,
	.end = end,
	.add = add,
	.set_events = set_events,
	.remove = remove_watch,
	.since = since,
	.settle = look_at_roots,
};
