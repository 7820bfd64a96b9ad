/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The roots of file systems that are watched, by their watchers. */
#pragma once

#include <stddef.h>

enum { ROOTS_MAX = 8 };

struct roots {
	char *key[ROOTS_MAX];
	int fd[ROOTS_MAX];
	size_t n;
};

/* A copy of one; as many as there is room for. */
void roots_add(struct roots *roots, const char *key, int fd);
/* That descriptor, which is the caller's now, or -1. */
int roots_take(struct roots *roots, const char *key);
void roots_done(struct roots *roots);
