/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals by their names: "TERM" or "SIGTERM", and "RTMIN+n" for those without one. */
#pragma once

#include <stdbool.h>

#include "refusal.h"

/* The number, from 1 to 64; 0 if there is no such signal. */
int signal_name_find(const char *name);

enum { SIGNAL_NAME_MAX = 16 };

/* The other way round: "TERM", "RTMIN+0". False if it is none. */
bool signal_name_of(int number, char ret[SIGNAL_NAME_MAX]);
/* 0, or a refusal that names the argument. */
int signal_name_check(const char *argument, const char *name, struct refusal *refusal);
