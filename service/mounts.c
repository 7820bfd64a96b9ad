/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "call.h"
#include "instant.h"
#include "lifetime.h"
#include "message.h"
#include "store.h"

/* So many mounts without an owner are unmounted at once; and one that will not go is tried again
 * after a second, and then ever more rarely: a user could have a thousand of them. */
enum { UNMOUNTING_MAX = 8 };

static const uint64_t patience_usec = 1000000, patience_most_usec = UINT64_C(64) * 1000000;

static void mount_free(struct mount *mount) {
	if (mount->object)
		usher__mount_object__free_unpacked(mount->object, NULL);
	fd_closep(&mount->namespace);
	caller_release(mount->caller);
	free(mount);
}

void mounts_path(const struct mount *mount, char ret[MOUNTS_PATH_MAX]) {
	(void)snprintf(ret, MOUNTS_PATH_MAX, MOUNTS_PATH_PREFIX "/%" PRIu64, mount->object->number);
}

struct mount *mounts_find(const struct mounts *mounts, uint64_t number) {
	for (struct mount *mount = mounts->first; mount; mount = mount->next)
		if (mount->object->number == number)
			return mount;
	return NULL;
}

struct mount *mounts_find_id(const struct mounts *mounts, uint64_t id) {
	for (struct mount *mount = mounts->first; mount; mount = mount->next)
		if (mount->object->id == id)
			return mount;
	return NULL;
}

struct mount *mounts_find_path(const struct mounts *mounts, const char *path) {
	char own[MOUNTS_PATH_MAX];

	for (struct mount *mount = mounts->first; mount; mount = mount->next) {
		mounts_path(mount, own);
		if (!mount->hidden && strcmp(own, path) == 0)
			return mount;
	}
	return NULL;
}

static void insert(struct mounts *mounts, struct mount *mount) {
	mount->mounts = mounts;
	mount->next = mounts->first;
	mounts->first = mount;
}

/* Where a namespace has no id to ask for it by, nobody would ever tell us that it is gone. */
static bool goes_with_connection(const Usher__MountObject *object) {
	return lifetime_is_connection(object->lifetime) ||
	       (!object->host && !object->has_namespace_id);
}

/* Which bus it is: another one that takes its place begins to count its connections anew. */
static char *bus_id(const struct mounts *mounts) {
	sd_id128_t id;
	char text[SD_ID128_STRING_MAX];

	if (sd_bus_get_bus_id(mounts->desk->bus, &id) < 0)
		return NULL;
	return strdup(sd_id128_to_string(id, text));
}

/* The object that a reply describes; the reply keeps what it says. */
static struct mount *mount_new(struct mounts *mounts, const Usher__MountReply *reply,
			       const struct fds *fds) {
	struct mount *mount = reply->made ? calloc(1, sizeof *mount) : NULL;
	Usher__MountObject *object;
	int fd;

	if (!mount)
		return NULL;
	mount->namespace = -1;
	mount->object = object = (Usher__MountObject *)message_copy(&reply->made->base);
	if (!object) {
		mount_free(mount);
		return NULL;
	}
	if (object->has_namespace_fd && (fd = fds_get(fds, object->namespace_fd)) >= 0)
		mount->namespace = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	object->has_namespace_fd = false;
	object->has_number = true;
	object->number = ++mounts->last_number;
	return mount;
}

int mounts_expect(struct mounts *mounts, struct caller *caller, Usher__MountReply *reply,
		  struct fds *fds, struct mount **ret) {
	struct mount *mount = mount_new(mounts, reply, fds);
	char path[MOUNTS_PATH_MAX];
	int r;

	if (!mount)
		return -ENOMEM;
	if (caller && goes_with_connection(mount->object)) {
		mount->object->connection = strdup(caller->name);
		mount->object->bus = bus_id(mounts);
		mount->caller = caller;
		caller->users++;
	}
	mounts_path(mount, path);
	free(reply->mount_object);
	reply->mount_object = strdup(path);
	r = reply->mount_object ? store_keep("mount", mount->object->number, &mount->object->base,
					     &(struct store_descriptors){ mount->namespace, -1 })
				: -ENOMEM;
	if (r < 0) {
		store_forget("mount", mount->object->number);
		mount_free(mount);
		return r;
	}
	mount->hidden = true;
	insert(mounts, mount);
	*ret = mount;
	return 0;
}

void mounts_show(struct mount *mount) {
	char path[MOUNTS_PATH_MAX];

	mount->hidden = false;
	mount->looks = mount->mounts->looks;
	mounts_path(mount, path);
	(void)sd_bus_emit_object_added(mount->mounts->desk->bus, path);
}

