/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "audit.h"
#include "inquiry.h"
#include "instant.h"
#include "message.h"
#include "namespaces.h"
#include "quota.h"
#include "reception.h"
#include "store.h"
#include "wire.h"

/* How long the work may take, if the caller says nothing, and what it may say. What a person needs
 * for an answer does not count. The child is killed by its own clock; the grace is for what cannot
 * be killed, and until then it may still answer. */
static const uint64_t default_usec = 10 * UINT64_C(1000000), least_usec = 1000,
		      most_usec = 600 * UINT64_C(1000000), grace_usec = UINT64_C(500000);

/* How soon it is looked again whether one that waits for its turn may have its child. */
static const uint64_t turn_usec = 20000;

static const char stopping[] = "the service is being stopped",
		  name_taken[] = "name: the caller has a namespace of that name already",
		  not_kept[] = "the object cannot be kept";

static void give_back(struct call *call);
static void let_make(struct desk *desk);
static void take_turns(struct desk *desk, uint64_t usec);

static void call_free(struct call *call) {
	struct desk *desk = call->desk;
	struct call **at = &desk->first;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	give_back(call);
	inquiry_forget(call);
	sd_event_source_disable_unref(call->io);
	sd_event_source_disable_unref(call->timer);
	message_freep(&call->reply);
	fds_done(&call->reply_fds);
	authority_cancel(call->question);
	fd_closep(&call->worker);
	free(call->why);
	fds_done(&call->fds);
	roots_done(&call->roots);
	message_freep(&call->request);
	if (call->finding)
		usher__finding__free_unpacked(call->finding, NULL);
	if (call->door)
		call->door->done(call);
	caller_release(call->caller);
	free(call);
	let_make(desk);
	take_turns(desk, 0);
	if (!desk->first && desk->idle)
		desk->idle(desk);
}

/* Answers, and notes it. */
static void settle(struct call *call, int code, const char *text, const ProtobufCMessage *reply,
		   const struct fds *fds) {
	_cleanup_free_ char *sentence = code == 0 ? NULL : refusal_sentence(code, text);
	uint64_t took = instant_usec() - call->began_usec;

	if (call->caller) /* who has its answer may go */
		caller_describe(call->caller);
	if (!call->door || (call->caller && call->caller->gone))
		; /* nobody is there to hear it */
	else if (code == 0)
		call->door->answer(call, reply, fds);
	else
		call->door->refuse(call, code, sentence ?: "");
	audit_note(call, code, sentence, reply, took); /* while the caller goes on */
}

struct objects *call_makes(const struct call *call) {
	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		if (call->desk->objects[kind].kind->reply == call->operation->reply ||
		    call->desk->objects[kind].kind->other_reply == call->operation->reply)
			return &call->desk->objects[kind];
	return NULL;
}

struct objects *call_objects(const struct call *call) {
	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		if (strcmp(call->desk->objects[kind].kind->interface, call->operation->interface) ==
		    0)
			return &call->desk->objects[kind];
	return NULL;
}

static struct object *made_object(const struct call *call) {
	const struct objects *objects = call->made ? call_makes(call) : NULL;

	return objects ? objects_find(objects, call->made) : NULL;
}

/* What had been announced may have come to be, and nobody wants it. */
static void retract(struct call *call) {
	struct object *object = made_object(call);

	call->made = 0;
	if (object)
		object_end(object);
}

/* The child says that it has not come to be: there is nothing to be taken off, and its id may be
 * another's by now. */
static void forget_made(struct call *call) {
	struct object *object = made_object(call);

	if (object)
		object_remove(object);
	call->made = 0;
}

/* The only way out. */
static void call_finish(struct call *call, int code, const char *text) {
	if (call->refused != 0) {
		code = call->refused;
		text = call->why;
	}
	if (!call->given_up)
		settle(call, code, text, NULL, NULL);
	retract(call);
	call_free(call);
}

struct object *call_object(const struct call *call) {
	const struct objects *objects = call->object ? call_objects(call) : NULL;

	return objects ? objects_find(objects, call->object) : NULL;
}

/* Of what was named by a path, the worker has found which it is. */
static struct mount *mount_of(const struct call *call) {
	if (call->object)
		return (struct mount *)call_object(call);
	return call->found ? mounts_find(&call->desk->mounts, call->found) : NULL;
}

