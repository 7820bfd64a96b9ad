/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals by their names: "TERM" or "SIGTERM", and "RTMIN+n" for those without one. */
#pragma once

#include "refusal.h"

/* The number, from 1 to 64; 0 if there is no such signal. */
int signal_name_find(const char *name);
/* 0, or a refusal that names the argument. */
int signal_name_check(const char *argument, const char *name, struct refusal *refusal);
