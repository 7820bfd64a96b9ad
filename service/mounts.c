/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "instant.h"
#include "message.h"

/* So many mounts without an owner are unmounted at once; and one that will not go is tried again
 * after a second, and then ever more rarely: a user could have a thousand of them. */
enum { UNMOUNTING_MAX = 8 };

static const uint64_t patience_usec = 1000000, patience_most_usec = UINT64_C(64) * 1000000;

static struct objects *all(const struct mounts *mounts) {
	return &mounts->desk->objects[KIND_MOUNT];
}

struct mount *mounts_first(const struct mounts *mounts) {
	return (struct mount *)all(mounts)->first;
}

struct mount *mounts_next(const struct mount *mount) {
	return (struct mount *)mount->base.next;
}

struct mount *mounts_find(const struct mounts *mounts, uint64_t number) {
	return (struct mount *)objects_find(all(mounts), number);
}

struct mount *mounts_find_id(const struct mounts *mounts, uint64_t id, bool host) {
	for (struct mount *mount = mounts_first(mounts); mount; mount = mounts_next(mount))
		if (mount->object->id == id && (bool)mount->object->host == host)
			return mount;
	return NULL;
}

void mounts_forget_twins(struct mounts *mounts, const struct object *made) {
	const uint64_t id =
		made->objects->kind == &mount_kind ? ((const struct mount *)made)->object->id : 0;
	struct mount *next;

	for (struct mount *mount = mounts_first(mounts); id && mount; mount = next) {
		next = mounts_next(mount);
		if (mount->object->id == id && &mount->base != made)
			object_remove(&mount->base);
	}
}

static int order(const struct object *object, ProtobufCMessage *request, struct fds *fds) {
	const Usher__MountObject *mount = (const Usher__MountObject *)object->message;
	int place;

	message_set_number(request, "id", mount->id);
	message_set_number(request, "host", mount->host);
	message_set_number(request, "unmoved",
			   object->hidden && !((const struct mount *)object)->moved);
	if (mount->has_namespace_id)
		message_set_number(request, "namespace_id", mount->namespace_id);
	if (message_set_string(request, "target", mount->target ?: "") < 0)
		return -ENOMEM;
	if (object->fd < 0)
		return 0;
	place = fds_add_copy(fds, object->fd);
	if (place >= 0)
		message_set_number(request, "namespace_fd", (uint64_t)place);
	return place < 0 ? place : 0;
}

static bool is_at(const struct mount *mount, const char *target) {
	return target && mount->object->target && strcmp(mount->object->target, target) == 0;
}

/* What lay below it is next, and need not wait for a look: one may be on the other a hundred times.
 */
static void uncover(struct call *call, const ProtobufCMessage *reply, const struct fds *fds) {
	const uint64_t gone = message_number(call->request, "id", 0);
	const char *target = message_string(call->request, "target");

	for (struct mount *mount = mounts_first(&call->desk->mounts); mount;
	     mount = mounts_next(mount)) {
		if (mount->cover == gone)
			mount->cover = 0;
		if (mount->cover == 0 && is_at(mount, target))
			mount->again_usec = mount->patience_usec = 0;
	}
}

/* It may not be there any more. Else it is tried again: after ever longer times, or at once when
 * what lay on top of it has gone. */
static void give_up(struct call *call, int code, const char *sentence) {
	struct mount *mount = mounts_find(&call->desk->mounts, call->object);

	if (!mount)
		return;
	mount->base.leaving = false;
	if (refusal_of(code) == REFUSED_NOT_FOUND) {
		object_remove(&mount->base);
		return;
	}
	mount->patience_usec = mount->patience_usec ? 2 * mount->patience_usec : patience_usec;
	if (mount->patience_usec > patience_most_usec)
		mount->patience_usec = patience_most_usec;
	mount->again_usec = instant_usec() + mount->patience_usec;
}

static void unmount(struct mounts *mounts, struct mount *mount);

/* The next of those that wait for it. */
static void own_over(struct call *call) {
	struct mounts *mounts = &call->desk->mounts;

	mounts->unmounting--;
	if (call->desk->leaving)
		return;
	for (struct mount *mount = mounts_first(mounts); mount; mount = mounts_next(mount))
		if (mount->base.orphan && !mount->base.leaving && mount->cover == 0 &&
		    mount->again_usec == 0) {
			unmount(mounts, mount);
			return;
		}
}

