/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "seekers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"

/* A disk that is slow answers within that, mostly. Who has many locked is waited for less each. */
enum { PATIENCE_MSEC = 200, HALVINGS = 4 };

/* ---- a seeker ---- */

/* It is of no use when it cannot open anything any more. */
static _Noreturn void seek(int connection, int superblock) {
	uint8_t space[HANDLE_MAX];
	ssize_t n;

	while ((n = recv(connection, space, sizeof space, 0)) > HANDLE_HEAD) {
		const struct handle handle = { space, (size_t)n };
		_cleanup_close_ int fd = handle_open(superblock, &handle);

		if (fd >= 0 ? fd_send(connection, fd, 0) < 0
			    : fd != -ESTALE || send(connection, "", 1, MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

static int pair(int fds[2]) {
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

/* ---- the nursery ---- */

static void bear(int connection, int superblock) {
	int fds[2];

	if (pair(fds) < 0)
		_exit(1);
	switch (fork()) {
	case -1: _exit(1);
	case 0:
		(void)close(connection);
		(void)close(fds[0]);
		seek(fds[1], superblock);
	}
	(void)close(fds[1]);
	if (fd_send(connection, fds[0], 0) < 0)
		_exit(1);
	(void)close(fds[0]);
}

static _Noreturn void nurse(int connection, int superblock) {
	char byte;

	/* nobody waits for those who have ended */
	if (fd_close_all_but((int[]){ connection, superblock }, 2) < 0 ||
	    signal(SIGCHLD, SIG_IGN) == SIG_ERR || prctl(PR_SET_NAME, "usher-seeker") < 0)
		_exit(1);
	while (recv(connection, &byte, 1, 0) > 0)
		bear(connection, superblock);
	_exit(0);
}

int seekers_begin(struct seekers *seekers, int superblock) {
	int fds[2], r = pair(fds);
	pid_t pid;

	*seekers = (struct seekers){ .nursery = -1 };
	for (size_t i = 0; i < SEEKERS_MAX; i++)
		seekers->seeker[i].fd = -1;
	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0)
		nurse(fds[1], superblock);
	r = pid < 0 ? -errno : 0;
	(void)close(fds[1]);
	if (r < 0)
		(void)close(fds[0]);
	else
		seekers->nursery = fds[0];
	return r;
}

/* ---- asking ---- */

static void dismiss(struct seekers *seekers, struct seeker *seeker) {
	seekers->n_late -= seeker->late;
	seeker->late = false;
	fd_closep(&seeker->fd);
	seeker->fd = -1;
}

void seekers_done(struct seekers *seekers) {
	if (seekers->nursery <= 0)
		return; /* it has never begun */
	for (size_t i = 0; i < SEEKERS_MAX; i++)
		dismiss(seekers, &seekers->seeker[i]);
	fd_closep(&seekers->nursery);
}

/* Without a nursery there is nothing to be done: who comes after us has another. */
static void hire(const struct seekers *seekers, struct seeker *seeker) {
	if (send(seekers->nursery, "", 1, MSG_NOSIGNAL) < 0)
		abort();
	seeker->fd = fd_receive(seekers->nursery);
	if (seeker->fd < 0)
		abort();
}

static struct seeker *find_free(struct seekers *seekers) {
	struct seeker *none = NULL;

	for (size_t i = 0; i < SEEKERS_MAX; i++) {
		struct seeker *seeker = &seekers->seeker[i];

		if (seeker->fd >= 0 && !seeker->late)
			return seeker;
		if (seeker->fd < 0)
			none = seeker;
	}
	if (none)
		hire(seekers, none);
	return none;
}

static bool is_sought(const struct seekers *seekers, const struct handle *handle) {
	for (size_t i = 0; seekers->n_late > 0 && i < SEEKERS_MAX; i++)
		if (seekers->seeker[i].late && handle_is(&seekers->seeker[i].handle, handle))
			return true;
	return false;
}

static bool has_answered(const struct seeker *seeker, int msec) {
	struct pollfd poller = { .fd = seeker->fd, .events = POLLIN };

	return poll(&poller, 1, msec) > 0;
}

static int take_answer(struct seekers *seekers, struct seeker *seeker) {
	int fd = fd_receive(seeker->fd);

	if (fd == -EBADMSG)
		return -ESTALE; /* it came without one */
	if (fd < 0)
		dismiss(seekers, seeker);
	return fd;
}

static int patience(const struct seekers *seekers) {
	return PATIENCE_MSEC >> (seekers->n_late < HALVINGS ? seekers->n_late : HALVINGS);
}

int seekers_open(struct seekers *seekers, const struct handle *handle) {
	struct seeker *seeker;

	if (is_sought(seekers, handle))
		return -EAGAIN;
	seeker = find_free(seekers);
	if (!seeker)
		return -EBUSY;
	if (send(seeker->fd, handle->bytes, handle->size, MSG_NOSIGNAL) < 0) {
		dismiss(seekers, seeker);
		return -EIO;
	}
	if (has_answered(seeker, patience(seekers)))
		return take_answer(seekers, seeker);
	memcpy(seeker->space, handle->bytes, handle->size);
	seeker->handle = (struct handle){ seeker->space, handle->size };
	seeker->late = true;
	seekers->n_late++;
	return -EAGAIN;
}

bool seekers_late(struct seekers *seekers, uint8_t space[HANDLE_MAX], struct handle *ret,
		  int *ret_fd) {
	for (size_t i = 0; seekers->n_late > 0 && i < SEEKERS_MAX; i++) {
		struct seeker *seeker = &seekers->seeker[i];

		if (!seeker->late || !has_answered(seeker, 0))
			continue;
		*ret = (struct handle){ memcpy(space, seeker->space, seeker->handle.size),
					seeker->handle.size };
		*ret_fd = take_answer(seekers, seeker);
		seekers->n_late -= seeker->late;
		seeker->late = false;
		return true;
	}
	return false;
}
