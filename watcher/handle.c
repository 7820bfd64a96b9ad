/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "handle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"

union space {
	struct file_handle handle;
	uint8_t bytes[HANDLE_MAX];
};

_Static_assert(sizeof(struct file_handle) == HANDLE_HEAD, "the head of a handle");

int handle_of(int fd, uint8_t space[HANDLE_MAX], struct handle *ret) {
	union space own = { .handle.handle_bytes = HANDLE_MAX - HANDLE_HEAD };
	int mount;

	if (name_to_handle_at(fd, "", &own.handle, &mount, AT_EMPTY_PATH) < 0)
		return -errno;
	*ret = (struct handle){ space, HANDLE_HEAD + own.handle.handle_bytes };
	memcpy(space, own.bytes, ret->size);
	return 0;
}

int handle_of_name(int directory, const char *name, uint8_t space[HANDLE_MAX], struct handle *ret) {
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_CACHED,
	};
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, directory, name, &how, sizeof how);

	return fd < 0 ? -errno : handle_of(fd, space, ret);
}

int handle_open(int superblock, const struct handle *handle) {
	union space own;
	int fd;

	memcpy(own.bytes, handle->bytes, handle->size);
	fd = open_by_handle_at(superblock, &own.handle, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
