/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of libusher-event share: a directory of their own, and things to do in it. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/usher-event.h"
#include "support.h"

enum { SHORT_USEC = 20000, LONG_USEC = 5000000 };

static char directory[64];

static inline int directory_make(void **state) {
	strcpy(directory, "/tmp/usher-event-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static inline int directory_remove(void **state) {
	char command[96];

	(void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
	return system(command);
}

/* A path in the directory, good until the fourth call from here. */
static inline const char *in_directory(const char *name) {
	static char paths[4][400];
	static unsigned n;
	char *path = paths[n++ % 4];

	(void)snprintf(path, sizeof paths[0], "%s/%s", directory, name);
	return path;
}

/* Makes a file, or makes it anew. */
static inline void touch(const char *name) {
	int fd = open(in_directory(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static inline struct usher_source *inotify_on(const char *path, uint32_t mask) {
	struct usher_source *source;

	assert_int_equal(usher_inotify_new(&source), 0);
	assert_true(usher_inotify_watch(source, path, mask) >= 0);
	return source;
}

/* Whether a word is in what was said of the last failure. */
#define assert_said(word)                                                                 \
	do {                                                                              \
		if (!strstr(usher_event_message(), word))                                 \
			fail_msg("'%s' says nothing of %s", usher_event_message(), word); \
	} while (0)
