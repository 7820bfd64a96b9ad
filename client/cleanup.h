/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owners that clean up when they go out of scope, and how they let go. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *pointer) {
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd) {
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file(FILE **file) {
	if (*file)
		fclose(*file);
}

#define _cleanup_free_  _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)

#define take_pointer(pointer)                             \
	({                                                \
		__typeof__(pointer) *_owner = &(pointer); \
		__typeof__(pointer) _taken = *_owner;     \
		*_owner = NULL;                           \
		_taken;                                   \
	})

static inline int take_fd(int *fd) {
	int taken = *fd;

	*fd = -1;
	return taken;
}