bool call_gives_back(const struct call *call) {
	const ProtobufCMessageDescriptor *request = call->operation->request;

	return request == &usher__unmount_request__descriptor ||
	       request == &usher__unmount_object_request__descriptor;
}

static bool makes_go(const struct call *call) {
	return call_gives_back(call) ||
	       call->operation->request == &usher__move_request__descriptor;
}

static bool ends_object(const struct call *call) {
	return call_gives_back(call) ||
	       call->operation->request == &usher__destroy_request__descriptor;
}

/* What a reply of the worker's means to the service, before the caller gets it. */
static int conclude(struct call *call, ProtobufCMessage *reply) {
	struct object *object = call->object ? call_object(call) : (struct object *)mount_of(call);

	if (call_makes(call))
		return -EBADMSG; /* it was not announced */
	if (reply->descriptor == &usher__list_reply__descriptor)
		return mounts_annotate(&call->desk->mounts, (Usher__ListReply *)reply);
	if (object && ends_object(call))
		object_remove(object);
	else if (object && makes_go(call))
		((struct mount *)object)->moved = true;
	else if (call->object && object && object->objects->kind->changed)
		object->objects->kind->changed(object);
	return 0;
}

/* Nobody is to be told, or the connection that it was to go with has gone. */
static bool is_unwanted(const struct call *call) {
	const struct object *object = made_object(call);

	return call->given_up || (call->caller && call->caller->gone && object &&
				  object_goes_with_connection(object));
}

static void succeed(struct call *call, const struct fds *fds) {
	if (call->given_up)
		audit_note(call, 0, "after its caller had been told that it timed out", call->reply,
			   instant_usec() - call->began_usec);
	else
		settle(call, 0, NULL, call->reply, fds);
	call_free(call);
}

/* Of what somebody else has begin, the child makes nothing: what it is to be is its answer. */
static bool begins_elsewhere(const struct call *call) {
	const struct objects *objects = call_makes(call);

	return objects && objects->kind->start;
}

/* It is there and its object not lost any more: everybody is told. It may have gone already. */
static void present(struct call *call) {
	struct object *object = made_object(call);
	int r = 0;

	if (is_unwanted(call))
		retract(call);
	else if (object && begins_elsewhere(call))
		r = object_keep(object);
	if (r < 0) {
		call_finish(call, r, not_kept);
		return;
	}
	if (call->made && object)
		object_show(object);
	succeed(call, &call->reply_fds);
}

static void present_if_whole(struct call *call) {
	if (call->begun && call->ended)
		present(call);
}

