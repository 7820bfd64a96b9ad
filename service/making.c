/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "making.h"

#include <errno.h>

#include "call.h"
#include "examination.h"
#include "mounts.h"
#include "wire.h"

static const char not_kept[] = "the object cannot be kept";

static struct object *made_object(const struct call *call) {
	const struct objects *objects = call->made ? call_makes(call) : NULL;

	return objects ? objects_find(objects, call->made) : NULL;
}

void making_retract(struct call *call) {
	struct object *object = made_object(call);

	call->made = 0;
	if (object)
		object_end(object);
}

void making_forget(struct call *call) {
	struct object *object = made_object(call);

	if (object)
		object_remove(object);
	call->made = 0;
}

/* Nobody is to be told, or the connection that it was to go with has gone. */
static bool is_unwanted(const struct call *call) {
	const struct object *object = made_object(call);

	return call->given_up || (call->caller && call->caller->gone && object &&
				  object_goes_with_connection(object));
}

bool making_begins_elsewhere(const struct call *call) {
	const struct objects *objects = call_makes(call);

	return objects && objects->kind->start;
}

/* It is there and its object not lost any more: everybody is told. It may have gone already. */
static void present(struct call *call) {
	struct object *object = made_object(call);
	int r = 0;

	if (is_unwanted(call))
		making_retract(call);
	else if (object && making_begins_elsewhere(call))
		r = object_keep(object);
	if (r < 0) {
		call_refuse(call, r, not_kept);
		return;
	}
	if (call->made && object)
		object_show(object);
	call_succeed(call, &call->reply_fds);
}

static void present_if_whole(struct call *call) {
	if (call->begun && call->ended)
		present(call);
}

/* Of most kinds an object has begun when it is there. */
static int start(struct call *call, struct object *object) {
	call->begun = !making_begins_elsewhere(call);
	return call->begun ? 0 : object->objects->kind->start(object);
}

/* The descriptors are answered with it. */
static int expect(struct call *call, struct fds *fds) {
	struct object *object = NULL;
	int r = objects_expect(call_makes(call), call->caller, call->request, call->reply, fds,
			       call->worker, &object);

	if (r != 0)
		return r;
	call->made = object->number;
	call->reply_fds = *fds;
	*fds = (struct fds){ 0 };
	return start(call, object);
}

static bool is_taking_off(const struct call *call, uint64_t id) {
	return call->granted && call_gives_back(call) && call->finding &&
	       call->finding->has_mount_id && call->finding->mount_id == id;
}

/* Kernels that do not tell ids which are never used again give the id of a mount that goes to the
 * next one that comes. A child that still takes off the former would take the latter for it. */
static bool must_wait(const struct call *call) {
	const struct object *object = made_object(call);
	const struct call *other = call->desk->first;

	if (!object || object->objects->kind != &mount_kind)
		return false;
	while (other && !is_taking_off(other, ((const struct mount *)object)->object->id))
		other = other->next;
	return other;
}

static int grant_making(struct call *call) {
	Usher__Grant grant = USHER__GRANT__INIT;

	grant.tier = TIER_ADMIN;
	return wire_send(call->worker, &grant.base, NULL);
}

/* A call is over that others may have waited for. A child that does not hear it any more has gone,
 * and is seen to have. */
void making_let_go_on(struct desk *desk) {
	for (struct call *call = desk->first; call; call = call->next)
		if (call->held && !must_wait(call)) {
			call->held = false;
			(void)grant_making(call);
		}
}

/* The child is about to make something that stays. Its object is written down first. */
void making_announced(struct call *call, const ProtobufCBinaryData *made, struct fds *fds) {
	int r = -EBADMSG;

	call->reply =
		protobuf_c_message_unpack(call->operation->reply, NULL, made->len, made->data);
	if (call->reply && (call->given_up || (call->caller && call->caller->gone)))
		return call_refuse(call, REFUSED_RETRY, "its caller has gone");
	if (call->reply)
		r = expect(call, fds);
	if (r == 0)
		mounts_forget_twins(&call->desk->mounts, made_object(call));
	call->held = r == 0 && must_wait(call);
	if (r == 0 && !call->held)
		r = grant_making(call);
	if (r != 0)
		call_refuse(call, r, r == REFUSED_BUSY ? examination_name_taken : not_kept);
}

/* As long as the child has a mount open that could not be unmounted. */
void making_ended(struct call *call) {
	call->ended = true;
	call->io = sd_event_source_disable_unref(call->io);
	present_if_whole(call);
}

bool making_begun(const struct object *object, int code, const char *sentence) {
	struct call *call = object->objects->desk->first;

	while (call && (call->made != object->number || call_makes(call) != object->objects))
		call = call->next;
	if (!call)
		return false;
	call->begun = true;
	if (code != 0)
		call_refuse(call, code, sentence);
	else
		present_if_whole(call);
	return true;
}

bool making_is_watch(const struct call *call) {
	return call_makes(call) == &call->desk->objects[KIND_WATCH];
}

static int give_root(struct call *call, struct fds *fds) {
	const Usher__WatchObject *made =
		making_is_watch(call) ? (const Usher__WatchObject *)objects_made(call->reply)
				      : NULL;

	return made ? watchers_give_root(&call->desk->watchers, &call->roots, made, call->reply,
					 fds)
		    : 0;
}

/* The child has no part any more in what it has found. */
void making_hand_over(struct call *call, struct fds *fds) {
	int r;

	call->io = sd_event_source_disable_unref(call->io);
	fd_closep(&call->worker);
	call->done = call->ended = true;
	if (call->given_up || (call->caller && call->caller->gone)) {
		call_refuse(call, REFUSED_RETRY, "its caller has gone");
		return;
	}
	r = give_root(call, fds);
	if (r == 0)
		r = expect(call, fds);
	if (r != 0)
		call_refuse(call, r, not_kept);
}
