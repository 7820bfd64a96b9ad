/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "errand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "call.h"
#include "inquiry.h"
#include "instant.h"
#include "launch.h"
#include "making.h"
#include "message.h"
#include "mounts.h"
#include "verdict.h"
#include "wire.h"

/* The child is killed by its own clock; the grace is for what cannot be killed, and until then it
 * may still answer. */
static const uint64_t grace_usec = UINT64_C(500000);

static bool ends_object(const struct call *call) {
	return call_gives_back(call) ||
	       call->operation->request == &usher__destroy_request__descriptor;
}

/* What a reply of the worker's means to the service, before the caller gets it. */
static int conclude(struct call *call, ProtobufCMessage *reply) {
	struct object *object =
		call->object ? call_object(call) : (struct object *)call_mount(call);

	if (call_makes(call))
		return -EBADMSG; /* it was not announced */
	if (reply->descriptor == &usher__list_reply__descriptor)
		return mounts_annotate(&call->desk->mounts, (Usher__ListReply *)reply);
	if (object && ends_object(call))
		object_remove(object);
	else if (object && call_makes_go(call))
		((struct mount *)object)->moved = true;
	else if (call->object && object && object->objects->kind->changed)
		object->objects->kind->changed(object);
	return 0;
}

/* What the child has found is where somebody else is to look. */
static void inquire(struct call *call, const struct fds *fds) {
	_cleanup_(message_freep) ProtobufCMessage *found = call->reply;

	call->reply = NULL;
	call->io = sd_event_source_disable_unref(call->io);
	call->timer = sd_event_source_disable_unref(call->timer);
	fd_closep(&call->worker);
	if (call->given_up)
		call_refuse(call, REFUSED_RETRY, NULL);
	else
		inquiry_go_on(call, found, fds);
}

static void on_outcome(struct call *call, const Usher__Outcome *outcome, struct fds *fds) {
	int r;

	if (outcome->code != 0) {
		if (outcome->gone)
			making_forget(call);
		return call_refuse(call, outcome->code, outcome->text);
	}
	if (call->made) {
		call->done = true;
		if (call_makes(call)->kind->stays)
			making_ended(call); /* what else it says is the object's */
		return;
	}
	call->reply = protobuf_c_message_unpack(call->operation->reply, NULL, outcome->reply.len,
						outcome->reply.data);
	if (call->reply && making_begins_elsewhere(call))
		return making_hand_over(call, fds);
	r = call->reply ? conclude(call, call->reply) : -EBADMSG;
	if (r < 0)
		call_refuse(call, r, NULL);
	else if (inquiry_is_one(call))
		inquire(call, fds);
	else
		call_succeed(call, fds);
}

/* The child did not even die: whatever it hangs on cannot be interrupted. The caller need not wait
 * for that, we do. */
static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
	struct call *call = userdata;

	if (call->refused != 0)
		call_settle(call, call->refused, call->why, NULL, NULL);
	else
		call_settle(call, REFUSED_TIMED_OUT,
			    call->done && !call->begun
				    ? "who should see to the object does not answer"
				    : "the kernel does not finish, and will not be interrupted",
			    NULL, NULL);
	call->given_up = true;
	return 0;
}

static int set_clock(struct call *call, uint64_t usec) {
	call->timer = sd_event_source_disable_unref(call->timer);
	return sd_event_add_time_relative(call->desk->event, &call->timer, CLOCK_MONOTONIC,
					  usec + grace_usec, 0, on_late, call);
}

int errand_arm(struct call *call) {
	call->stage_usec = instant_usec();
	return set_clock(call, call_deadline_usec(call));
}

int errand_recall(struct call *call) {
	int r = set_clock(call, 0);

	return r >= 0 && shutdown(call->worker, SHUT_WR) < 0 ? -errno : r;
}

/* The connection broke before an outcome came: the child was killed, by its clock or otherwise. */
static void on_child_lost(struct call *call, int r) {
	/* what a person takes is not the child's */
	bool late =
		!call->question && instant_usec() - call->stage_usec >= call_deadline_usec(call);

	if (r != -ECONNRESET)
		call_refuse(call, r, "the worker talks nonsense");
	else if (call->made)
		call_refuse(call, REFUSED_FAILED,
			    "the worker's child died; what it left is taken away");
	else if (late)
		call_refuse(call, REFUSED_TIMED_OUT,
			    "the kernel did not finish in time; nothing was left behind");
	else if (call->granted && !call->operation->looks && !call_makes(call))
		call_refuse(call, REFUSED_FAILED,
			    "the worker's child died; it may have been done, or some of it");
	else
		call_refuse(call, REFUSED_FAILED,
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
				 !verdict_judge(call, &outcome->finding)))
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
		call_refuse(call, 0, NULL);
	else if (call->done)
		making_ended(call);
	else if (r < 0)
		on_child_lost(call, r);
	else if (is_acceptable(call, reply->outcome))
		on_outcome(call, reply->outcome, &fds);
	else if (reply->has_made && call->granted && !call->reply && call_makes(call) &&
		 !making_begins_elsewhere(call))
		making_announced(call, &reply->made, &fds);
	else if (reply->finding && !call->finding)
		verdict_on_finding(call, &reply->finding);
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

	if (call_makes_go(call) ||
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
	if (making_is_watch(call))
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

void errand_begin(struct call *call) {
	int r;

	call->worker = launcher_connect(&call->desk->launcher, is_spawners(call));
	r = call->worker < 0 ? call->worker
			     : errand_arm(call); /* before the child's own clock starts */
	if (r >= 0)
		r = send_order(call);
	fds_done(&call->fds); /* they are the child's now */
	if (r >= 0)
		r = sd_event_add_io(call->desk->event, &call->io, call->worker, EPOLLIN, on_frame,
				    call);
	if (r == -EAGAIN)
		call_refuse(call, REFUSED_RETRY, "too much is asked for at once");
	else if (r == -EMSGSIZE)
		call_refuse(call, REFUSED_LIMIT, "the arguments are larger than 16 MiB");
	else if (r < 0)
		call_refuse(call, REFUSED_FAILED, "the worker cannot be reached");
}
