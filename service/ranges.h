/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which ranges of subordinate ids are whose: asked of usher-ranges, which asks libsubid. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a user may map, one range a line: "u START COUNT" for uids, "g START COUNT" for gids; before
 * them "p UID 1". The user is given by number or, if `name` is not NULL, by name; of one that is
 * not known there is nothing. The caller frees. 0 or a negative errno. */
int ranges_read(const char *libexec, uid_t uid, const char *name, char **ret);
/* The next range of a kind at *at, which goes on behind it; false at the end. */
bool ranges_next(const char **at, char kind, uint32_t *ret_start, uint32_t *ret_count);
/* Whether every id from start on is the caller's own (`self`) or in its ranges of a kind. */
bool ranges_cover(const char *ranges, char kind, uint32_t self, uint32_t start, uint32_t count);