/* Of most kinds an object has begun when it is there. */
static int start(struct call *call, struct object *object) {
	call->begun = !begins_elsewhere(call);
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
static void let_make(struct desk *desk) {
	for (struct call *call = desk->first; call; call = call->next)
		if (call->held && !must_wait(call)) {
			call->held = false;
			(void)grant_making(call);
		}
}

/* The child is about to make something that stays. Its object is written down first. */
static void on_made(struct call *call, const ProtobufCBinaryData *made, struct fds *fds) {
	int r = -EBADMSG;

	call->reply =
		protobuf_c_message_unpack(call->operation->reply, NULL, made->len, made->data);
	if (call->reply && (call->given_up || (call->caller && call->caller->gone)))
		return call_finish(call, REFUSED_RETRY, "its caller has gone");
	if (call->reply)
		r = expect(call, fds);
	if (r == 0)
		mounts_forget_twins(&call->desk->mounts, made_object(call));
	call->held = r == 0 && must_wait(call);
	if (r == 0 && !call->held)
		r = grant_making(call);
	if (r != 0)
		call_finish(call, r, r == REFUSED_BUSY ? name_taken : not_kept);
}

/* As long as the child has a mount open that could not be unmounted. */
static void on_ended(struct call *call) {
	call->ended = true;
	call->io = sd_event_source_disable_unref(call->io);
	present_if_whole(call);
}

bool call_begun(const struct object *object, int code, const char *sentence) {
	struct call *call = object->objects->desk->first;

	while (call && (call->made != object->number || call_makes(call) != object->objects))
		call = call->next;
	if (!call)
		return false;
	call->begun = true;
	if (code != 0)
		call_finish(call, code, sentence);
	else
		present_if_whole(call);
	return true;
}

/* What the child has found is where somebody else is to look. */
static void inquire(struct call *call, const struct fds *fds) {
	_cleanup_(message_freep) ProtobufCMessage *found = call->reply;

	call->reply = NULL;
	call->io = sd_event_source_disable_unref(call->io);
	call->timer = sd_event_source_disable_unref(call->timer);
	fd_closep(&call->worker);
	if (call->given_up)
		call_finish(call, REFUSED_RETRY, NULL);
	else
		inquiry_go_on(call, found, fds);
}

static bool makes_watch(const struct call *call) {
	return call_makes(call) == &call->desk->objects[KIND_WATCH];
}

static int give_root(struct call *call, struct fds *fds) {
	const Usher__WatchObject *made =
		makes_watch(call) ? (const Usher__WatchObject *)objects_made(call->reply) : NULL;

	return made ? watchers_give_root(&call->desk->watchers, &call->roots, made, call->reply,
					 fds)
		    : 0;
}

/* The child has no part any more in what it has found. */
static void let_begin(struct call *call, struct fds *fds) {
	int r;

	call->io = sd_event_source_disable_unref(call->io);
	fd_closep(&call->worker);
	call->done = call->ended = true;
	if (call->given_up || (call->caller && call->caller->gone)) {
		call_finish(call, REFUSED_RETRY, "its caller has gone");
		return;
	}
	r = give_root(call, fds);
	if (r == 0)
		r = expect(call, fds);
	if (r != 0)
		call_finish(call, r, not_kept);
}

static void on_outcome(struct call *call, const Usher__Outcome *outcome, struct fds *fds) {
	int r;

	if (outcome->code != 0) {
		if (outcome->gone)
			forget_made(call);
		return call_finish(call, outcome->code, outcome->text);
	}
	if (call->made) {
		call->done = true;
		if (call_makes(call)->kind->stays)
			on_ended(call); /* what else it says is the object's */
		return;
	}
	call->reply = protobuf_c_message_unpack(call->operation->reply, NULL, outcome->reply.len,
						outcome->reply.data);
	if (call->reply && begins_elsewhere(call))
		return let_begin(call, fds);
	r = call->reply ? conclude(call, call->reply) : -EBADMSG;
	if (r < 0)
		call_finish(call, r, NULL);
	else if (inquiry_is_one(call))
		inquire(call, fds);
	else
		succeed(call, fds);
}

uint64_t call_deadline_usec(const struct call *call) {
	return message_number(call->request, "deadline_usec", default_usec);
}

/* The child did not even die: whatever it hangs on cannot be interrupted. The caller need not wait
 * for that, we do. */
static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
	struct call *call = userdata;

	if (call->refused != 0)
		settle(call, call->refused, call->why, NULL, NULL);
	else
		settle(call, REFUSED_TIMED_OUT,
		       call->done && !call->begun
			       ? "who should see to the object does not answer"
			       : "the kernel does not finish, and will not be interrupted",
		       NULL, NULL);
	call->given_up = true;
	return 0;
}

/* Starts the clock of a stage: looking, or doing. */
static int arm(struct call *call) {
	call->stage_usec = instant_usec();
	call->timer = sd_event_source_disable_unref(call->timer);
	return sd_event_add_time_relative(call->desk->event, &call->timer, CLOCK_MONOTONIC,
					  call_deadline_usec(call) + grace_usec, 0, on_late, call);
}

/* A mount that goes is one call's at a time: a child compares what lies at a name before it takes
 * it off, and of two that had both compared the second would take what lay below. And what was
 * allowed was about that object: where it has gone, its id may be another's. */
static int take(struct call *call, const char **ret_why) {
	struct mount *mount = mount_of(call);

	if (!makes_go(call) || (!call->object && !call->found))
		return 0;
	*ret_why = mount ? "it is being moved or unmounted by another call" : "the mount is gone";
	if (!mount)
		return REFUSED_NOT_FOUND;
	if (!call->caller)
		return 0; /* it has been taken already */
	if (mount->base.leaving)
		return REFUSED_BUSY;
	mount->base.leaving = true;
	call->taken = mount->base.number;
	return 0;
}