void mounts_remove(struct mounts *mounts, struct mount *mount) {
	struct mount **at = &mounts->first;
	char path[MOUNTS_PATH_MAX];

	mounts_path(mount, path);
	/* while it is still there: the signal names the interfaces that the object has */
	if (!mount->hidden)
		(void)sd_bus_emit_object_removed(mounts->desk->bus, path);
	store_forget("mount", mount->object->number);
	while (*at != mount)
		at = &(*at)->next;
	*at = mount->next;
	mount_free(mount);
}

static void ignore_answer(struct call *call, const ProtobufCMessage *reply, const struct fds *fds) {
}

/* It may not be there any more. Else it is tried again: after ever longer times, or at once when
 * what lay on top of it has gone. */
static void give_up(struct call *call, int code, const char *sentence) {
	struct mount *mount = mounts_find(&call->desk->mounts, call->object);

	if (!mount)
		return;
	mount->leaving = false;
	if (refusal_of(code) == REFUSED_NOT_FOUND) {
		mounts_remove(&call->desk->mounts, mount);
		return;
	}
	mount->patience_usec = mount->patience_usec ? 2 * mount->patience_usec : patience_usec;
	if (mount->patience_usec > patience_most_usec)
		mount->patience_usec = patience_most_usec;
	mount->again_usec = instant_usec() + mount->patience_usec;
}

/* The next of those that wait for it. */
static void own_over(struct call *call) {
	struct mounts *mounts = &call->desk->mounts;

	mounts->unmounting--;
	if (call->desk->leaving)
		return;
	for (struct mount *mount = mounts->first; mount; mount = mount->next)
		if (mount->orphan && !mount->leaving && !mount->covered && mount->again_usec == 0) {
			mounts_unmount(mounts, mount);
			return;
		}
}

static const struct door own_door = { ignore_answer, give_up, own_over };

void mounts_unmount(struct mounts *mounts, struct mount *mount) {
	Usher__UnmountObjectRequest *request;
	struct fds fds = { 0 };

	mount->orphan = true;
	if (mount->hidden)
		mount->looks = mounts->looks;
	if (mount->leaving || mounts->unmounting >= UNMOUNTING_MAX ||
	    instant_usec() < mount->again_usec)
		return;
	mount->leaving = true;
	request = (Usher__UnmountObjectRequest *)message_new(
		&usher__unmount_object_request__descriptor);
	if (!request || mounts_order(mount, request, &fds) < 0) {
		message_freep((ProtobufCMessage **)&request);
		fds_done(&fds);
		mount->leaving = false;
		return;
	}
	request->has_lazy = request->lazy = true;
	mounts->unmounting++;
	if (call_begin(mounts->desk, operation_find("Mount", "Unmount"), NULL, &request->base, &fds,
		       false, mount->object->number, &own_door, NULL) < 0) {
		mounts->unmounting--;
		mount->leaving = false;
	}
}

int mounts_order(const struct mount *mount, Usher__UnmountObjectRequest *request, struct fds *fds) {
	int place;

	request->has_id = true;
	request->id = mount->object->id;
	request->has_host = true;
	request->host = mount->object->host;
	request->has_namespace_id = mount->object->has_namespace_id;
	request->namespace_id = mount->object->namespace_id;
	request->target = strdup(mount->object->target ?: "");
	if (!request->target)
		return -ENOMEM;
	if (mount->namespace < 0)
		return 0;
	place = fds_add_copy(fds, mount->namespace);
	if (place < 0)
		return place;
	request->has_namespace_fd = true;
	request->namespace_fd = (uint32_t)place;
	return 0;
}

