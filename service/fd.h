/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors: owning, taking, and a small ordered set of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define _cleanup_(f)    __attribute__((cleanup(f)))
#define _cleanup_close_ _cleanup_(fd_closep)
#define _cleanup_free_  _cleanup_(free_pointer)

/* As many as the bus lets through in one message, and what the broker adds: the caller, its place.
 */
enum { FDS_MAX = 18 };

/* The descriptors of a frame, owned. */
struct fds {
	int fd[FDS_MAX];
	size_t n;
};

void fd_closep(int *fd);
int fd_take(int *fd);
/* Has 0 to 2 be something, so that nothing that is opened later passes for the standard ones. */
int fd_open_standard(void);
/* Closes everything above 2 but these; -1 is none. 0 or a negative errno. */
int fd_close_all_but(const int *keep, size_t n);
/* Two of one file or namespace. */
bool fd_same_file(int a, int b);

/* Takes fd, also when it fails; returns its place, or -E2BIG. */
int fds_add(struct fds *fds, int fd);
/* The same with a copy of fd, which stays the caller's; or another negative errno. */
int fds_add_copy(struct fds *fds, int fd);
/* The descriptor at a place, borrowed, or -EBADF. */
int fds_get(const struct fds *fds, size_t place);
void fds_done(struct fds *fds);

/* One descriptor over a socket, with a byte to carry it. 0 or a negative errno; of receiving, the
 * descriptor, or -ECONNRESET when the other side has gone. */
int fd_send(int socket, int fd, int flags);
int fd_receive(int socket);

static inline void free_pointer(void *pointer) {
	free(*(void **)pointer);
}