static void give_back(struct call *call) {
	struct mount *mount = call->taken ? mounts_find(&call->desk->mounts, call->taken) : NULL;

	if (mount)
		mount->base.leaving = false;
}

/* A child that waits for a word has open what its caller may want to unmount next: it is to let go
 * of that before the caller is answered. One that does not is not waited for. */
static void turn_away(struct call *call, int code, const char *text) {
	int r;

	call->refused = code;
	call->why = text ? strdup(text) : NULL;
	call->timer = sd_event_source_disable_unref(call->timer);
	r = sd_event_add_time_relative(call->desk->event, &call->timer, CLOCK_MONOTONIC, grace_usec,
				       0, on_late, call);
	if (r < 0 || shutdown(call->worker, SHUT_WR) < 0)
		call_finish(call, code, text);
}

/* The authority said yes, or there was nothing to ask. */
static void proceed(struct call *call) {
	Usher__Grant grant = USHER__GRANT__INIT;
	const char *why = NULL;
	int r = take(call, &why);

	if (r != 0) {
		turn_away(call, r, why);
		return;
	}
	grant.tier = TIER_ADMIN; /* what the child found it needs is what was asked about */
	r = arm(call);           /* first: the child's clock starts when it has the grant */
	if (r >= 0)
		r = wire_send(call->worker, &grant.base, NULL);
	call->granted = true;
	if (r < 0)
		call_finish(call, r, "the worker has gone");
}

/* What makes it an administrator's only the child knows, and it is true only where we did not
 * judge otherwise. */
static void turn_down(struct call *call, int verdict, const char *why) {
	const char *more = call->tier == call->finding->tier ? call->finding->why : NULL;
	_cleanup_free_ char *text = NULL;

	if (more && asprintf(&text, "%s: %s", why, more) < 0)
		text = NULL;
	turn_away(call, verdict, text ?: why);
}

static void on_verdict(void *userdata, int verdict, const char *why) {
	struct call *call = userdata;

	call->question = NULL;
	call->answered_usec = instant_usec();
	call->verdict = verdict;
	if (verdict != 0)
		turn_down(call, verdict, why);
	else
		proceed(call);
}

bool call_is_trusted(const struct call *call) {
	return !call->caller || call->caller->uid == 0 || call->desk->session;
}

static void ask(struct call *call) {
	char action[ACTION_MAX];
	const Usher__Finding *finding = call->finding;
	struct refusal refusal = { 0 };
	int r;

	if (call_is_trusted(call) || !operation_action(call->operation, call->tier, action)) {
		proceed(call);
		return;
	}
	r = quota_check_question(call, &refusal);
	if (r != 0) {
		turn_away(call, r, refusal.text);
		return;
	}
	call->timer =
		sd_event_source_disable_unref(call->timer); /* a person takes the time it takes */
	r = authority_ask(&call->question, call->desk->bus, call->caller->name, action,
			  finding->details, finding->n_details, call->interactive, on_verdict,
			  call);
	call->asked_usec = instant_usec();
	if (r < 0)
		turn_away(call, REFUSED_PERMISSION, "polkit cannot be asked");
}

/* The child knows what the words mean; of mounts that were made here, we know whose they are. */
static bool judge(struct call *call, Usher__Finding **finding) {
	const struct mount *found;

	call->finding = *finding;
	*finding = NULL;
	if (call->finding->tier >= _TIER_MAX)
		return false;
	found = call->finding->has_mount_id
			? mounts_find_id(&call->desk->mounts, call->finding->mount_id,
					 call->finding->host)
			: NULL;
	call->found = found ? found->base.number : 0;
	call->tier = call->finding->tier;
	if (call->caller)
		call->tier = mounts_tier(&call->desk->mounts, call->finding, mount_of(call),
					 call->caller->uid);
	return true;
}

/* At the end of a connection, too, nobody's mounts go but its owner's. */
static bool must_stay(const struct call *call) {
	const struct mount *mount = call->caller ? NULL : mount_of(call);

	return mount && mounts_touches_others(&call->desk->mounts, mount, call->finding);
}

