/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process that a method is about, by a pidfd that came with the order, as the service's /proc
 * has it. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "place.h"

enum { SUBJECT_NAME_MAX = 64 };

/* Until then the number that place_process() told is its own. */
bool subject_lives(int pidfd);
/* For people: "process 4711 (sleep)". */
void subject_name(const struct place *place, pid_t pid, char ret[SUBJECT_NAME_MAX]);
/* Whether it is a user's as kill(2) compares. 0 or a negative errno. */
int subject_is_users(const struct place *place, pid_t pid, uid_t uid, bool *ret);
/* Whether the caller could signal it: its own, or in a user namespace of the caller's. Before
 * confinement. 0 or a negative errno. */
int subject_may_signal(const struct place *place, int pidfd, bool *ret);
/* One of its namespaces, by the word for its type: a descriptor, or a negative errno; -EOPNOTSUPP
 * where this kernel has no such. */
int subject_open_namespace(const struct place *place, int pidfd, const char *type);
