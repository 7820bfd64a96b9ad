/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program finds when it begins: descriptors, terminal, signals, limits. */
#pragma once

#include <stdbool.h>

#include "fd.h"
#include "heritage.h"
#include "refusal.h"
#include "usher.pb-c.h"

enum { OUTFIT_MAX = FDS_MAX, OUTFIT_NUMBER_MAX = 4095 };

struct outfit {
	int numbers[OUTFIT_MAX], fds[OUTFIT_MAX]; /* which descriptor has which number */
	size_t n;
	int null; /* for 0 to 2, where nothing else is there */
};

/* Puts the descriptors where they belong and closes all others but *keep, which moves out of the
 * way. 0 or a negative errno. */
int outfit_place(const struct outfit *outfit, int *keep);
/* None is ignored, and none blocked but those that a program is to have blocked. */
void outfit_signals(const Usher__SpawnRequest *request);
/* The rest, for a program; for a leader (NULL) next to nothing. 0, a refusal or a negative errno.
 */
int outfit_finish(const Usher__SpawnRequest *request, const struct heritage *heritage,
		  struct rlimit limits[RLIM_NLIMITS], struct refusal *refusal);
/* Whether the program leads no session, but is in one that has no leader any more. Nobody can join
 * that of the caller: a session is handed on by fork(2) alone. */
bool outfit_leads_nothing(const Usher__SpawnRequest *request);
/* A session of its own and, if asked, a terminal for it; or neither. */
int outfit_session(const Usher__SpawnRequest *request, struct refusal *refusal);
