/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "call.h"
#include "lifetime.h"
#include "message.h"
#include "monitors.h"
#include "namespaces.h"
#include "processes.h"
#include "store.h"
#include "timers.h"
#include "traps.h"
#include "watches.h"
#include "wire.h"

/* So many of a kind are ended at once; what would not end is tried again after a while: of one
 * user there may be many. */
enum { LEAVING_MAX = 8 };

static const uint64_t patience_usec = 1000000;

static const struct object_kind *const kinds[_KIND_MAX] = {
	[KIND_MOUNT] = &mount_kind,     [KIND_NAMESPACE] = &namespace_kind,
	[KIND_PROCESS] = &process_kind, [KIND_TRAP] = &trap_kind,
	[KIND_TIMER] = &timer_kind,     [KIND_WATCH] = &watch_kind,
	[KIND_MONITOR] = &monitor_kind,
};

void objects_init(struct objects objects[_KIND_MAX], struct desk *desk) {
	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		objects[kind] = (struct objects){ .kind = kinds[kind], .desk = desk };
}

void object_path(const struct object *object, char ret[OBJECT_PATH_MAX]) {
	(void)snprintf(ret, OBJECT_PATH_MAX, OBJECT_PATH_PREFIX "%s/%" PRIu64,
		       object->objects->kind->name, object->number);
}

struct object *objects_find(const struct objects *objects, uint64_t number) {
	for (struct object *object = objects->first; object; object = object->next)
		if (object->number == number)
			return object;
	return NULL;
}

/* Whatever else the path says is compared. */
struct object *objects_find_path(const struct objects *objects, const char *path) {
	const char *last = strrchr(path, '/');
	struct object *object = last ? objects_find(objects, strtoull(last + 1, NULL, 10)) : NULL;
	char own[OBJECT_PATH_MAX];

	if (!object || object->hidden)
		return NULL;
	object_path(object, own);
	return strcmp(own, path) == 0 ? object : NULL;
}

bool object_goes_with_connection(const struct object *object) {
	return lifetime_is_connection(
		message_string(object->message, object->objects->kind->lifetime));
}

/* ---- coming and going ---- */

static void object_free(struct object *object) {
	if (object->objects->kind->done)
		object->objects->kind->done(object);
	message_freep(&object->message);
	fd_closep(&object->fd);
	fd_closep(&object->socket);
	for (size_t i = 0; i < STORE_MORE_MAX; i++)
		fd_closep(&object->more[i]);
	caller_release(object->caller);
	free(object);
}

/* Takes the message, in any case. */
static struct object *object_new(struct objects *objects, ProtobufCMessage *message) {
	struct object *object = message ? calloc(1, objects->kind->size) : NULL;

	if (!object) {
		message_freep(&message);
		return NULL;
	}
	object->objects = objects;
	object->message = message;
	object->fd = object->socket = -1;
	for (size_t i = 0; i < STORE_MORE_MAX; i++)
		object->more[i] = -1;
	object->owner = (uid_t)message_number(message, "Owner", 0);
	return object;
}

static void insert(struct object *object) {
	object->next = object->objects->first;
	object->objects->first = object;
}

/* Which bus it is: another one that takes its place begins to count its connections anew. */
static char *bus_id(const struct objects *objects) {
	sd_id128_t id;
	char text[SD_ID128_STRING_MAX];

	if (sd_bus_get_bus_id(objects->desk->bus, &id) < 0)
		return NULL;
	return strdup(sd_id128_to_string(id, text));
}

static int keep_with(struct object *object, struct caller *caller) {
	_cleanup_free_ char *bus = bus_id(object->objects);
	int r = message_set_string(object->message, "connection", caller->name);

	if (r == 0 && bus)
		r = message_set_string(object->message, "bus", bus);
	object->caller = caller;
	caller->users++;
	return r;
}

