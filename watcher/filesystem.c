/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches of whole file systems and parts of them: one fanotify mark that all of them share. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "instant.h"
#include "lookout.h"

enum {
	BUSY_USEC = 200,         /* where nobody has to wait longer than that for a batch … */
	FEW = 20,                /* … or it has more than these, … */
	STREAK = 16,             /* … so many times, … */
	PAUSE_USEC = 2000,       /* … it pays to let more come together, … */
	READER_USEC = 500,       /* … the longer, the more readers are woken by each batch, … */
	LONG_PAUSE_USEC = 10000, /* … but no longer than that */
	LATE_USEC = 100 * 1000,  /* so often those who look are asked whether they have found */
	BLIND_USEC = 1000 * 1000, /* so often at most all are told that they have not */
	GATHERING_USEC =
		50 * 1000, /* between a watcher's begin and the last of its earlier watches */
};

/* What the table of directories lives on, whatever the watches want. */
static const uint64_t of_directories =
	FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_ATTRIB | FAN_ONDIR;
/* Reading habits, which nobody has told whoever may look into a directory; but of their own file or
 * directory people may know, as they may by inotify. */
static const uint32_t of_habits =
	USHER_WATCH_OPEN | USHER_WATCH_OPEN_EXEC | USHER_WATCH_ACCESS | USHER_WATCH_CLOSE_NOWRITE;
/* What other kinds tell of, or is known without being asked for. */
static const uint32_t of_others = USHER_WATCH_UNMOUNT | USHER_WATCH_DELETE_SELF |
				  USHER_WATCH_MOUNT_ATTACH | USHER_WATCH_MOUNT_DETACH |
				  USHER_WATCH_OPEN_PERM | USHER_WATCH_ACCESS_PERM |
				  USHER_WATCH_EXEC_PERM;

static uint64_t pause_usec(const struct lookout *lookout) {
	return instant_earlier(PAUSE_USEC + lookout->watcher->n_watches * READER_USEC,
			       LONG_PAUSE_USEC);
}

/* Reading a few events at a time costs more than they do: while there are many, it pays to let some
 * come together. While there are few, nobody waits. What it takes to tell them does not count as
 * quiet: with many readers that is more than the time between events. */
static void read_paced(struct lookout *lookout, bool paused) {
	uint64_t before = lookout->taken;
	bool soon = !paused && instant_usec() - lookout->watcher->idle_since < BUSY_USEC;

	batch_read(lookout);
	if (soon || lookout->taken - before >= FEW)
		lookout->streak++;
	else
		lookout->streak = 0;
	if (lookout->streak >= STREAK)
		lookout->waits_until = instant_usec() + pause_usec(lookout);
}

static void hear_group(struct watcher *watcher, struct source *source, uint32_t events) {
	read_paced((struct lookout *)source, false); /* its first member */
}

/* Who pauses is not in the epoll at all: fanotify does not say what it wakes for, so that each
 * event would wake a thread that asked for none. */
static int listen_if(struct lookout *lookout, bool listening) {
	int r = 0;

	if (lookout->listening == listening)
		return 0;
	if (listening)
		r = watcher_listen(lookout->watcher, &lookout->group, EPOLLIN);
	else
		watcher_ignore(lookout->watcher, &lookout->group);
	lookout->listening = listening && r == 0;
	return r;
}