/* What a recursive copy brought along has no object, but is its owner's. */
static bool is_of_owner(const struct mounts *mounts, uint64_t id, uid_t owner) {
	for (const struct mount *mount = mounts->first; mount; mount = mount->next)
		if (mount->object->owner == owner && id >= mount->object->id &&
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

enum tier mounts_tier(const struct mounts *mounts, const Usher__Finding *finding, uint64_t number,
		      uid_t uid) {
	const struct mount *mount = NULL;

	if (number)
		mount = mounts_find(mounts, number);
	else if (finding->has_mount_id)
		mount = mounts_find_id(mounts, finding->mount_id);
	if (!mount || finding->tier == TIER_FREE)
		return finding->tier;
	if (mounts_touches_others(mounts, mount, finding))
		return TIER_ADMIN;
	return mount->object->owner == uid ? TIER_OWN : TIER_OTHERS;
}

int mounts_annotate(const struct mounts *mounts, Usher__ListReply *reply) {
	for (size_t i = 0; i < reply->n_mounts; i++) {
		Usher__MountEntry *entry = reply->mounts[i];
		const struct mount *mount = mounts_find_id(mounts, entry->id);
		char path[MOUNTS_PATH_MAX];

		if (!mount || mount->hidden)
			continue;
		mounts_path(mount, path);
		entry->has_owner = true;
		entry->owner = mount->object->owner;
		entry->object = strdup(path);
		if (!entry->object)
			return -ENOMEM;
	}
	return 0;
}

void mounts_drop_caller(struct mounts *mounts, const struct caller *caller) {
	struct mount *next;

	for (struct mount *mount = mounts->first; mount; mount = next) {
		next = mount->next;
		if (mount->caller != caller || mount->hidden)
			continue; /* the call that makes it sees to it */
		if (lifetime_is_connection(mount->object->lifetime))
			mounts_unmount(mounts, mount);
		else
			mounts_remove(mounts, mount);
	}
}

/* When what lies on it goes, it may be tried at once. */
static bool is_covered(const Usher__ListReply *list, struct mount *mount) {
	mount->covered = false;
	for (size_t i = 0; !mount->covered && i < list->n_mounts; i++)
		mount->covered = list->mounts[i]->parent == mount->object->id &&
				 list->mounts[i]->target && mount->object->target &&
				 strcmp(list->mounts[i]->target, mount->object->target) == 0;
	if (mount->covered)
		mount->again_usec = mount->patience_usec = 0;
	return mount->covered;
}

/* The answer to our own List: what is not in it has gone. */
static void on_list(struct call *call, const ProtobufCMessage *reply, const struct fds *fds) {
	const Usher__ListReply *list = (const Usher__ListReply *)reply;
	struct mounts *mounts = &call->desk->mounts;
	struct mount *next;

	for (struct mount *mount = mounts->first; mount; mount = next) {
		bool there = mount->looks >= mounts->looks || (mount->hidden && !mount->orphan) ||
			     (!mount->object->host && !mount->object->has_namespace_id);

		next = mount->next;
		for (size_t i = 0; !there && i < list->n_mounts; i++)
			there = list->mounts[i]->id == mount->object->id;
		if (!there)
			mounts_remove(mounts, mount);
		else if (mount->orphan && !is_covered(list, mount))
			mounts_unmount(mounts, mount);
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
	for (const struct mount *mount = mounts->first; mount; mount = mount->next) {
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
	for (const struct mount *mount = mounts->first; mount; mount = mount->next)
		if (!mount->object->host || mount->orphan)
			return true;
	return false;
}

/* One look at a time; what changes meanwhile is looked at after it. Objects younger than the look
 * are not judged by it. */
void mounts_reconcile(struct mounts *mounts) {
	struct fds none = { 0 };
	ProtobufCMessage *request;

	if (mounts->looking || !mounts->first) {
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

static void on_kept_caller(struct caller *caller, int error, void *userdata) {
	if (error < 0)
		mounts_drop_caller(userdata, caller);
}

static int take_back(void *userdata, ProtobufCMessage *message,
		     struct store_descriptors *descriptors) {
	struct mounts *mounts = userdata;
	const Usher__MountObject *object = (const Usher__MountObject *)message;
	bool whole = object->has_number && object->number > 0 && object->has_id &&
		     object->has_owner && object->lifetime;
	struct mount *mount = whole ? calloc(1, sizeof *mount) : NULL;
	_cleanup_free_ char *current = NULL;

	if (!mount) {
		message_freep(&message);
		return whole ? -ENOMEM : -EBADMSG;
	}
	mount->object = (Usher__MountObject *)message;
	mount->namespace = fd_take(&descriptors->fd);
	if (mount->object->number > mounts->last_number)
		mounts->last_number = mount->object->number;
	insert(mounts, mount);
	mounts_show(mount);
	if (!mount->object->connection)
		return 0;
	current = bus_id(mounts);
	if (mount->object->bus && current && strcmp(mount->object->bus, current) != 0) {
		mount->orphan = true; /* the first look at the table finds it */
		return 0;
	}
	/* did its connection go while nobody was here to see it? */
	mount->caller = callers_get(mounts->desk->callers, mount->object->connection);
	return mount->caller ? caller_identify(mount->caller, on_kept_caller, mounts) : -ENOMEM;
}

/* Numbers are not used again, not even after a restart: somebody may still hold the path of an
 * object that has gone. So they go on from the time since boot, which outruns any use of them. */
static uint64_t first_number(void) {
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int mounts_load(struct mounts *mounts) {
	int r = store_load("mount", &usher__mount_object__descriptor, take_back, mounts);
	uint64_t number = first_number();

	if (mounts->last_number < number)
		mounts->last_number = number;
	return r;
}

void mounts_save(const struct mounts *mounts) {
	for (const struct mount *mount = mounts->first; mount; mount = mount->next)
		store_save("mount", mount->object->number, &mount->object->base);
}

void mounts_done(struct mounts *mounts) {
	while (mounts->first) {
		struct mount *mount = mounts->first;

		mounts->first = mount->next;
		mount_free(mount);
	}
}
