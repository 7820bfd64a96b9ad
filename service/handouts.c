/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "handouts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "store.h"

enum {
	/* What each is at least: the smallest takes a page, a file and a watch, and of these the
	 * kernel lets the service have so many. */
	BYTES_LEAST = 64 * 1024,
	/* For as many as all users may have together: calls at a time are promised no more than
	 * twice that. */
	TABLE_MAX = 2 * (HANDOUTS_TOTAL_MAX / BYTES_LEAST),
};

static const char name[] = "rows-in-memory";

struct handouts_table {
	struct line {
		uint64_t bytes;
		uint32_t uid;
		int32_t watch; /* 0: nothing stands here */
	} lines[TABLE_MAX];
};

struct handout {
	struct handout *next;
	int watch;
	uid_t uid;
	uint64_t bytes;
	struct line *line; /* NULL: there was no room */
};

/* ---- what outlives the service ---- */

static struct line *find_room(const struct handouts *handouts) {
	for (size_t i = 0; handouts->table && i < TABLE_MAX; i++)
		if (handouts->table->lines[i].watch == 0)
			return &handouts->table->lines[i];
	return NULL;
}

/* Begun with the first one: most services hand out none. */
static void keep(struct handouts *handouts) {
	const int fds[] = { handouts->inotify, handouts->memory };

	if (!handouts->kept && handouts->table)
		handouts->kept = store_keep_named(name, fds, 2) == 0;
}

static bool is_memory(int fd) {
	struct stat st;

	return fcntl(fd, F_GET_SEALS) >= 0 && fstat(fd, &st) == 0 &&
	       st.st_size == sizeof(struct handouts_table);
}

/* Whether both came back. */
static bool take_over(struct handouts *handouts) {
	int fds[2] = { -1, -1 };

	if (store_take_named(name, fds, 2) == 2 && is_memory(fds[0]) != is_memory(fds[1])) {
		bool first = is_memory(fds[0]);

		handouts->memory = fds[!first];
		handouts->inotify = fds[first];
		return true;
	}
	fd_closep(&fds[0]);
	fd_closep(&fds[1]);
	return false;
}

static int make(struct handouts *handouts) {
	handouts->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (handouts->inotify < 0)
		return -errno;
	handouts->memory = memfd_create("usher-handouts", MFD_CLOEXEC);
	if (handouts->memory < 0 || ftruncate(handouts->memory, sizeof(struct handouts_table)) < 0)
		return -errno;
	return 0;
}

static int map(struct handouts *handouts) {
	void *table = mmap(NULL, sizeof *handouts->table, PROT_READ | PROT_WRITE, MAP_SHARED,
			   handouts->memory, 0);

	if (table == MAP_FAILED)
		return -errno;
	handouts->table = table;
	return 0;
}

/* What has gone meanwhile the descriptor has to tell still. Lines are taken from the first one on;
 * where nothing was ever written nothing is read, since that would take memory. */
static int read_table(struct handouts *handouts) {
	off_t written = lseek(handouts->memory, 0, SEEK_HOLE);
	size_t n = written > 0 ? (size_t)written / sizeof(struct line) : 0;

	for (size_t i = 0; i < n && i < TABLE_MAX; i++) {
		struct line *line = &handouts->table->lines[i];
		struct handout *handout = line->watch > 0 ? malloc(sizeof *handout) : NULL;

		if (!handout && line->watch > 0)
			return -ENOMEM;
		if (!handout)
			continue;
		*handout = (struct handout){ handouts->first, line->watch, line->uid, line->bytes,
					     line };
		handouts->first = handout;
	}
	return 0;
}

/* ---- one ---- */

static void forget(struct handouts *handouts, int watch) {
	for (struct handout **at = &handouts->first; *at; at = &(*at)->next)
		if ((*at)->watch == watch) {
			struct handout *gone = *at;

			*at = gone->next;
			if (gone->line)
				gone->line->watch = 0;
			free(gone);
			return;
		}
}

/* A watch that is ignored is one of a file that is no more. */
static int on_gone(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	struct inotify_event buffer[64];
	ssize_t n = read(fd, buffer, sizeof buffer);

	/* none of them has a name */
	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof *buffer; i++)
		if (buffer[i].mask & IN_IGNORED)
			forget(userdata, buffer[i].wd);
	return 0;
}

int handouts_begin(struct handouts *handouts, sd_event *event) {
	int r = 0;

	*handouts = (struct handouts){ .inotify = -1, .memory = -1 };
	handouts->kept = take_over(handouts);
	if (!handouts->kept)
		r = make(handouts);
	if (r == 0)
		r = map(handouts);
	if (r == 0)
		r = read_table(handouts);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &handouts->io, handouts->inotify, EPOLLIN, on_gone, handouts);
	return r < 0 ? r : 0;
}

int handouts_add(struct handouts *handouts, uid_t uid, int memfd) {
	struct handout *handout;
	struct stat st;
	char path[64];
	int r;

	if (fstat(memfd, &st) < 0)
		return -errno;
	handout = malloc(sizeof *handout);
	if (!handout)
		return -ENOMEM;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", memfd);
	*handout = (struct handout){
		.next = handouts->first,
		.watch = inotify_add_watch(handouts->inotify, path, IN_DELETE_SELF),
		.uid = uid,
		.bytes = st.st_size > BYTES_LEAST ? (uint64_t)st.st_size : BYTES_LEAST
	};
	if (handout->watch < 0) {
		r = -errno;
		free(handout);
		return r;
	}
	handout->line = find_room(handouts);
	if (handout->line)
		*handout->line = (struct line){ handout->bytes, uid, handout->watch };
	handouts->first = handout;
	keep(handouts);
	return 0;
}

uint64_t handouts_held(const struct handouts *handouts, uid_t uid) {
	uint64_t held = 0;

	for (const struct handout *handout = handouts->first; handout; handout = handout->next)
		held += handout->uid == uid ? handout->bytes : 0;
	return held;
}

uint64_t handouts_total(const struct handouts *handouts) {
	uint64_t total = 0;

	for (const struct handout *handout = handouts->first; handout; handout = handout->next)
		total += handout->bytes;
	return total;
}

void handouts_done(struct handouts *handouts) {
	handouts->io = sd_event_source_disable_unref(handouts->io);
	fd_closep(&handouts->inotify);
	for (struct handout *handout = handouts->first, *next; handout; handout = next) {
		next = handout->next;
		free(handout); /* what stands in the table is for the next life */
	}
	handouts->first = NULL;
	if (handouts->table)
		(void)munmap(handouts->table, sizeof *handouts->table);
	handouts->table = NULL;
	fd_closep(&handouts->memory);
}
