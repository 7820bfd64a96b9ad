/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of the service one user may have: the names, as the configuration and the bus have them,
 * and what they are unless somebody says otherwise. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "refusal.h"

enum limit {
	LIMIT_CALLS,  /* under way */
	LIMIT_MOUNTS, /* objects of this kind */
	LIMIT_NAMESPACES,
	LIMIT_PROCESSES, /* that run, and calls that wait for one */
	LIMIT_WATCHES,
	LIMIT_LOOP_DEVICES, /* of images, also of those that are no object; counted by the worker */
	LIMIT_TRAPS,
	LIMIT_TIMERS,
	LIMIT_OBJECTS,      /* of every kind */
	LIMIT_DESCRIPTORS,  /* that the service holds: of calls under way, and of objects */
	LIMIT_QUEUED_BYTES, /* of the arguments of calls under way */
	LIMIT_STREAMS,      /* of rows, until they are at their end; counted by their reader */
	LIMIT_ROW_BYTES,    /* of the memory with rows that the user holds */
	LIMIT_MONITORS,
	LIMIT_QUESTIONS, /* to polkit, which a person may have to answer */
	_LIMIT_MAX,
};

/* 0: as much as there is. */
struct limits {
	uint64_t value[_LIMIT_MAX];
};

/* What holds if nothing else is said. */
extern const struct limits limits_usual;

const char *limit_name(enum limit limit);
/* Its type on D-Bus, "u" or "t". */
const char *limit_type(enum limit limit);
/* By its name; _LIMIT_MAX if there is none. */
enum limit limit_find(const char *name);
/* Decimal digits and, of what is counted in bytes, one of the letters K, M and G. False if it is
 * nothing of that or too large. */
bool limit_parse(enum limit limit, const char *text, uint64_t *ret);
/* Whether so many are too many; then with the sentence that says so. 0 or a refusal. */
int limit_check(const struct limits *limits, enum limit limit, uint64_t n, struct refusal *refusal);
