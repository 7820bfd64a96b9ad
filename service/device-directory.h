/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A /dev with what every program expects there, and nothing of the machine. */
#pragma once

#include "job.h"

/* A detached mount of it, empty. */
int device_directory_make(struct job *job, int *ret_mount);
/* When it is attached: the devices come from the root of the place, and terminals, shared memory
 * and, with new_ipc, message queues are its own. */
int device_directory_fill(struct job *job, int directory, bool new_ipc);
