/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The namespaces of a place, all of them, for a process that is going to live there.
 */
#pragma once

#include <stdbool.h>

#include "namespace-type.h"
#include "place.h"

struct entrance {
	int fd[NAMESPACE_TYPES]; /* in the order of namespace_types; -1: it is the service's own */
	int users;               /* of them, that of ids, or -1 */
	bool pids;               /* one of them is that of processes: only children are in it */
};

/* Looks which the service's own are, or the first entrance_open() does. */
int entrance_prepare(const struct place *place);
/* Opens what differs from the service's own. pidfd: of the process whose place it is. */
int entrance_open(struct entrance *entrance, const struct place *place, int pidfd);
void entrance_done(struct entrance *entrance);
/* Joins them all, and the root. In between, when nothing but the user namespace is left that takes
 * a right of ours, `become` gives up who we were. 0 or a negative errno; *ret_word is the kind that
 * could not be joined, or NULL. */
int entrance_enter(const struct entrance *entrance, const struct place *place,
		   int (*become)(void *data), void *data, const char **ret_word);
