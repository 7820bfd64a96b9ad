/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maps of ids, and user namespaces that hold nothing but one. */
#pragma once

#include "job.h"

enum { IDMAP_LINES_MAX = 340 /* the kernel's own limit */ };

struct idmap_line {
	uint32_t inside, outside, count;
};

struct idmap {
	struct idmap_line lines[IDMAP_LINES_MAX];
	size_t n;
};

/* A line more, unless it is empty, overlaps another or passes the end of ids. `name` is the
 * argument that a refusal is about. */
int idmap_add(struct idmap *map, const char *name, struct idmap_line line, struct refusal *refusal);
/* The words alone, as idmap_parse() judges them, of the key "idmap". */
int idmap_check(const char *text, struct refusal *refusal);
/* "0 1000 1,1 100000 65535": inside, outside, count; with another character than a comma it is
 * refused. */
int idmap_parse(struct idmap *map, const char *name, const char *text, struct refusal *refusal);
/* Writes "uid_map" or "gid_map" of a process, at once; -E2BIG where it is longer than the kernel
 * reads, which idmap_fits() tells before. */
int idmap_write(const struct job *job, pid_t pid, const char *name, const struct idmap *map);
bool idmap_fits(const struct idmap *map);
/* The maps of a user namespace, as seen from the service's. Before confinement. */
int idmap_read(const struct job *job, int namespace, struct idmap *ret_uids,
	       struct idmap *ret_gids);
/* Whether a request names a map for idmap_open(). */
bool idmap_is_asked(const ProtobufCMessage *request);
/* A request's map, by word or by a user namespace of the caller's, as a user namespace for
 * mount_setattr(2); *ret stays where there is neither. Unless every id on both of its sides is the
 * caller's own, the administrator is required. Before confinement: it takes processes and the right
 * to write maps. */
int idmap_open(struct job *job, const char *word, int namespace, int *ret);
/* A user namespace in which the caller's ids, and no others, are what they are here: root of it has
 * root's rights to what belongs to the caller. If the caller is root, all ids. Before confinement.
 */
int idmap_open_own(struct job *job, int *ret);
