/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "entrance.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* -1 where it is the service's own. */
static int open_other(const struct place *place, int pidfd, const struct namespace_type *type,
		      int *ret) {
	_cleanup_close_ int fd = -1;
	struct stat ours, theirs;
	char path[64];

	*ret = -1;
	(void)snprintf(path, sizeof path, "self/ns/%s", type->word);
	if (fstatat(place->proc, path, &ours, 0) < 0)
		return errno == ENOENT ? 0 : -errno; /* this kernel has no such namespaces */
	fd = open_type(place, pidfd, type);
	if (fd < 0)
		return fd;
	if (fstat(fd, &theirs) < 0)
		return -errno;
	if (theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino)
		*ret = fd_take(&fd);
	return 0;
}

int entrance_open(struct entrance *entrance, const struct place *place, int pidfd) {
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		entrance->fd[i] = -1;
	entrance->users = -1;
	entrance->pids = false;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		int r = open_other(place, pidfd, &namespace_types[i], &entrance->fd[i]);

		if (r < 0)
			return r;
		if (namespace_types[i].flag == CLONE_NEWUSER)
			entrance->users = entrance->fd[i];
		else if (namespace_types[i].flag == CLONE_NEWPID)
			entrance->pids = entrance->fd[i] >= 0;
	}
	return 0;
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
