/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the process of a trap writes for each signal that it has received. */
#pragma once

#include <stdint.h>
#include <sys/signalfd.h>

struct trap_report {
	struct signalfd_siginfo info; /* as its own namespaces have it */
	uint64_t usec;                /* since 1970 */
};
