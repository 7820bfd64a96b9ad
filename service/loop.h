/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Block devices by name, and loop devices that go with their mount. */
#pragma once

#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "refusal.h"

enum { LOOP_NAME_MAX = 64 };

/* Attaches an image to a free loop device in one step, for a user of whom there may be so many then
 * (0: any number). The device is given back by the kernel when its last user closes it: *ret_loop,
 * or a mount. */
int loop_attach(int image, bool read_only, uid_t uid, unsigned most, int *ret_loop,
		char ret_name[LOOP_NAME_MAX], struct refusal *refusal);
/* The system call of loop_attach(), besides ioctl. */
#define LOOP_ATTACH SYS_getdents64
/* The node in our own /dev of a block device: never the caller's, which may be anything. */
int loop_device_name(dev_t device, char ret_name[LOOP_NAME_MAX]);
