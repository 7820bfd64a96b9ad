/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fd.h"

enum { TRIES = 64 };

int loop_attach(int image, bool read_only, int *ret_loop, char ret_name[LOOP_NAME_MAX],
		struct refusal *refusal) {
	_cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = {
		.fd = (unsigned)image,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0),
	};

	if (control < 0)
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "there are no loop devices here: %s", strerrordesc_np(errno));
	/* Between being told of a free device and taking it somebody else may; then the next. */
	for (int i = 0; i < TRIES; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		_cleanup_close_ int loop = -1;

		if (number < 0)
			return refusal_note(refusal, -errno, "no loop device is free");
		(void)snprintf(ret_name, LOOP_NAME_MAX, "/dev/loop%d", number);
		loop = open(ret_name, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		if (loop < 0)
			return refusal_note(refusal, REFUSED_LIMIT,
					    "no loop device is free: %s: %s", ret_name,
					    strerrordesc_np(errno));
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
			*ret_loop = fd_take(&loop);
			return 0;
		}
		if (errno != EBUSY)
			return refusal_note(refusal, -errno,
					    "the image cannot be attached to %s: %s", ret_name,
					    strerrordesc_np(errno));
	}
	return refusal_note(refusal, REFUSED_BUSY,
			    "loop devices are taken faster than they are found");
}

/* The kernel's own name of it is in its uevent file. */
int loop_device_name(dev_t device, char ret_name[LOOP_NAME_MAX]) {
	_cleanup_close_ int fd = -1;
	char path[64], text[1024];
	const char *name;
	struct stat st;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/sys/dev/block/%u:%u/uevent", major(device),
		       minor(device));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	name = strstr(text, "DEVNAME=");
	if (!name)
		return -ENXIO;
	name += strlen("DEVNAME=");
	if (snprintf(ret_name, LOOP_NAME_MAX, "/dev/%.*s", (int)strcspn(name, "\n"), name) >=
	    LOOP_NAME_MAX)
		return -ENAMETOOLONG;
	if (stat(ret_name, &st) < 0)
		return -errno;
	return S_ISBLK(st.st_mode) && st.st_rdev == device ? 0 : -ENXIO;
}
