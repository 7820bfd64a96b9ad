/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process is to find around it: the fields that Namespaces.Create and Processes.Spawn have
 * in common, under one name.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "refusal.h"
#include "usher.pb-c.h"

struct surroundings {
	uint32_t types; /* CLONE_NEW...: those that are new */
	char *const *type_words;
	size_t n_type_words;
	const char *uid_map, *gid_map;
	Usher__IdRange *const *uid_ranges, *const *gid_ranges;
	size_t n_uid_ranges, n_gid_ranges;
	bool no_uid_ranges, no_gid_ranges; /* lists that were given, of none */
	bool map_zero;
	const char *hostname, *domainname, *root, *workdir, *lifetime; /* NULL: nothing said */
	bool has_monotonic_offset, has_boottime_offset;
	int64_t monotonic_offset_usec, boottime_offset_usec;
	Usher__MountSpecification *const *mounts;
	size_t n_mounts;
	bool has_transient;
	uint32_t transient_start, transient_count;
};

/* Of a CreateRequest or a SpawnRequest; borrowed. Words that are wrong are as if they were not
 * there: surroundings_check() comes first. */
struct surroundings surroundings_of(const ProtobufCMessage *request);
/* The words: each good for itself, and each with the new namespace that it takes. 0, or a refusal
 * that names the argument. */
int surroundings_check(const ProtobufCMessage *request, struct refusal *refusal);
