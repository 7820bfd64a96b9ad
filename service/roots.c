/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "roots.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "fd.h"

void roots_add(struct roots *roots, const char *key, int fd) {
	size_t n = roots->n;

	if (n == ROOTS_MAX)
		return;
	roots->key[n] = strdup(key);
	roots->fd[n] = roots->key[n] ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	if (roots->fd[n] >= 0)
		roots->n++;
	else
		free(roots->key[n]);
}

int roots_take(struct roots *roots, const char *key) {
	for (size_t i = 0; i < roots->n; i++)
		if (strcmp(roots->key[i], key) == 0)
			return fd_take(&roots->fd[i]);
	return -1;
}

void roots_done(struct roots *roots) {
	while (roots->n > 0) {
		free(roots->key[--roots->n]);
		fd_closep(&roots->fd[roots->n]);
	}
}
