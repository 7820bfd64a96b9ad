/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Create: a set of new namespaces, kept by a process that does nothing else. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "birth.h"
#include "instant.h"
#include "lifetime.h"
#include "message.h"
#include "namespace-name.h"
#include "operations.h"
#include "surroundings.h"

static int create_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__CreateRequest *m = (const void *)message;
	int r = namespace_name_check(m->name, refusal);

	if (r == 0 && m->n_types == 0)
		r = refusal_note(refusal, REFUSED_INVALID, "types: none is named");
	return r == 0 ? surroundings_check(message, refusal) : r;
}

static int add_ranges(const struct idmap *map, size_t *ret_n, Usher__IdRange ***ret) {
	*ret = calloc(map->n + 1, sizeof **ret);
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < map->n; i++) {
		Usher__IdRange *range = (Usher__IdRange *)message_new(&usher__id_range__descriptor);

		if (!range)
			return -ENOMEM;
		range->inside = map->lines[i].inside;
		range->outside = map->lines[i].outside;
		range->count = map->lines[i].count;
		(*ret)[(*ret_n)++] = range;
	}
	return 0;
}

static void set_number(protobuf_c_boolean *has, uint32_t *member, uint32_t value) {
	*has = true;
	*member = value;
}

static int describe_maps(const struct birth *birth, Usher__NamespaceObject *made) {
	int r = 0;

	if (!birth->own_users)
		return 0;
	r = add_ranges(&birth->identity.uids, &made->n_uidmap, &made->uidmap);
	if (r == 0)
		r = add_ranges(&birth->identity.gids, &made->n_gidmap, &made->gidmap);
	if (birth->surroundings.has_transient) {
		set_number(&made->has_transient_start, &made->transient_start,
			   birth->surroundings.transient_start);
		set_number(&made->has_transient_count, &made->transient_count,
			   birth->surroundings.transient_count);
	}
	return r;
}

static int describe_types(const struct birth *birth, Usher__NamespaceObject *made) {
	int r = 0;

	for (size_t i = 0; r == 0 && i < NAMESPACE_TYPES; i++)
		if (birth->surroundings.types & namespace_types[i].flag)
			r = message_append_string(&made->types, &made->n_types,
						  namespace_types[i].word);
	return r;
}

static int describe(struct job *job) {
	const Usher__CreateRequest *m = (const void *)job->request;
	Usher__NamespaceReply *reply = (Usher__NamespaceReply *)job->reply;
	const struct birth *birth = job->birth;
	Usher__NamespaceObject *made =
		(Usher__NamespaceObject *)message_new(&usher__namespace_object__descriptor);

	reply->made = made;
	reply->namespace_object = strdup("");
	if (!made || !reply->namespace_object)
		return -ENOMEM;
	made->name = strdup(m->name);
	made->lifetime = strdup(lifetime_is_connection(m->lifetime) ? "connection" : "manual");
	if (!made->name || !made->lifetime)
		return -ENOMEM;
	set_number(&made->has_leader, &made->leader, (uint32_t)birth->pid);
	set_number(&made->has_owner, &made->owner, job->place.uid);
	set_number(&made->has_leader_fd, &made->leader_fd, (uint32_t)job->reply_fds.n);
	made->has_createdusec = true;
	made->createdusec = instant_date_usec();
	return describe_types(birth, made) < 0 ? -ENOMEM : describe_maps(birth, made);
}

/* The leader has what it leads, and sleeps from then on. */
static int create_run(struct job *job) {
	return birth_run(job, describe);
}

const struct operation operation_create = {
	.interface = "Namespaces",
	.method = "Create",
	.actions = { [TIER_OWN] = "create-namespace-own", [TIER_ADMIN] = "create-namespace" },
	.request = &usher__create_request__descriptor,
	.reply = &usher__namespace_reply__descriptor,
	.capabilities = BIRTH_CAPABILITIES,
	.syscalls = SYSCALLS(BIRTH_SYSCALLS),
	.spawns = true,
	.check = create_check,
	.prepare = birth_begin,
	.resolve = birth_resolve,
	.run = create_run,
};
