/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fd.h"

enum { TRIES = 64 };

/* For whom a device was made is kept where the kernel keeps it and where nobody's file has to be
 * touched to read it: in the size at which the device would end if its file did not before. */
static uint64_t mark_of(uid_t uid) {
	return uid == 0 ? 0 : UINT64_C(0x7573) << 48 | uid;
}

static uint64_t read_mark(int directory, const char *device) {
	char path[LOOP_NAME_MAX + 32], text[32];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof path, "%.*s/loop/sizelimit", LOOP_NAME_MAX, device);
	fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n < 0)
		return 0;
	text[n] = '\0';
	return strtoull(text, NULL, 10);
}

static int count(uint64_t mark, unsigned *ret) {
	DIR *directory = opendir("/sys/block");

	*ret = 0;
	if (!directory)
		return -errno;
	for (struct dirent *entry; (entry = readdir(directory));)
		if (strncmp(entry->d_name, "loop", 4) == 0)
			*ret += read_mark(dirfd(directory), entry->d_name) == mark;
	(void)closedir(directory);
	return 0;
}

/* With the one that was just made: of two that come at once both may be refused, never neither. */
static int check_limit(uid_t uid, unsigned most, struct refusal *refusal) {
	unsigned n;
	int r;

	if (uid == 0 || most == 0)
		return 0;
	r = count(mark_of(uid), &n);
	if (r < 0)
		return r;
	if (n > most)
		return refusal_note(refusal, REFUSED_LIMIT,
				    "the limit LoopDevices=%u of a user is reached", most);
	return 0;
}

int loop_attach(int image, bool read_only, uid_t uid, unsigned most, int *ret_loop,
		char ret_name[LOOP_NAME_MAX], struct refusal *refusal) {
	_cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = {
		.fd = (unsigned)image,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0),
		.info.lo_sizelimit = mark_of(uid),
	};

	if (control < 0)
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "there are no loop devices here: %s", strerrordesc_np(errno));
	/* Between being told of a free device and taking it somebody else may; then the next. */
	for (int i = 0; i < TRIES; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE), r;
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
			r = check_limit(uid, most, refusal);
			if (r == 0)
				*ret_loop = fd_take(&loop);
			return r; /* closed, it is free again */
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
