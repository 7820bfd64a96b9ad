/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "fd.h"

/* The directory may be one that we must not read: then the name is looked at now and then. */
static int watch(int directory) {
	_cleanup_close_ int news = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[32];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", directory);
	if (news < 0 ||
	    inotify_add_watch(news, path, IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF) < 0)
		return -1;
	return fd_take(&news);
}

int holder_open(struct holder *holder, int fd, const char *name, const struct stat *namespace) {
	*holder = HOLDER_NONE;
	holder->fd = fd;
	holder->device = namespace->st_dev;
	holder->inode = namespace->st_ino;
	if (name) {
		holder->name = strdup(name);
		holder->news = holder->name ? watch(fd) : -1;
	} else
		holder->news = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (name ? !holder->name : holder->news < 0) {
		holder_close(holder);
		return name ? -ENOMEM : -errno;
	}
	return 0;
}

void holder_close(struct holder *holder) {
	free(holder->name);
	fd_closep(&holder->fd);
	fd_closep(&holder->news);
	*holder = HOLDER_NONE;
}

static bool name_leads(const struct holder *holder) {
	struct stat st;

	if (fstatat(holder->fd, holder->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno != ENOENT && errno != ENOTDIR;
	return st.st_dev == holder->device && st.st_ino == holder->inode;
}

static void forget_news(const struct holder *holder) {
	char events[4096];

	while (read(holder->news, events, sizeof events) > 0)
		;
}

bool holder_leads(const struct holder *holder) {
	struct pollfd process = { .fd = holder->fd, .events = POLLIN };

	if (holder->fd < 0)
		return true;
	if (!holder->name)
		return poll(&process, 1, 0) <= 0;
	if (holder->news >= 0)
		forget_news(holder);
	return name_leads(holder);
}
