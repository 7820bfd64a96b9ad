/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "subject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "ownership.h"

bool subject_lives(int pidfd) {
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 || errno == EPERM;
}

void subject_name(const struct place *place, pid_t pid, char ret[SUBJECT_NAME_MAX]) {
	char path[32], name[32];

	(void)snprintf(path, sizeof path, "%d/comm", pid);
	if (place_read(place, path, name, sizeof name) < 0)
		*name = '\0';
	name[strcspn(name, "\n")] = '\0';
	(void)snprintf(ret, SUBJECT_NAME_MAX, "process %d (%s)", pid, name);
}

/* By the real and the saved one, which somebody else's program that runs for the user has, too. */
int subject_is_users(const struct place *place, pid_t pid, uid_t uid, bool *ret) {
	char path[32], status[16384];
	unsigned real, effective, saved;
	const char *line;
	int r;

	(void)snprintf(path, sizeof path, "%d/status", pid);
	r = place_read(place, path, status, sizeof status);
	if (r < 0)
		return r;
	line = strstr(status, "\nUid:\t");
	if (!line || sscanf(line + 6, "%u %u %u", &real, &effective, &saved) != 3)
		return -EBADMSG;
	*ret = real == uid || saved == uid;
	return 0;
}

int subject_may_signal(const struct place *place, int pidfd, bool *ret) {
	_cleanup_close_ int users = -1;
	pid_t pid = place_process(place, pidfd);
	int r = pid > 0 ? subject_is_users(place, pid, place->uid, ret) : -ESRCH;

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	if (!*ret && place->caller_users >= 0) {
		users = subject_open_namespace(place, pidfd, "user");
		*ret = users >= 0 && place_owns_users(place, users);
	}
	return subject_lives(pidfd) ? 0 : -ESRCH;
}

/* A process that has ended and was not waited for is listed, but has none any more. */
static bool is_lacking(const struct place *place, const char *type) {
	struct stat ignored;
	char path[64];

	(void)snprintf(path, sizeof path, "self/ns/%s", type);
	return fstatat(place->proc, path, &ignored, AT_SYMLINK_NOFOLLOW) < 0;
}

int subject_open_namespace(const struct place *place, int pidfd, const char *type) {
	_cleanup_close_ int fd = -1;
	pid_t pid = place_process(place, pidfd);
	char path[64];
	int r;

	if (pid <= 0)
		return pid == -EBADF ? pid : -ESRCH;
	(void)snprintf(path, sizeof path, "%d/ns/%s", pid, type);
	fd = openat(place->proc, path, O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? -errno : 0;
	if (r == -ENOENT && is_lacking(place, type))
		return -EOPNOTSUPP;
	if (r == -ENOENT || !subject_lives(pidfd))
		return -ESRCH;
	return r < 0 ? r : fd_take(&fd);
}
