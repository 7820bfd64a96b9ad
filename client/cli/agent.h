/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who asks for a password where there is no desktop that would. */
#pragma once

#include <sys/types.h>

/* Has pkttyagent ask on this terminal what polkit wants to have asked about this process, and waits
 * until polkit knows. 0 where that cannot be, and where nothing would be asked. */
pid_t agent_start(void);
void agent_stop(pid_t agent);