static void on_finding(struct call *call, Usher__Finding **finding) {
	call->granted = false; /* it takes more than was granted with the order, so it waits */
	call->given_up = call->given_up || (call->caller && call->caller->gone);
	if (!judge(call, finding) || call->given_up)
		call_finish(call, -EBADMSG, NULL); /* too late: it is not to be done any more */
	else if (call->desk->leaving)
		call_finish(call, REFUSED_RETRY, stopping);
	else if (must_stay(call))
		call_finish(call, REFUSED_BUSY, "somebody else's mount lies below it");
	else
		ask(call);
}

/* The connection broke before an outcome came: the child was killed, by its clock or otherwise. */
static void on_child_lost(struct call *call, int r) {
	/* what a person takes is not the child's */
	bool late =
		!call->question && instant_usec() - call->stage_usec >= call_deadline_usec(call);

	if (r != -ECONNRESET)
		call_finish(call, r, "the worker talks nonsense");
	else if (call->made)
		call_finish(call, REFUSED_FAILED,
			    "the worker's child died; what it left is taken away");
	else if (late)
		call_finish(call, REFUSED_TIMED_OUT,
			    "the kernel did not finish in time; nothing was left behind");
	else if (call->granted && !call->operation->looks && !call_makes(call))
		call_finish(call, REFUSED_FAILED,
			    "the worker's child died; it may have been done, or some of it");
	else
		call_finish(call, REFUSED_FAILED,
			    "the worker's child died; nothing was left behind");
}

/* What is granted with the order. */
static enum tier tier_ahead(const struct call *call) {
	return call_is_trusted(call) ? TIER_ADMIN : TIER_FREE;
}

/* Done is only what was granted, and what it was has been told. */
static bool is_acceptable(struct call *call, Usher__Outcome *outcome) {
	if (!outcome)
		return false;
	if (outcome->finding && (call->finding || outcome->finding->tier > tier_ahead(call) ||
				 !judge(call, &outcome->finding)))
		return false;
	return outcome->code != 0 || (call->granted && call->finding);
}

static int on_frame(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	struct call *call = userdata;
	ProtobufCMessage *message = NULL;
	struct fds fds = { 0 };
	Usher__Reply *reply;
	int r = wire_receive(fd, &usher__reply__descriptor, &fds, &message);

	if (r == -EAGAIN)
		return 0;
	reply = (Usher__Reply *)message;
	if (call->refused != 0)
		call_finish(call, 0, NULL);
	else if (call->done)
		on_ended(call);
	else if (r < 0)
		on_child_lost(call, r);
	else if (is_acceptable(call, reply->outcome))
		on_outcome(call, reply->outcome, &fds);
	else if (reply->has_made && call->granted && !call->reply && call_makes(call) &&
		 !begins_elsewhere(call))
		on_made(call, &reply->made, &fds);
	else if (reply->finding && !call->finding)
		on_finding(call, &reply->finding);
	else
		on_child_lost(call, -EBADMSG);
	message_freep(&message);
	fds_done(&fds);
	return 0;
}

/* What nobody need be asked about, and what nothing has to be known for, the child need not wait
 * for. */
static void grant_ahead(struct call *call, Usher__Order *order) {
	char action[ACTION_MAX];

	if (makes_go(call) ||
	    (!call_is_trusted(call) && operation_action(call->operation, TIER_FREE, action)))
		return;
	order->has_granted = call->granted = true;
	order->granted = tier_ahead(call);
	order->has_granted_until = true;
	order->granted_until = call->stage_usec + call_deadline_usec(call);
}

/* The order, with the descriptors of the request and one of the caller. */
static int send_order(struct call *call) {
	Usher__Order order = USHER__ORDER__INIT;
	_cleanup_free_ uint8_t *bytes = NULL;
	char name[96];
	int place;

	(void)snprintf(name, sizeof name, "%s.%s", call->operation->interface,
		       call->operation->method);
	order.operation = name;
	order.request.len = protobuf_c_message_get_packed_size(call->request);
	order.request.data = bytes = malloc(order.request.len + 1);
	if (!bytes)
		return -ENOMEM;
	protobuf_c_message_pack(call->request, bytes);
	order.deadline_usec = call_deadline_usec(call);
	order.has_loop_devices = !call_is_trusted(call);
	order.loop_devices = (uint32_t)call->desk->configuration.limits.value[LIMIT_LOOP_DEVICES];
	grant_ahead(call, &order);
	if (makes_watch(call))
		watchers_tell_roots(&call->desk->watchers, &call->roots);
	order.watchers = call->roots.key;
	order.n_watchers = call->roots.n;
	if (call->caller) {
		order.uid = call->caller->uid;
		place = fds_add_copy(&call->fds, call->caller->pidfd);
		if (place < 0)
			return place;
		order.has_caller_fd = true;
		order.caller_fd = (uint32_t)place;
	}
	return wire_send(call->worker, &order.base, &call->fds);
}

