/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memfd_create(2), and seals. */

#include <errno.h>
#include <sys/stat.h>

#include "event/usher-event.h"
#include "event/verdict.h"

int usher_memfd_create(const char *name, unsigned flags) {
	return verdict_of("memfd_create", memfd_create(name, flags | MFD_CLOEXEC));
}

int usher_memfd_add_seals(int fd, int seals) {
	if (fcntl(fd, F_ADD_SEALS, seals) == 0)
		return 0;
	switch (errno) {
	case EPERM:
		return verdict_note(-EPERM, "seals: the file is sealed, or open for reading only");
	case EBUSY: return verdict_note(-EBUSY, "seals: somebody has the file mapped for writing");
	case EINVAL: return verdict_note(-EINVAL, "seals: unknown, or the file can have none");
	default: return verdict_errno("fcntl");
	}
}

int usher_memfd_get_seals(int fd) {
	return verdict_of("fcntl", fcntl(fd, F_GET_SEALS));
}

int usher_memfd_may(int fd, int seals) {
	int r = usher_memfd_get_seals(fd);

	return r < 0 ? r : (r & seals) == 0;
}

int usher_memfd_freeze(int fd) {
	return usher_memfd_add_seals(fd, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

int usher_memfd_map(int fd, size_t length, int protection, off_t offset, void **ret,
		    size_t *ret_length) {
	struct stat status;
	void *map;

	if (length == 0) {
		if (fstat(fd, &status) < 0)
			return verdict_errno("fstat");
		if (offset < 0 || status.st_size <= offset)
			return verdict_note(-EINVAL, "offset: nothing is behind it");
		length = (size_t)(status.st_size - offset);
	}
	map = mmap(NULL, length, protection, MAP_SHARED, fd, offset);
	if (map == MAP_FAILED)
		return verdict_errno("mmap");
	*ret = map;
	if (ret_length)
		*ret_length = length;
	return 0;
}