static bool needs_connection(const struct object *object) {
	const struct object_kind *kind = object->objects->kind;

	return kind->needs_connection && kind->needs_connection(object);
}

static int copy_descriptor(int fd, int *ret) {
	*ret = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *ret < 0 ? -errno : 0;
}

/* If there is one: it is named in the reply or in what is made. */
static int take_descriptor(const struct object *object, const ProtobufCMessage *reply,
			   const char *field, const struct fds *fds, int *ret) {
	uint64_t place = field ? message_number(reply, field, UINT64_MAX) : UINT64_MAX;
	int fd;

	if (field && place == UINT64_MAX)
		place = message_number(object->message, field, UINT64_MAX);
	fd = fds_get(fds, place);
	return fd >= 0 ? copy_descriptor(fd, ret) : 0;
}

/* Those that the kind says. */
static int take_descriptors(struct object *object, const ProtobufCMessage *reply,
			    const struct fds *fds, int socket) {
	const struct object_kind *kind = object->objects->kind;
	int r = take_descriptor(object, reply, kind->fd, fds, &object->fd);

	for (size_t i = 0; r == 0 && i < STORE_MORE_MAX; i++)
		r = take_descriptor(object, reply, kind->more[i], fds, &object->more[i]);
	if (r == 0)
		r = take_descriptor(object, reply, kind->socket, fds, &object->socket);
	return r == 0 && kind->stays ? copy_descriptor(socket, &object->socket) : r;
}

static void forget(const struct object *object) {
	const char *kind = object->objects->kind->name;

	store_forget(kind, object->number);
	store_forget_more(kind, object->number, object->more, object->renewed);
}

int object_keep(struct object *object) {
	struct store_descriptors descriptors = { .fd = object->fd, .socket = object->socket };

	memcpy(descriptors.more, object->more, sizeof descriptors.more);
	object->unkept = false;
	return store_keep(object->objects->kind->name, object->number, object->message,
			  &descriptors);
}

static int prepare(struct object *object, struct caller *caller, const ProtobufCMessage *request,
		   ProtobufCMessage *reply, const struct fds *fds, int socket) {
	const struct object_kind *kind = object->objects->kind;
	char path[OBJECT_PATH_MAX];
	int r = take_descriptors(object, reply, fds, socket);

	if (r == 0)
		r = kind->adopt(object, request);
	object->number = ++object->objects->last_number;
	message_set_number(object->message, "number", object->number);
	if (r == 0 && caller && (object_goes_with_connection(object) || needs_connection(object)))
		r = keep_with(object, caller);
	object_path(object, path);
	if (r == 0)
		r = message_set_string(reply, reply->descriptor->fields[0].name, path);
	object->unkept = kind->start;
	return r == 0 && !kind->start ? object_keep(object) : r;
}

const ProtobufCMessage *objects_made(const ProtobufCMessage *reply) {
	return *(ProtobufCMessage **)
		message_member(reply,
			       protobuf_c_message_descriptor_get_field_by_name(reply->descriptor,
									       "made"));
}

int objects_expect(struct objects *objects, struct caller *caller, const ProtobufCMessage *request,
		   ProtobufCMessage *reply, const struct fds *fds, int socket,
		   struct object **ret) {
	const ProtobufCMessage *made = objects_made(reply);
	struct object *object;
	int r;

	if (!made)
		return -EBADMSG;
	object = object_new(objects, message_copy(made));
	if (!object)
		return -ENOMEM;
	r = prepare(object, caller, request, reply, fds, socket);
	if (r != 0) {
		if (!object->unkept)
			forget(object);
		object_free(object);
		return r;
	}
	object->hidden = true;
	insert(object);
	*ret = object;
	return 0;
}

void object_show(struct object *object) {
	char path[OBJECT_PATH_MAX];

	object->hidden = false;
	object_path(object, path);
	(void)sd_bus_emit_object_added(object->objects->desk->bus, path);
	object->objects->kind->begin(object);
}