/* Which of the two units it is the business of; of one, no more may be asked than it may do. */
static bool is_spawners(const struct call *call) {
	const struct operation *operation = call->operation;

	return operation->spawns || operation->connects || operation->wakes ||
	       (operation->joins && operation->joins(call->request));
}

/* A child of the worker looks what the words mean. */
static void launch(struct call *call) {
	int r;

	call->worker = launcher_connect(&call->desk->launcher, is_spawners(call));
	r = call->worker < 0 ? call->worker : arm(call); /* before the child's own clock starts */
	if (r >= 0)
		r = send_order(call);
	fds_done(&call->fds); /* they are the child's now */
	if (r >= 0)
		r = sd_event_add_io(call->desk->event, &call->io, call->worker, EPOLLIN, on_frame,
				    call);
	if (r == -EAGAIN)
		call_finish(call, REFUSED_RETRY, "too much is asked for at once");
	else if (r == -EMSGSIZE)
		call_finish(call, REFUSED_LIMIT, "the arguments are larger than 16 MiB");
	else if (r < 0)
		call_finish(call, REFUSED_FAILED, "the worker cannot be reached");
}

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
	return refusal_note(refusal, REFUSED_BUSY, "%s", name_taken);
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

/* ---- calls that something else answers ---- */

void call_answer(struct call *call, ProtobufCMessage *reply, const struct fds *fds) {
	call->reply = reply;
	if (reply)
		succeed(call, fds);
	else
		call_finish(call, -ENOMEM, NULL);
}

void call_refuse(struct call *call, int code, const char *sentence) {
	call_finish(call, code, sentence);
}

/* ---- the way to a child ---- */

static void wait_for_turn(struct call *call) {
	call->waiting = true;
	take_turns(call->desk, turn_usec);
}

/* It is known for whom: the words are checked, and whatever becomes of it is noted under that name.
 */
static void examine(struct call *call) {
	struct refusal refusal = { 0 };
	int r = quota_check(call, &refusal);

	if (r != 0 && call_makes(call) == &call->desk->objects[KIND_MOUNT])
		/* some may have gone where we do not see it: below a mount that is not shared */
		mounts_reconcile(&call->desk->mounts);
	if (r == 0)
		r = check(call, &refusal);
	if (r == 0)
		r = check_name(call, &refusal);
	if (r == 0)
		r = find_place(call, &refusal);
	if (r == 0 && !call_is_trusted(call))
		r = network_check(&call->desk->configuration.network, call->request, &refusal);
	if (r == 0 && call->caller)
		r = id_pool_fill(call->desk, call->request, call->caller->uid, &refusal);
	if (r != 0)
		call_finish(call, r, refusal.text);
	else if (call->operation->here)
		reception_serve(call);
	else if (inquiry_is_one(call) && inquiry_is_direct(call))
		inquiry_begin(call);
	else if (quota_may_begin(call, instant_usec()))
		launch(call);
	else
		wait_for_turn(call);
}

/* Of those that wait and may begin, the one that has waited longest. */
static struct call *next_in_turn(const struct desk *desk) {
	struct call *next = NULL;
	uint64_t now = instant_usec();

	for (struct call *call = desk->first; call; call = call->next) /* the youngest first */
		if (call->waiting && quota_may_begin(call, now))
			next = call;
	return next;
}

static int on_turn(sd_event_source *source, uint64_t usec, void *userdata) {
	struct desk *desk = userdata;
	struct call *call;

	while ((call = next_in_turn(desk))) {
		call->waiting = false;
		launch(call);
	}
	take_turns(desk, turn_usec);
	return 0;
}

