/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reception.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "message.h"
#include "netlink/description.h"
#include "netlink/schema.h"
#include "processes.h"

/* ---- at once ---- */

/* Its answer is a public fact. */
static void describe(struct call *call) {
	const Usher__DescribeRequest *m = (const void *)call->request;
	Usher__DescribeReply *reply =
		(Usher__DescribeReply *)message_new(&usher__describe_reply__descriptor);
	const char *json = description_of(*m->type ? netlink_type_find(m->type) : NULL);

	call->direct = true;
	if (reply)
		reply->json = json ? strdup(json) : NULL;
	if (reply && !reply->json)
		message_freep((ProtobufCMessage **)&reply);
	call_answer(call, (ProtobufCMessage *)reply, NULL);
}

/* An object is its owner's. */
static void serve_object(struct call *call) {
	struct object *object = call_object(call);
	const char *kind = call_objects(call)->kind->name;
	char text[REFUSAL_TEXT_MAX];

	if (!object) {
		(void)snprintf(text, sizeof text, "there is no such %s any more", kind);
		call_refuse(call, REFUSED_NOT_FOUND, text);
	} else if (object->owner != call->caller->uid && !call_is_trusted(call)) {
		(void)snprintf(text, sizeof text, "the %s is another user's", kind);
		call_refuse(call, REFUSED_NOT_OWNER, text);
	} else
		object->objects->kind->answer(object, call);
}

void reception_serve(struct call *call) {
	if (call->operation->request == &usher__describe_request__descriptor)
		describe(call);
	else
		serve_object(call);
}

/* ---- later ---- */

static int on_waited(sd_event_source *source, uint64_t usec, void *userdata) {
	struct call *call = userdata;

	call_refuse(call, REFUSED_TIMED_OUT, call->awaiting);
	return 0;
}

void reception_await(struct call *call, uint64_t usec, const char *late) {
	if (usec > 0 && sd_event_add_time_relative(call->desk->event, &call->timer, CLOCK_MONOTONIC,
						   usec, 0, on_waited, call) < 0)
		call_refuse(call, -ENOMEM, NULL);
	else
		call->awaiting = late;
}

static bool awaits(const struct call *call, const struct object *object) {
	return call->awaiting && call->object == object->number &&
	       call_objects(call) == object->objects;
}

struct call *reception_find(const struct object *object, uint64_t serial) {
	struct call *call = object->objects->desk->first;

	while (call && (call->serial != serial || !awaits(call, object)))
		call = call->next;
	return call;
}

void reception_refuse(const struct object *object, int code, const char *sentence) {
	struct call *next;

	for (struct call *call = object->objects->desk->first; call; call = next) {
		next = call->next;
		if (awaits(call, object))
			call_refuse(call, code, sentence);
	}
}

bool reception_tell(const struct object *object) {
	struct call *next;
	bool any = false;

	for (struct call *call = object->objects->desk->first; call; call = next) {
		next = call->next;
		if (!awaits(call, object))
			continue;
		any = true;
		call_answer(call, process_result(object), NULL);
	}
	return any;
}
