/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What moves bytes without looking at them. */

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "event/usher-event.h"
#include "event/verdict.h"

static ssize_t moved(const char *call, ssize_t n) {
	return n < 0 ? verdict_errno(call) : n;
}

ssize_t usher_splice(int from, off_t *from_offset, int to, off_t *to_offset, size_t length,
		     unsigned flags) {
	ssize_t n = splice(from, from_offset, to, to_offset, length, flags);

	if (n < 0 && errno == EINVAL)
		return verdict_note(-EINVAL, "splice: neither end is a pipe, both are the same, or "
					     "one cannot be spliced");
	return moved("splice", n);
}

ssize_t usher_tee(int from, int to, size_t length, unsigned flags) {
	ssize_t n = tee(from, to, length, flags);

	if (n < 0 && errno == EINVAL)
		return verdict_note(-EINVAL, "tee: these are not two pipes");
	return moved("tee", n);
}

ssize_t usher_vmsplice(int fd, const struct iovec *pieces, size_t count, unsigned flags) {
	return moved("vmsplice", vmsplice(fd, pieces, count, flags));
}

int usher_iov_max(void) {
	return (int)sysconf(_SC_IOV_MAX);
}

int usher_bytes_readable(int fd) {
	int n, r = ioctl(fd, FIONREAD, &n);

	return r < 0 ? verdict_errno("ioctl") : n;
}