/* Not now: who calls this is going through the calls. */
static void take_turns(struct desk *desk, uint64_t usec) {
	struct call *call = desk->first;

	while (call && !call->waiting)
		call = call->next;
	if (!call)
		return;
	if (!desk->turn) {
		(void)sd_event_add_time_relative(desk->event, &desk->turn, CLOCK_MONOTONIC, usec, 1,
						 on_turn, desk);
		return;
	}
	(void)sd_event_source_set_time_relative(desk->turn, usec);
	(void)sd_event_source_set_enabled(desk->turn, SD_EVENT_ONESHOT);
}

static void on_known(struct caller *caller, int error, void *userdata) {
	struct call *call = userdata;

	call->identifying = false;
	if (error < 0 && caller->gone)
		call_free(call); /* nobody waits for it, and nobody can say whose it was */
	else if (error == -ENOSYS)
		call_finish(call, REFUSED_UNSUPPORTED,
			    "this kernel lacks pidfd_open(2), which Linux has since 5.3");
	else if (error < 0)
		call_finish(call, REFUSED_NOT_FOUND, "the calling process has exited");
	else
		examine(call);
}

int call_begin(struct desk *desk, const struct operation *operation, struct caller *caller,
	       ProtobufCMessage *request, struct fds *fds, bool interactive, uint64_t object,
	       const struct door *door, void *door_data) {
	struct call *call = calloc(1, sizeof *call);
	struct refusal refusal = { 0 };
	const struct object *about;
	int r;

	if (!call) {
		message_freep(&request);
		fds_done(fds);
		caller_release(caller);
		return -ENOMEM;
	}
	*call = (struct call){ .desk = desk,
			       .next = desk->first,
			       .door = door,
			       .door_data = door_data,
			       .operation = operation,
			       .caller = caller,
			       .interactive = interactive,
			       .request = request,
			       .fds = *fds,
			       .descriptors = fds->n,
			       .object = object,
			       .worker = -1,
			       .began_usec = instant_usec() };
	*fds = (struct fds){ 0 };
	call->bytes = protobuf_c_message_get_packed_size(request);
	desk->first = call;
	about = caller ? NULL : call_object(call);
	if (about)
		call->owner = about->owner;
	if (!caller)
		examine(call);
	else {
		call->identifying = true;
		r = caller->known ? 0 : quota_check_unknown(call, &refusal);
		if (r == 0)
			r = caller_identify(caller, on_known, call);
		if (r != 0)
			call_finish(call, r,
				    r > 0 ? refusal.text : "the bus does not say who is calling");
	}
	return 0;
}

/* A prompt that nobody needs goes away, and with it the child that waits for its end. A child that
 * still looks is let go when it has looked: until then it counts. What has been granted may have
 * happened, and its child will tell. */
void call_drop_caller(struct desk *desk, const struct caller *caller) {
	struct call *next;

	for (struct call *call = desk->first; call; call = next) {
		next = call->next;
		if (call->caller != caller || call->identifying || call->refused != 0 ||
		    (call->granted && !call->inquiring))
			continue;
		if (call->question || call->waiting || call->awaiting)
			call_free(call);
		else
			call->given_up = true;
	}
}

void call_wind_up(struct desk *desk) {
	struct call *next;

	desk->leaving = true;
	for (struct call *call = desk->first; call; call = next) {
		next = call->next;
		if (call->given_up || !call->granted)
			call_finish(call, REFUSED_RETRY, stopping);
	}
}

static void drop(struct call *call) {
	/* nothing has been made that was not announced */
	bool begun = call->granted && !call->inquiring && (!call_makes(call) || call->made);

	call->made = 0; /* its child takes it away, or it stays and so does its object */
	if (begun)
		call_finish(call, REFUSED_FAILED,
			    "the service was stopped before it was known what became of it");
	else
		call_finish(call, REFUSED_RETRY, stopping);
}

void call_drop_all(struct desk *desk) {
	desk->idle = NULL;
	desk->leaving = true;
	for (struct call *call = desk->first; call; call = call->next)
		call->waiting = false; /* no more turns */
	while (desk->first)
		drop(desk->first);
	desk->turn = sd_event_source_disable_unref(desk->turn);
}
