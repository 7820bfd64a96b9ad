/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whoever lives in the namespaces of an object that have no process 1 to end them all. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "place.h"

/* Ends every process in a new user namespace, or below it; without one, those of the owner's in any
 * of the namespaces. leader is a pidfd of one of them; types are CLONE_NEW..., and none that is the
 * service's own counts. Returns when no one is left; the clock ends what does not end. 0 or a
 * negative errno. */
int population_end(const struct place *place, int leader, uint32_t types, uid_t owner);

/* The system calls that it takes, and capabilities. */
#define POPULATION_END          SYS_pidfd_open, SYS_pidfd_send_signal, SYS_getdents64, SYS_ppoll, SYS_ioctl
#define POPULATION_CAPABILITIES (CAP(CAP_KILL) | CAP(CAP_SYS_PTRACE))
