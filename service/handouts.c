/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "handouts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"

struct handout {
	struct handout *next;
	int watch;
	uid_t uid;
	uint64_t bytes;
};

static void forget(struct handouts *handouts, int watch) {
	for (struct handout **at = &handouts->first; *at; at = &(*at)->next)
		if ((*at)->watch == watch) {
			struct handout *gone = *at;

			*at = gone->next;
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
	int r;

	*handouts = (struct handouts){ .inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK) };
	if (handouts->inotify < 0)
		return -errno;
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
	*handout = (struct handout){ .next = handouts->first,
				     .watch = inotify_add_watch(handouts->inotify, path,
								IN_DELETE_SELF),
				     .uid = uid,
				     .bytes = (uint64_t)st.st_size };
	if (handout->watch < 0) {
		r = -errno;
		free(handout);
		return r;
	}
	handouts->first = handout;
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
	while (handouts->first)
		forget(handouts, handouts->first->watch);
}
