/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "surroundings.h"

#include <sched.h>

#include "host-name.h"
#include "identity.h"
#include "interior.h"
#include "lifetime.h"
#include "namespace-type.h"

/* Ten years, which no clock of a process is off by. */
static const int64_t most_usec = INT64_C(10) * 366 * 24 * 3600 * 1000000;

/* Two requests with the same fields. */
#define SURROUNDINGS(m)                                                                           \
	{                                                                                         \
		.types = namespace_type_mask((m)->types, (m)->n_types), .type_words = (m)->types, \
		.n_type_words = (m)->n_types, .uid_map = (m)->uid_map, .gid_map = (m)->gid_map,   \
		.uid_ranges = (m)->uid_map_as_ranges, .gid_ranges = (m)->gid_map_as_ranges,       \
		.n_uid_ranges = (m)->n_uid_map_as_ranges,                                         \
		.n_gid_ranges = (m)->n_gid_map_as_ranges, .no_uid_ranges = (m)->uid_map_none,     \
		.no_gid_ranges = (m)->gid_map_none, .map_zero = (m)->map_zero,                    \
		.hostname = (m)->hostname, .domainname = (m)->domainname, .root = (m)->root,      \
		.workdir = (m)->workdir, .lifetime = (m)->lifetime,                               \
		.has_monotonic_offset = (m)->has_monotonic_offset_usec,                           \
		.has_boottime_offset = (m)->has_boottime_offset_usec,                             \
		.monotonic_offset_usec = (m)->monotonic_offset_usec,                              \
		.boottime_offset_usec = (m)->boottime_offset_usec, .mounts = (m)->mounts,         \
		.n_mounts = (m)->n_mounts, .has_transient = (m)->has_transient_start,             \
		.transient_start = (m)->transient_start, .transient_count = (m)->transient_count, \
	}

struct surroundings surroundings_of(const ProtobufCMessage *request) {
	const Usher__CreateRequest *create = (const void *)request;
	const Usher__SpawnRequest *spawn = (const void *)request;

	if (request->descriptor == &usher__create_request__descriptor)
		return (struct surroundings)SURROUNDINGS(create);
	return (struct surroundings)SURROUNDINGS(spawn);
}

/* What is set in a namespace that would be somebody else's as well. */
static int check_types(const struct surroundings *around, struct refusal *refusal) {
	const struct {
		bool given;
		uint32_t flag;
		const char *key, *type;
	} keys[] = {
		{ around->uid_map || around->n_uid_ranges, CLONE_NEWUSER, "uid_map", "user" },
		{ around->gid_map || around->n_gid_ranges, CLONE_NEWUSER, "gid_map", "user" },
		{ around->map_zero, CLONE_NEWUSER, "map_zero", "user" },
		{ around->hostname, CLONE_NEWUTS, "hostname", "uts" },
		{ around->domainname, CLONE_NEWUTS, "domainname", "uts" },
		{ around->root, CLONE_NEWNS, "root", "mnt" },
		{ around->n_mounts, CLONE_NEWNS, "mounts", "mnt" },
		{ around->has_monotonic_offset, CLONE_NEWTIME, "monotonic_offset_usec", "time" },
		{ around->has_boottime_offset, CLONE_NEWTIME, "boottime_offset_usec", "time" },
		/* the host's clocks are an administrator's, and so are those that differ from them
		 */
		{ around->has_monotonic_offset, CLONE_NEWUSER, "monotonic_offset_usec", "user" },
		{ around->has_boottime_offset, CLONE_NEWUSER, "boottime_offset_usec", "user" },
	};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (keys[i].given && !(around->types & keys[i].flag))
			return refusal_note(refusal, REFUSED_INVALID,
					    "%s: takes a new namespace of type %s among `types`",
					    keys[i].key, keys[i].type);
	return 0;
}

static int check_offset(const char *key, int64_t usec, struct refusal *refusal) {
	if (usec >= -most_usec && usec <= most_usec)
		return 0;
	return refusal_note(refusal, REFUSED_INVALID, "%s: more than ten years", key);
}

int surroundings_check(const ProtobufCMessage *request, struct refusal *refusal) {
	const struct surroundings around = surroundings_of(request);
	uint32_t ignored;
	int r = namespace_type_parse(around.type_words, around.n_type_words, &ignored, refusal);

	if (r == 0)
		r = check_types(&around, refusal);
	if (r == 0)
		r = identity_check(request, refusal);
	if (r == 0 && around.hostname)
		r = host_name_check("hostname", around.hostname, refusal);
	if (r == 0 && around.domainname)
		r = host_name_check("domainname", around.domainname, refusal);
	if (r == 0)
		r = interior_check(around.mounts, around.n_mounts, around.root, around.workdir,
				   refusal);
	if (r == 0)
		r = lifetime_check(around.lifetime, refusal);
	if (r == 0)
		r = check_offset("monotonic_offset_usec", around.monotonic_offset_usec, refusal);
	if (r == 0)
		r = check_offset("boottime_offset_usec", around.boottime_offset_usec, refusal);
	return r;
}
