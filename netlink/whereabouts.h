/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a question is about: a descriptor came with it, of a network namespace, or of the process
 * that asks, whose namespace it is then.
 */
#pragma once

#include "fd.h"
#include "refusal.h"
#include "usher.pb-c.h"

/* The descriptor, out of those of the frame; -1 if there is none. */
int whereabouts_take(const Usher__NetlinkAsk *ask, struct fds *fds);
/* The namespace, by what was taken. 0, a refusal or a negative errno. */
int whereabouts_find(const Usher__NetlinkAsk *ask, int where, int *ret_namespace,
		     struct refusal *refusal);
