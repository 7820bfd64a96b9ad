/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Something that has happened to one path, as a watch is told it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "interfaces/watch-stream.h"

struct happening {
	uint32_t events; /* enum usher_watch_event: one bit or several */
	bool directory;
	bool half; /* a create or delete that is one end of a move */
	bool slow; /* how often such things happen is nobody's business */
	uint64_t clock, usec;
	pid_t pid;        /* 0: unknown, or not to be known */
	const char *path; /* relative to the root; not terminated */
	size_t path_length;
	const char *old_path; /* NULL: none */
	size_t old_path_length;
};

/* How much of the path is its directory. */
static inline size_t happening_directory(const struct happening *happening) {
	const char *slash = memrchr(happening->path, '/', happening->path_length);

	return slash ? (size_t)(slash - happening->path) : 0;
}