void object_remove(struct object *object) {
	struct desk *desk = object->objects->desk;
	struct object **at = &object->objects->first;
	char path[OBJECT_PATH_MAX];

	object_path(object, path);
	/* while it is still there: the signal names the interfaces that the object has */
	if (!object->hidden)
		(void)sd_bus_emit_object_removed(object->objects->desk->bus, path);
	if (!object->unkept)
		forget(object);
	if (object->saved)
		(void)store_forget_saved(object->objects->kind->name, object->number);
	while (*at != object)
		at = &(*at)->next;
	*at = object->next;
	object_free(object);
	if (desk->idle && !desk->first)
		desk->idle(desk); /* no call was needed for that */
}

sd_bus_message *object_signal(const struct object *object, const char *member) {
	const struct objects *objects = object->objects;
	char path[OBJECT_PATH_MAX], interface[64];
	sd_bus_message *message = NULL;
	int r;

	object_path(object, path);
	(void)snprintf(interface, sizeof interface, "org.usher1.%s", objects->kind->interface);
	r = sd_bus_message_new_signal(objects->desk->bus, &message, path, interface, member);
	if (r >= 0 && object->caller)
		r = sd_bus_message_set_destination(message, object->caller->name);
	return r < 0 ? sd_bus_message_unref(message) : message;
}

/* ---- having it go ---- */

void object_end(struct object *object) {
	object->orphan = true;
	object->objects->kind->end(object);
}

static void ignore_answer(struct call *call, const ProtobufCMessage *reply, const struct fds *fds) {
}

static struct object *object_of(const struct call *call) {
	struct objects *objects = call_objects(call);

	return objects ? objects_find(objects, call->object) : NULL;
}

static void give_up(struct call *call, int code, const char *sentence) {
	struct object *object = object_of(call);

	if (object && refusal_of(code) == REFUSED_NOT_FOUND)
		object_remove(object);
}

static int on_again(sd_event_source *source, uint64_t usec, void *userdata) {
	struct objects *objects = userdata;
	struct object *next;

	for (struct object *object = objects->first; object; object = next) {
		next = object->next;
		if (object->orphan)
			object_end(object);
	}
	return 0;
}

static void try_again(struct objects *objects, uint64_t usec) {
	if (!objects->again) {
		(void)sd_event_add_time_relative(objects->desk->event, &objects->again,
						 CLOCK_MONOTONIC, usec, 0, on_again, objects);
		return;
	}
	(void)sd_event_source_set_time_relative(objects->again, usec);
	(void)sd_event_source_set_enabled(objects->again, SD_EVENT_ONESHOT);
}

/* Those that wait for it are next; what is still there then is seen to later. */
static void order_over(struct call *call) {
	struct objects *objects = call_objects(call);
	struct object *object = object_of(call);

	objects->leaving--;
	if (object)
		object->leaving = false;
	if (!call->desk->leaving)
		try_again(objects, object ? patience_usec : 0);
}

static const struct door own_door = { ignore_answer, give_up, order_over };

void object_order_end(struct object *object) {
	struct objects *objects = object->objects;
	const struct operation *operation =
		operation_find(objects->kind->interface, objects->kind->end_method);
	ProtobufCMessage *request;
	struct fds fds = { 0 };

	if (object->leaving)
		return;
	if (objects->leaving >= LEAVING_MAX) {
		try_again(objects, patience_usec);
		return;
	}
	request = message_new(operation->request);
	if (!request || objects->kind->order(object, request, &fds) < 0) {
		message_freep(&request);
		fds_done(&fds);
		try_again(objects, patience_usec);
		return;
	}
	object->leaving = true;
	objects->leaving++;
	if (call_begin(objects->desk, operation, NULL, request, &fds, false, object->number,
		       &own_door, NULL) < 0) {
		objects->leaving--;
		object->leaving = false;
	}
}

