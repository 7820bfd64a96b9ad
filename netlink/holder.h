/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What led to a network namespace: a process that was in it, or a name in a directory. Whoever
 * listens in a namespace keeps it alive, with its links; so when nothing leads there any more, one
 * has to stop listening. That a process has gone to another namespace cannot be seen, only that it
 * has gone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct holder {
	int fd; /* a pidfd, or the directory; -1: the namespace needs nobody to lead to it */
	char *name;
	int news;     /* readable when there is something to be looked at; or -1 */
	dev_t device; /* of the namespace */
	ino_t inode;
};

#define HOLDER_NONE ((struct holder){ .fd = -1, .news = -1 })

/* Takes the descriptor, also when it fails. name NULL: it is a pidfd. 0 or a negative errno. */
int holder_open(struct holder *holder, int fd, const char *name, const struct stat *namespace);
void holder_close(struct holder *holder);
/* Has to be asked now and then, and when there are news. */
bool holder_leads(const struct holder *holder);
