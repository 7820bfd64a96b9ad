/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "entrance.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entry.h"
#include "fd.h"

static int open_type(const struct place *place, int pidfd, const struct namespace_type *type) {
	char path[64];
	int fd = ioctl(pidfd, type->request, 0);

	if (fd >= 0)
		return fd;
	(void)snprintf(path, sizeof path, "%d/ns/%s", place->pid, type->word);
	fd = openat(place->proc, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The service's own, which are the same for every place. */
static struct {
	bool known;
	bool there[NAMESPACE_TYPES]; /* this kernel has such namespaces */
	struct stat stat[NAMESPACE_TYPES];
} ours;

int entrance_prepare(const struct place *place) {
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		char path[64];

		(void)snprintf(path, sizeof path, "self/ns/%s", namespace_types[i].word);
		ours.there[i] = fstatat(place->proc, path, &ours.stat[i], 0) == 0;
		if (!ours.there[i] && errno != ENOENT)
			return -errno;
	}
	ours.known = true;
	return 0;
}

/* -1 where it is the service's own. */
static int open_other(const struct place *place, int pidfd, size_t i, int *ret) {
	_cleanup_close_ int fd = -1;
	struct stat theirs;

	*ret = -1;
	if (!ours.there[i])
		return 0;
	fd = open_type(place, pidfd, &namespace_types[i]);
	if (fd < 0)
		return fd;
	if (fstat(fd, &theirs) < 0)
		return -errno;
	if (theirs.st_dev != ours.stat[i].st_dev || theirs.st_ino != ours.stat[i].st_ino)
		*ret = fd_take(&fd);
	return 0;
}

int entrance_open(struct entrance *entrance, const struct place *place, int pidfd) {
	int r = ours.known ? 0 : entrance_prepare(place);

	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		entrance->fd[i] = -1;
	entrance->users = -1;
	entrance->pids = false;
	for (size_t i = 0; r == 0 && i < NAMESPACE_TYPES; i++) {
		r = open_other(place, pidfd, i, &entrance->fd[i]);
		if (namespace_types[i].flag == CLONE_NEWUSER)
			entrance->users = entrance->fd[i];
		else if (namespace_types[i].flag == CLONE_NEWPID)
			entrance->pids = entrance->fd[i] >= 0;
	}
	return r;
}

void entrance_done(struct entrance *entrance) {
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		fd_closep(&entrance->fd[i]);
	entrance->users = -1;
}

/* Of the kinds that are left; what takes a right that comes with the user namespace stays left. */
static int join(const struct entrance *entrance, bool left[NAMESPACE_TYPES], bool last,
		const char **ret_word) {
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		if (!left[i])
			continue;
		if (setns(entrance->fd[i], (int)namespace_types[i].flag) == 0)
			left[i] = false;
		else if (errno != EPERM || last) {
			*ret_word = namespace_types[i].word;
			return -errno;
		}
	}
	return 0;
}

int entrance_enter(const struct entrance *entrance, const struct place *place,
		   int (*become)(void *data), void *data, const char **ret_word) {
	bool left[NAMESPACE_TYPES];
	int r;

	*ret_word = NULL;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		left[i] = entrance->fd[i] >= 0 && entrance->fd[i] != entrance->users;
	r = join(entrance, left, false, ret_word);
	if (r == 0)
		r = become(data);
	if (r == 0 && entrance->users >= 0 && setns(entrance->users, CLONE_NEWUSER) < 0) {
		*ret_word = "user";
		return -errno;
	}
	if (r == 0)
		r = join(entrance, left, true, ret_word);
	return r == 0 ? place_enter_root(place) : r;
}
