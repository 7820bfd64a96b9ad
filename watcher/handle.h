/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel calls an inode by: a file handle, compared byte by byte with its head. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { HANDLE_HEAD = 8, HANDLE_MAX = HANDLE_HEAD + 128 };

/* Borrowed, mostly out of an event; NULL where there is none. */
struct handle {
	const uint8_t *bytes; /* a struct file_handle, at no particular address */
	size_t size;
};

static inline bool handle_is(const struct handle *one, const struct handle *other) {
	return one->size == other->size && memcmp(one->bytes, other->bytes, one->size) == 0;
}

/* Of a descriptor's file, into space. 0 or a negative errno. */
int handle_of(int fd, uint8_t space[HANDLE_MAX], struct handle *ret);
/* Of what has a name in a directory, as far as the kernel has it in memory (-EAGAIN): who looks for
 * more waits for those who have the directory locked, for as long as they like. */
int handle_of_name(int directory, const char *name, uint8_t space[HANDLE_MAX], struct handle *ret);
/* Opens it as a place alone (O_PATH). A descriptor or a negative errno. */
int handle_open(int superblock, const struct handle *handle);