static const struct door own_door = { uncover, give_up, own_over };

/* Whoever uses it. */
static void unmount(struct mounts *mounts, struct mount *mount) {
	ProtobufCMessage *request;
	struct fds fds = { 0 };

	if (mount->base.hidden)
		mount->looks = mounts->looks;
	if (mount->base.leaving || mounts->unmounting >= UNMOUNTING_MAX ||
	    instant_usec() < mount->again_usec)
		return;
	request = message_new(&usher__unmount_object_request__descriptor);
	if (!request || order(&mount->base, request, &fds) < 0) {
		message_freep(&request);
		fds_done(&fds);
		return;
	}
	message_set_number(request, "lazy", true);
	mount->base.leaving = true;
	mounts->unmounting++;
	if (call_begin(mounts->desk, operation_find("Mount", "Unmount"), NULL, request, &fds, false,
		       mount->base.number, &own_door, NULL) < 0) {
		mounts->unmounting--;
		mount->base.leaving = false;
	}
}

/* What a recursive copy brought along has no object, but is its owner's. Told of are mounts of the
 * service's own namespace only. */
static bool is_of_owner(const struct mounts *mounts, uint64_t id, uid_t owner) {
	for (const struct mount *mount = mounts_first(mounts); mount; mount = mounts_next(mount))
		if (mount->object->owner == owner && mount->object->host &&
		    id >= mount->object->id &&
		    (id == mount->object->id || id <= mount->object->last_id))
			return true;
	return false;
}

bool mounts_touches_others(const struct mounts *mounts, const struct mount *mount,
			   const Usher__Finding *finding) {
	for (size_t i = 0; i < finding->n_below; i++)
		if (!is_of_owner(mounts, finding->below[i], mount->object->owner))
			return true;
	return false;
}

enum tier mounts_tier(const struct mounts *mounts, const Usher__Finding *finding,
		      const struct mount *mount, uid_t uid) {
	if (!mount || finding->tier == TIER_FREE)
		return finding->tier;
	if (mounts_touches_others(mounts, mount, finding))
		return TIER_ADMIN;
	return mount->object->owner == uid ? TIER_OWN : TIER_OTHERS;
}

/* A list does not say where it was made. */
static const struct mount *find_listed(const struct mounts *mounts, uint64_t id) {
	return mounts_find_id(mounts, id, true) ?: mounts_find_id(mounts, id, false);
}

int mounts_annotate(const struct mounts *mounts, Usher__ListReply *reply) {
	for (size_t i = 0; i < reply->n_mounts; i++) {
		Usher__MountEntry *entry = reply->mounts[i];
		const struct mount *mount = find_listed(mounts, entry->id);
		char path[OBJECT_PATH_MAX];

		if (!mount || mount->base.hidden)
			continue;
		object_path(&mount->base, path);
		entry->has_owner = true;
		entry->owner = mount->object->owner;
		entry->object = strdup(path);
		if (!entry->object)
			return -ENOMEM;
	}
	return 0;
}

/* When what lies on it goes, it may be tried at once. */
static bool is_covered(const Usher__ListReply *list, struct mount *mount) {
	mount->cover = 0;
	for (size_t i = 0; mount->cover == 0 && i < list->n_mounts; i++)
		if (list->mounts[i]->parent == mount->object->id &&
		    is_at(mount, list->mounts[i]->target))
			mount->cover = list->mounts[i]->id;
	if (mount->cover != 0)
		mount->again_usec = mount->patience_usec = 0;
	return mount->cover != 0;
}

/* The answer to our own List: what is not in it has gone. */
static void on_list(struct call *call, const ProtobufCMessage *reply, const struct fds *fds) {
	const Usher__ListReply *list = (const Usher__ListReply *)reply;
	struct mounts *mounts = &call->desk->mounts;
	struct mount *next;

	for (struct mount *mount = mounts_first(mounts); mount; mount = next) {
		bool there = mount->looks >= mounts->looks ||
			     (mount->base.hidden && !mount->base.orphan) ||
			     (!mount->object->host && !mount->object->has_namespace_id);

		next = mounts_next(mount);
		for (size_t i = 0; !there && i < list->n_mounts; i++)
			there = list->mounts[i]->id == mount->object->id;
		if (!there)
			object_remove(&mount->base);
		else if (mount->base.orphan && !is_covered(list, mount))
			unmount(mounts, mount);
	}
}

