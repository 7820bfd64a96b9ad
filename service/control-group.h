/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control groups (version 2): where a process counts. */
#pragma once

#include <sys/types.h>

/* The group of a process of the service's /proc, for clone3(2); *ret is -1 where there are none of
 * this version. 0 or a negative errno. */
int control_group_open(int proc, pid_t pid, int *ret);
/* That of the service as systemd made it, whichever part of it we are in; or -1. */
int control_group_open_service(int proc, int *ret);

/* Where all that belongs to the service is, once its group has been divided. */
#define CONTROL_GROUP_SERVICE "worker"
