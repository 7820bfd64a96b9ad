/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network namespaces: whose, and being in one for as long as it takes to open a socket there. None
 * is held on to, since that would keep alive what its owner has deleted; see also lookups.h.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "refusal.h"

/* Remembers the one that the process is in, and whether it could come back to it. With all rights
 * in effect; 0 or a negative errno. */
int territory_begin(void);
/* That of a process, which must live and be the user's, with all its uids. 0, a refusal or a
 * negative errno. After 0 what it takes to enter it is in effect still. */
int territory_of_process(int pidfd, uid_t uid, int *ret_namespace, struct refusal *refusal);
/* Whether it is the one that the process was in at first. */
bool territory_is_own(const struct stat *namespace);
/* Into another one, and back. No capability is in effect afterwards. 0 or a negative errno; -EPERM,
 * too, if there would be no way back. */
int territory_enter(int namespace);
int territory_leave(void);
/* Into it for good; also where that takes becoming its owner's, who we are. */
int territory_settle(int namespace);