static void list_failed(struct call *call, int code, const char *sentence) {
}

static void list_over(struct call *call) {
	struct mounts *mounts = &call->desk->mounts;
	bool again = mounts->look_again;

	mounts->looking = mounts->look_again = false;
	if (again)
		mounts_reconcile(mounts);
}

static const struct door list_door = { on_list, list_failed, list_over };

static int add_foreign(const struct mounts *mounts, Usher__ListRequest *request) {
	for (const struct mount *mount = mounts_first(mounts); mount; mount = mounts_next(mount)) {
		Usher__ForeignMount **grown, *foreign;

		if (mount->object->host || !mount->object->has_namespace_id)
			continue;
		grown = reallocarray(request->foreign, request->n_foreign + 1, sizeof *grown);
		if (!grown)
			return -ENOMEM;
		request->foreign = grown;
		foreign = (Usher__ForeignMount *)message_new(&usher__foreign_mount__descriptor);
		if (!foreign)
			return -ENOMEM;
		foreign->id = mount->object->id;
		foreign->namespace_id = mount->object->namespace_id;
		grown[request->n_foreign++] = foreign;
	}
	return 0;
}

bool mounts_have_foreign(const struct mounts *mounts) {
	for (const struct mount *mount = mounts_first(mounts); mount; mount = mounts_next(mount))
		if (!mount->object->host || mount->base.orphan)
			return true;
	return false;
}

/* Ids that are never used again begin there. */
static const uint64_t first_lasting_id = UINT64_C(1) << 31;

bool mounts_have_passing_ids(const struct mounts *mounts) {
	for (const struct mount *mount = mounts_first(mounts); mount; mount = mounts_next(mount))
		if (mount->object->id < first_lasting_id)
			return true;
	return false;
}

/* One look at a time; what changes meanwhile is looked at after it. Objects younger than the look
 * are not judged by it. */
void mounts_reconcile(struct mounts *mounts) {
	struct fds none = { 0 };
	ProtobufCMessage *request;

	if (mounts->looking || !mounts_first(mounts)) {
		mounts->look_again = mounts->looking;
		return;
	}
	request = message_new(&usher__list_request__descriptor);
	if (!request || add_foreign(mounts, (Usher__ListRequest *)request) < 0) {
		message_freep(&request);
		return;
	}
	mounts->looking = true;
	mounts->looks++;
	(void)call_begin(mounts->desk, operation_find("Mounts", "List"), NULL, request, &none,
			 false, 0, &list_door, NULL);
}

/* ---- as objects ---- */

static int adopt(struct object *object, const ProtobufCMessage *request) {
	Usher__MountObject *m = (Usher__MountObject *)object->message;

	((struct mount *)object)->object = m;
	m->has_namespace_fd = false;
	return m->has_id && m->lifetime ? 0 : -EBADMSG;
}

static void begin(struct object *object) {
	((struct mount *)object)->looks = object->objects->desk->mounts.looks;
}

static void end(struct object *object) {
	unmount(&object->objects->desk->mounts, (struct mount *)object);
}

/* Where a namespace has no id to ask for it by, nobody would ever tell us that it is gone. */
static bool needs_connection(const struct object *object) {
	const Usher__MountObject *m = (const Usher__MountObject *)object->message;

	return !m->host && !m->has_namespace_id;
}

const struct object_kind mount_kind = {
	.name = "mount",
	.interface = "Mount",
	.size = sizeof(struct mount),
	.message = &usher__mount_object__descriptor,
	.reply = &usher__mount_reply__descriptor,
	.fd = "namespace_fd",
	.lifetime = "Lifetime",
	.limit = LIMIT_MOUNTS,
	.adopt = adopt,
	.begin = begin,
	.end = end,
	.needs_connection = needs_connection,
	.order = order,
};
