/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "examination.h"

#include <stdio.h>

#include "call.h"
#include "id-pool.h"
#include "inquiry.h"
#include "message.h"
#include "mounts.h"
#include "namespaces.h"
#include "network.h"
#include "quota.h"

static const uint64_t least_usec = 1000, most_usec = 600 * UINT64_C(1000000);

const char examination_name_taken[] = "name: the caller has a namespace of that name already";

static int check(const struct call *call, struct refusal *refusal) {
	uint64_t usec = call_deadline_usec(call);

	if (usec < least_usec || usec > most_usec)
		return refusal_note(
			refusal, REFUSED_INVALID,
			"deadline_usec: %llu is not between a millisecond and ten minutes",
			(unsigned long long)usec);
	if (inquiry_is_one(call))
		return inquiry_check(call, refusal);
	return call->operation->check ? call->operation->check(call->request, refusal) : 0;
}

/* A name is one namespace's of a user's. */
static int check_name(const struct call *call, struct refusal *refusal) {
	const struct objects *objects = call_makes(call);
	const char *name = message_string(call->request, "name");

	if (!call->caller || !objects || objects->kind != &namespace_kind || !name ||
	    !namespaces_find_name(objects, call->caller->uid, name))
		return 0;
	return refusal_note(refusal, REFUSED_BUSY, "%s", examination_name_taken);
}

/* A namespace object for a place: that of its leader. Whether the caller may work there is judged
 * as of any process. */
static int find_leader(struct call *call, const char *key, const char *path,
		       const struct object **ret, struct refusal *refusal) {
	char field[16];
	int place;

	*ret = objects_find_path(&call->desk->objects[KIND_NAMESPACE], path);
	if (!*ret)
		return refusal_note(refusal, REFUSED_NOT_FOUND,
				    "%s: '%.200s' is no namespace that is there", key, path);
	place = fds_add_copy(&call->fds, (*ret)->fd);
	if (place < 0)
		return place;
	(void)snprintf(field, sizeof field, "%s_as_fd", key);
	message_set_number(call->request, field, (uint64_t)place);
	return 0;
}

static int find_peer(struct call *call, struct refusal *refusal) {
	_cleanup_free_ char *path = message_take_string(call->request, "peer_as_object");
	const struct object *object;

	return path ? find_leader(call, "peer", path, &object, refusal) : 0;
}

static int find_place(struct call *call, struct refusal *refusal) {
	_cleanup_free_ char *path = message_take_string(call->request, "in_as_object");
	const struct object *object;
	int r = find_peer(call, refusal);

	if (r == 0 && path)
		r = find_leader(call, "in", path, &object, refusal);
	if (r != 0 || !path)
		return r;
	id_pool_pass_on(object->message, call->request);
	return message_set_string(call->request, "namespace", path);
}

int examination_pass(struct call *call, struct refusal *refusal) {
	int r = quota_check(call, refusal);

	if (r != 0 && call_makes(call) == &call->desk->objects[KIND_MOUNT])
		/* some may have gone where we do not see it: below a mount that is not shared */
		mounts_reconcile(&call->desk->mounts);
	if (r == 0)
		r = check(call, refusal);
	if (r == 0)
		r = check_name(call, refusal);
	if (r == 0)
		r = find_place(call, refusal);
	if (r == 0 && !call_is_trusted(call))
		r = network_check(&call->desk->configuration.network, call->request, refusal);
	if (r == 0 && call->caller)
		r = id_pool_fill(call->desk, call->request, call->caller->uid, refusal);
	return r;
}
