/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals by their names: "TERM" or "SIGTERM", and "RTMIN+n" for those without one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "refusal.h"

/* The number, from 1 to 64; 0 if there is no such signal. */
int signal_name_find(const char *name);

enum { SIGNAL_NAME_MAX = 16 };

/* The other way round: "TERM", "RTMIN+0". False if it is none. */
bool signal_name_of(int number, char ret[SIGNAL_NAME_MAX]);
/* Those of a list, of which none may be there twice, nor KILL and STOP, which cannot be `what`:
 * "blocked". 0, or a refusal that names the argument. */
int signal_name_check_all(const char *argument, char *const *names, size_t n, const char *what,
			  struct refusal *refusal);
/* 0, or a refusal that names the argument. */
int signal_name_check(const char *argument, const char *name, struct refusal *refusal);