void objects_drop_caller(struct objects *objects, const struct caller *caller) {
	struct object *next;

	for (struct object *object = objects->first; object; object = next) {
		next = object->next;
		if (object->caller != caller || object->hidden)
			continue; /* the call that makes it sees to it */
		if (object_goes_with_connection(object))
			object_end(object);
		else if (objects->kind->lose_connection)
			objects->kind->lose_connection(object);
		else
			object_remove(object);
	}
}

/* ---- over a restart ---- */

static void on_kept_caller(struct caller *caller, int error, void *userdata) {
	if (error < 0)
		objects_drop_caller(userdata, caller);
}

/* Did its connection go while nobody was here to see it? */
static int find_connection(struct object *object) {
	struct objects *objects = object->objects;
	const char *connection = message_string(object->message, "connection"),
		   *bus = message_string(object->message, "bus");
	_cleanup_free_ char *current = connection ? bus_id(objects) : NULL;

	if (!connection)
		return 0;
	if (bus && current && strcmp(bus, current) != 0) {
		object_end(object);
		return 0;
	}
	object->caller = callers_get(objects->desk->callers, connection);
	return object->caller ? caller_identify(object->caller, on_kept_caller, objects) : -ENOMEM;
}

/* Whoever made it may have been waiting for a word when the earlier life of the service ended. Who
 * had it already does not heed this. */
static void withdraw(const struct object *object) {
	Usher__Grant grant = USHER__GRANT__INIT;

	grant.has_withdrawn = grant.withdrawn = true;
	if (object->objects->kind->stays && object->socket >= 0)
		(void)wire_send(object->socket, &grant.base, NULL);
}

static int take_back(void *userdata, ProtobufCMessage *message,
		     struct store_descriptors *descriptors) {
	struct objects *objects = userdata;
	uint64_t number = message_number(message, "number", 0);
	struct object *object;
	int r;

	if (number == 0 || message_number(message, "Owner", UINT64_MAX) == UINT64_MAX) {
		message_freep(&message);
		return -EBADMSG;
	}
	object = object_new(objects, message);
	if (!object)
		return -ENOMEM;
	object->number = number;
	object->renewed = objects->kind->more[0]; /* or it was not */
	object->fd = fd_take(&descriptors->fd);
	object->socket = fd_take(&descriptors->socket);
	for (size_t i = 0; i < STORE_MORE_MAX; i++)
		object->more[i] = fd_take(&descriptors->more[i]);
	r = objects->kind->adopt(object, NULL);
	if (r != 0) {
		object_free(object);
		return r > 0 ? -EBADMSG : r;
	}
	if (number > objects->last_number)
		objects->last_number = number;
	insert(object);
	withdraw(object);
	object_show(object);
	return find_connection(object);
}

/* Numbers are not used again, not even after a restart: somebody may still hold the path of an
 * object that has gone. So they go on from the time since boot, which outruns any use of them. */
static uint64_t first_number(void) {
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int objects_load(struct objects *objects) {
	int r = store_load(objects->kind->name, objects->kind->message, take_back, objects);
	uint64_t number = first_number();

	if (objects->last_number < number)
		objects->last_number = number;
	return r;
}

int object_save(struct object *object) {
	int r = store_save(object->objects->kind->name, object->number, object->message);

	object->saved = r == 0;
	return r;
}

void object_let_go(struct object *object) {
	if (!object->saved || object->unkept)
		return;
	forget(object);
	object->unkept = true;
}

void objects_save(const struct objects *objects) {
	for (struct object *object = objects->first; object; object = object->next) {
		if (objects->kind->mark)
			objects->kind->mark(object);
		if (!object->saved)
			(void)object_save(object);
	}
}

void objects_done(struct objects *objects) {
	while (objects->first) {
		struct object *object = objects->first;

		objects->first = object->next;
		object_free(object);
	}
	objects->again = sd_event_source_disable_unref(objects->again);
}
