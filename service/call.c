/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "errand.h"
#include "examination.h"
#include "inquiry.h"
#include "instant.h"
#include "making.h"
#include "message.h"
#include "quota.h"
#include "reception.h"
#include "turn.h"
#include "verdict.h"

const char call_stopping[] = "the service is being stopped";

/* How long the work may take, if the caller says nothing. What a person needs for an answer does
 * not count. The child is killed by its own clock. */
static const uint64_t default_usec = 10 * UINT64_C(1000000);

static void call_free(struct call *call) {
	struct desk *desk = call->desk;
	struct call **at = &desk->first;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	verdict_give_back(call);
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
	making_let_go_on(desk);
	turn_look(desk, 0);
	if (!desk->first && desk->idle)
		desk->idle(desk);
}

void call_settle(struct call *call, int code, const char *text, const ProtobufCMessage *reply,
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

void call_refuse(struct call *call, int code, const char *text) {
	if (call->refused != 0) {
		code = call->refused;
		text = call->why;
	}
	if (!call->given_up)
		call_settle(call, code, text, NULL, NULL);
	making_retract(call);
	call_free(call);
}

struct object *call_object(const struct call *call) {
	const struct objects *objects = call->object ? call_objects(call) : NULL;

	return objects ? objects_find(objects, call->object) : NULL;
}

/* Of what was named by a path, the worker has found which it is. */
struct mount *call_mount(const struct call *call) {
	if (call->object)
		return (struct mount *)call_object(call);
	return call->found ? mounts_find(&call->desk->mounts, call->found) : NULL;
}

bool call_gives_back(const struct call *call) {
	const ProtobufCMessageDescriptor *request = call->operation->request;

	return request == &usher__unmount_request__descriptor ||
	       request == &usher__unmount_object_request__descriptor;
}

bool call_makes_go(const struct call *call) {
	return call_gives_back(call) ||
	       call->operation->request == &usher__move_request__descriptor;
}

bool call_is_trusted(const struct call *call) {
	return !call->caller || call->caller->uid == 0 || call->desk->session;
}

uint64_t call_deadline_usec(const struct call *call) {
	return message_number(call->request, "deadline_usec", default_usec);
}

void call_succeed(struct call *call, const struct fds *fds) {
	if (call->given_up)
		audit_note(call, 0, "after its caller had been told that it timed out", call->reply,
			   instant_usec() - call->began_usec);
	else
		call_settle(call, 0, NULL, call->reply, fds);
	call_free(call);
}

void call_answer(struct call *call, ProtobufCMessage *reply, const struct fds *fds) {
	call->reply = reply;
	if (reply)
		call_succeed(call, fds);
	else
		call_refuse(call, -ENOMEM, NULL);
}

/* It is known for whom: whatever becomes of it is noted under that name. */
static void see_to(struct call *call) {
	struct refusal refusal = { 0 };
	int r = examination_pass(call, &refusal);

	if (r != 0)
		call_refuse(call, r, refusal.text);
	else if (call->operation->here)
		reception_serve(call);
	else if (inquiry_is_one(call) && inquiry_is_direct(call))
		inquiry_begin(call);
	else if (quota_may_begin(call, instant_usec()))
		errand_begin(call);
	else
		turn_wait(call);
}

static void on_known(struct caller *caller, int error, void *userdata) {
	struct call *call = userdata;

	call->identifying = false;
	if (error < 0 && caller->gone)
		call_free(call); /* nobody waits for it, and nobody can say whose it was */
	else if (error == -ENOSYS)
		call_refuse(call, REFUSED_UNSUPPORTED,
			    "this kernel lacks pidfd_open(2), which Linux has since 5.3");
	else if (error < 0)
		call_refuse(call, REFUSED_NOT_FOUND, "the calling process has exited");
	else
		see_to(call);
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
		see_to(call);
	else {
		call->identifying = true;
		r = caller->known ? 0 : quota_check_unknown(call, &refusal);
		if (r == 0)
			r = caller_identify(caller, on_known, call);
		if (r != 0)
			call_refuse(call, r,
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
			call_refuse(call, REFUSED_RETRY, call_stopping);
	}
}

static void drop(struct call *call) {
	/* nothing has been made that was not announced */
	bool begun = call->granted && !call->inquiring && (!call_makes(call) || call->made);

	call->made = 0; /* its child takes it away, or it stays and so does its object */
	if (begun)
		call_refuse(call, REFUSED_FAILED,
			    "the service was stopped before it was known what became of it");
	else
		call_refuse(call, REFUSED_RETRY, call_stopping);
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
