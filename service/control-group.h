/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control groups (version 2): where a process counts. */
#pragma once

#include <sys/types.h>

/* The group of a process of the service's /proc, for clone3(2): a descriptor, or -1 where there is
 * none that could be used. */
int control_group_open(int proc, pid_t pid);
