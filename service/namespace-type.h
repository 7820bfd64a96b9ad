/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of namespaces, by the words for them: cgroup ipc mnt net pid time user uts. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "refusal.h"

struct namespace_type {
	const char *word;      /* as below /proc/PID/ns, too */
	uint32_t flag;         /* CLONE_NEW... */
	unsigned long request; /* of a pidfd, for its process's (Linux 6.11) */
};

enum { NAMESPACE_TYPES = 8 };

/* In the order of their words. */
extern const struct namespace_type namespace_types[NAMESPACE_TYPES];

/* NULL if it is none. */
const struct namespace_type *namespace_type_find(const char *word);
/* Words to a mask of flags: each at most once, or "all" alone. Nothing is 0. 0, or a refusal that
 * names `types`. */
int namespace_type_parse(char *const *words, size_t n, uint32_t *ret, struct refusal *refusal);
/* Back again, parted by spaces. The caller frees; NULL when there is no memory. */
char *namespace_type_words(uint32_t mask);
/* A mask of words that were checked before. */
uint32_t namespace_type_mask(char *const *words, size_t n);
