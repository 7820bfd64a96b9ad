/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "handle.h"

#include <errno.h>
#include <fcntl.h>

union space {
	struct file_handle handle;
	uint8_t bytes[HANDLE_MAX];
};

_Static_assert(sizeof(struct file_handle) == HANDLE_HEAD, "the head of a handle");

static int find(int fd, const char *name, int flags, uint8_t space[HANDLE_MAX],
		struct handle *ret) {
	union space own = { .handle.handle_bytes = HANDLE_MAX - HANDLE_HEAD };
	int mount;

	if (name_to_handle_at(fd, name, &own.handle, &mount, flags) < 0)
		return -errno;
	*ret = (struct handle){ space, HANDLE_HEAD + own.handle.handle_bytes };
	memcpy(space, own.bytes, ret->size);
	return 0;
}

int handle_of(int fd, uint8_t space[HANDLE_MAX], struct handle *ret) {
	return find(fd, "", AT_EMPTY_PATH, space, ret);
}

int handle_of_name(int directory, const char *name, uint8_t space[HANDLE_MAX], struct handle *ret) {
	return find(directory, name, 0, space, ret);
}

int handle_open(int superblock, const struct handle *handle) {
	union space own;
	int fd;

	memcpy(own.bytes, handle->bytes, handle->size);
	fd = open_by_handle_at(superblock, &own.handle, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