/* Pages of its own, which can be given back. */
static bool make_block(struct block *block) {
	void *bytes = mmap(NULL, LOOKOUT_BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	block->bytes = bytes == MAP_FAILED ? NULL : bytes;
	return block->bytes;
}

static void drop_block(struct block *block) {
	if (block->bytes)
		(void)munmap(block->bytes, LOOKOUT_BLOCK);
}

static int begin(struct watcher *watcher, int *superblock, int *group, struct refusal *refusal) {
	struct lookout *lookout = calloc(1, sizeof *lookout);
	int r;

	if (!lookout)
		return -ENOMEM;
	watcher->own = lookout;
	lookout->watcher = watcher;
	lookout->group = (struct source){ .fd = -1, .ready = hear_group };
	lookout->superblock.fd = lookout->superblock.files = -1;
	lookout->large_until = UINT64_MAX;
	lookout->spot = calloc(1, sizeof *lookout->spot);
	lookout->n_spots = 1;
	if (!make_block(&lookout->now) || !make_block(&lookout->ahead) || !lookout->spot)
		return -ENOMEM;
	if (*superblock < 0)
		return -EBADF;
	r = superblock_begin(&lookout->superblock, superblock);
	if (r < 0)
		return r;
	if (*group >= 0) {
		/* marked with whatever it was: that is wanted again as soon as the watches come */
		lookout->group.fd = fd_take(group);
		lookout->mask = group_mask(~(uint32_t)0) | of_directories;
		lookout->waits_until = instant_usec() + GATHERING_USEC;
	} else {
		lookout->group.fd = group_new();
	}
	if (lookout->group.fd < 0)
		return refusal_note(refusal, lookout->group.fd,
				    "file systems cannot be watched here");
	r = listen_if(lookout, lookout->waits_until == 0);
	if (r == 0)
		r = outlook_begin(lookout);
	watcher_keep(watcher, lookout->group.fd);
	return r;
}

/* The same, of the layer that an overlay writes to. */
static int begin_layer(struct watcher *watcher, int *superblock, int *group,
		       struct refusal *refusal) {
	int r = begin(watcher, superblock, group, refusal);

	if (r == 0)
		((struct lookout *)watcher->own)->superblock.layer = true;
	return r;
}

/* ---- the mark ---- */

static uint64_t wanted_mask(const struct lookout *lookout, bool with, const struct watch *watch) {
	uint64_t mask = of_directories;

	for (uint32_t i = 1; i < lookout->n_spots; i++) {
		if (lookout->spot[i].n > 0 && !lookout->spot[i].directory)
			mask |= FAN_DELETE_SELF;
		for (size_t j = 0; j < lookout->spot[i].n; j++) {
			const struct watch *other = lookout->spot[i].eye[j]->watch;

			if (other != watch || with)
				mask |= group_mask(other->events & ~of_others);
		}
	}
	return mask;
}

/* A little at a time: what was wanted by an earlier watcher's watches may be by those still to
 * come. */
static int mark(struct lookout *lookout, uint64_t mask) {
	bool gathers = lookout->waits_until && lookout->batch == 0;
	int r = group_mark(lookout->group.fd, lookout->superblock.fd, gathers ? 0 : lookout->mask,
			   mask);

	if (r < 0)
		return r;
	if (gathers)
		mask |= lookout->mask;
	if (mask & ~lookout->mask)
		journal_forget(&lookout->watcher->journal);
	lookout->mask = mask;
	return 0;
}

static int check_events(const struct lookout *lookout, const struct watch *watch,
			struct refusal *refusal) {
	if (watch->events & of_habits && !watch->order->beholder->everything &&
	    watch->scope != WATCH_INODE && watch->scope != WATCH_CHILDREN)
		return refusal_note(refusal, REFUSED_INVALID,
				    "events: open, open-exec, access and close-nowrite take the "
				    "scope inode or children");
	if (watch->events & of_habits && lookout->superblock.layer)
		return refusal_note(refusal, REFUSED_INVALID,
				    "events: what is read of an overlay is told by inotify alone");
	return 0;
}

/* ---- where watches begin ---- */

/* The node of a spot, which it may have to be made for. */
static uint32_t settle_spot(struct lookout *lookout, uint32_t number) {
	struct spot *spot = &lookout->spot[number];

	if (spot->directory)
		spot->node = superblock_find_open(&lookout->superblock, &spot->handle);
	else
		spot->node = nodes_add(&lookout->superblock.nodes, &spot->handle, 0, "", 0);
	if (spot->node)
		lookout->superblock.nodes.node[spot->node].spot = number;
	return spot->node;
}

static uint32_t find_spot(struct lookout *lookout, const struct handle *handle, bool directory) {
	struct spot *more, *spot;
	uint32_t free = 0;

	for (uint32_t i = 1; i < lookout->n_spots; i++) {
		if (lookout->spot[i].n == 0)
			free = i;
		else if (handle_is(&lookout->spot[i].handle, handle))
			return i;
	}
	if (!free) {
		more = reallocarray(lookout->spot, lookout->n_spots + 1, sizeof *more);
		if (!more)
			return 0;
		lookout->spot = more;
		free = lookout->n_spots++;
		/* they point into themselves */
		for (uint32_t i = 1; i < free; i++)
			more[i].handle.bytes = more[i].space;
	}
	spot = &lookout->spot[free];
	*spot = (struct spot){ .directory = directory };
	memcpy(spot->space, handle->bytes, handle->size);
	spot->handle = (struct handle){ spot->space, handle->size };
	return settle_spot(lookout, free) ? free : 0;
}

static int stand(struct lookout *lookout, struct eye *eye) {
	uint8_t space[HANDLE_MAX];
	struct handle handle;
	struct spot *spot;
	struct stat st;
	int r;

	if (fstat(eye->watch->root, &st) < 0)
		return -errno;
	r = lookout->superblock.layer ? overlay_handle(lookout, eye->watch->root, space, &handle)
				      : handle_of(eye->watch->root, space, &handle);
	if (r < 0)
		return r;
	eye->spot = find_spot(lookout, &handle, S_ISDIR(st.st_mode));
	if (!eye->spot)
		return -ESTALE;
	r = outlook_take(lookout, eye);
	if (r < 0)
		return r;
	spot = &lookout->spot[eye->spot];
	r = choir_join(spot, eye);
	if (r == 0)
		lookout->n_files += !spot->directory;
	return r;
}

static void leave_spot(struct lookout *lookout, struct eye *eye) {
	struct spot *spot = &lookout->spot[eye->spot];

	if (choir_leave(spot, eye))
		lookout->n_files -= !spot->directory;
	if (spot->n > 0)
		return;
	free(spot->eye);
	spot->eye = NULL;
	if (!spot->node)
		return;
	lookout->superblock.nodes.node[spot->node].spot = 0;
	if (!spot->directory)
		nodes_drop(&lookout->superblock.nodes, spot->node);
}

/* ---- what the broker orders ---- */

static void remove_watch(struct watcher *watcher, struct watch *watch) {
	struct lookout *lookout = watcher->own;
	struct eye *eye = watch->own;

	if (!eye)
		return;
	outlook_release(lookout, eye);
	if (eye->spot)
		leave_spot(lookout, eye);
	beholders_release(&lookout->superblock.beholders, eye->beholder);
	actor_forget(&eye->self);
	free(eye);
	watch->own = NULL;
	if (watcher->n_watches > 0)
		(void)mark(lookout, wanted_mask(lookout, false, watch));
}

static int open_eye(struct lookout *lookout, struct watch *watch) {
	struct eye *eye = calloc(1, sizeof *eye);
	int r;

	if (!eye)
		return -ENOMEM;
	r = beholders_take(&lookout->superblock.beholders, watch->order->beholder);
	if (r < 0) {
		free(eye);
		return r;
	}
	eye->beholder = (size_t)r;
	eye->watch = watch;
	eye->report_pid = watch->order->report_pid;
	if (watch->order->has_caller_pid)
		actor_know((pid_t)watch->order->caller_pid, watch->order->caller_start, &eye->self);
	watch->own = eye;
	r = nodes_widen(&lookout->superblock.nodes,
			beholders_words(&lookout->superblock.beholders));
	return r < 0 ? r : stand(lookout, eye);
}

static int add(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	struct lookout *lookout = watcher->own;
	int r = check_events(lookout, watch, refusal);

	if (r != 0)
		return r;
	r = open_eye(lookout, watch);
	if (r == 0)
		r = mark(lookout, wanted_mask(lookout, true, watch));
	if (r == -EUSERS)
		r = refusal_note(refusal, REFUSED_LIMIT,
				 "%d different users and groups watch this file system already",
				 BEHOLDERS_MAX);
	else if (r < 0)
		r = refusal_note(refusal, r, "the file system cannot be watched: %s",
				 strerrordesc_np(-r));
	if (r != 0)
		remove_watch(watcher, watch);
	else if (lookout->waits_until && lookout->batch == 0)
		lookout->waits_until = instant_usec() + GATHERING_USEC;
	return r;
}

static int set_events(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	struct lookout *lookout = watcher->own;
	struct eye *eye = watch->own;
	int r = check_events(lookout, watch, refusal);

	if (r == 0)
		r = mark(lookout, wanted_mask(lookout, true, watch));
	if (r == 0)
		choir_change(&lookout->spot[eye->spot], eye);
	return r;
}

/* ---- after everything ---- */

static void tell_all_lost(struct lookout *lookout) {
	struct watcher *watcher = lookout->watcher;

	lookout->superblock.blind = false;
	lookout->said_blind = instant_usec();
	(void)journal_tick(&watcher->journal);
	journal_forget(&watcher->journal);
	for (size_t i = 0; i < watcher->n_watches; i++)
		watch_tell_lost(watcher, watcher->watches[i], journal_clock(&watcher->journal));
}

/* Something has happened that is not known: all begin anew. */
static void start_over(struct lookout *lookout) {
	struct watcher *watcher = lookout->watcher;

	lookout->overflowed = false;
	arrears_forget(lookout);
	tenure_forget(lookout);
	lookout->n_strays = 0;
	if (superblock_forget(&lookout->superblock) < 0) {
		watcher->leaving = true;
		return;
	}
	for (uint32_t i = 1; i < lookout->n_spots; i++)
		if (lookout->spot[i].n > 0)
			(void)settle_spot(lookout, i);
	tell_all_lost(lookout);
}

/* What waits for directories that nobody can look up now: when it is to be asked for, or told. */
static uint64_t settle_blindness(struct lookout *lookout, uint64_t now) {
	uint64_t next = UINT64_MAX, due = lookout->said_blind + BLIND_USEC;

	if (lookout->superblock.blind && now >= due)
		tell_all_lost(lookout);
	if (lookout->superblock.blind)
		next = due;
	if (lookout->superblock.seekers.n_late > 0)
		next = instant_earlier(next, now + LATE_USEC);
	lookout->watcher->behind = next < UINT64_MAX || arrears_due(lookout) < UINT64_MAX;
	return next;
}

static uint64_t settle(struct watcher *watcher, uint64_t now) {
	struct lookout *lookout = watcher->own;
	uint64_t next;

	if (!lookout || lookout->group.fd < 0)
		return UINT64_MAX;
	if (lookout->waits_until && now >= lookout->waits_until) {
		lookout->waits_until = 0;
		read_paced(lookout, true);
	} else if (lookout->ahead.size > 0 || now >= arrears_due(lookout) ||
		   lookout->superblock.seekers.n_late > 0) {
		batch_read(lookout);
	}
	/* of who has just come it is to be known before their mount goes */
	if (lookout->mounts_changed)
		outlook_refresh(lookout);
	if (lookout->overflowed)
		start_over(lookout);
	next = settle_blindness(lookout, now);
	if (listen_if(lookout, lookout->waits_until == 0) < 0)
		watcher->leaving = true; /* nothing would ever be heard again */
	if (lookout->ahead.size > 0)
		return 0;
	next = instant_earlier(next, lookout->waits_until ? lookout->waits_until : UINT64_MAX);
	return instant_earlier(next,
			       instant_earlier(arrears_due(lookout), batch_rest(lookout, now)));
}

static void end(struct watcher *watcher) {
	struct lookout *lookout = watcher->own;

	if (!lookout)
		return;
	fd_closep(&lookout->group.fd);
	superblock_done(&lookout->superblock);
	drop_block(&lookout->now);
	drop_block(&lookout->ahead);
	free(lookout->event);
	free(lookout->rescan);
	free(lookout->leaving);
	free(lookout->stray);
	free(lookout->spot);
	free(lookout->actors);
	free(lookout->arrears);
	free(lookout->tenures);
	if (lookout->mounts)
		(void)fclose(lookout->mounts);
	free(lookout);
}

const struct watcher_kind filesystem_kind = {
	.name = "filesystem",
	.begin = begin,
	.add = add,
	.set_events = set_events,
	.remove = remove_watch,
	.since = retrospect,
	.settle = settle,
	.end = end,
};

const struct watcher_kind overlay_kind = {
	.name = "overlay",
	.begin = begin_layer,
	.add = add,
	.set_events = set_events,
	.remove = remove_watch,
	.since = retrospect,
	.settle = settle,
	.end = end,
};
