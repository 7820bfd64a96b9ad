/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which ranges of subordinate ids are whose: asked of usher-ranges, which asks libsubid. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* If the request maps ids: what the caller may map, one range a line: "u START COUNT" for uids, "g
 * START COUNT" for gids. The caller frees. */
int ranges_read(const char *libexec, const ProtobufCMessage *request, uid_t uid, char **ret);
/* Whether every id from start on is the caller's own (`self`) or in its ranges of a kind. */
bool ranges_cover(const char *ranges, char kind, uint32_t self, uint32_t start, uint32_t count);
