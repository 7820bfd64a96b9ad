/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "door-bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "manager-bus.h"
#include "message-bus.h"
#include "message.h"
#include "object-bus.h"
#include "overview.h"

enum { INTERFACES_MAX = 16, NAMES_MAX = 512 };

/* A vtable has the strings of its entries; sd-bus only points at them. */
struct interface {
	char name[64];
	sd_bus_vtable *vtable;
	char (*signatures)[2][MESSAGE_SIGNATURE_MAX];
	char (*names)[NAMES_MAX];
	size_t n; /* of operations */
};

struct door_bus {
	struct desk *desk;
	struct interface interfaces[INTERFACES_MAX];
	size_t n_interfaces;
	sd_bus_slot *slots[2 * INTERFACES_MAX];
	size_t n_slots;
};

static int refuse_now(sd_bus_message *message, int code, const struct refusal *refusal) {
	_cleanup_free_ char *sentence = refusal_sentence(code, refusal ? refusal->text : NULL);

	return sd_bus_reply_method_errorf(message, refusal_name(code), "%s", sentence ?: "");
}

/* Descriptors that came with a call are closed before it is answered: of what they are, its caller
 * may want to unmount something next. */
static void send_last(struct call *call, sd_bus_message *message) {
	call->door_data = sd_bus_message_unref(call->door_data);
	(void)sd_bus_send(NULL, message, NULL);
}

static void answer(struct call *call, const ProtobufCMessage *reply, const struct fds *fds) {
	sd_bus_message *message = NULL;
	int r;

	if (sd_bus_message_get_expect_reply(call->door_data) <= 0)
		return;
	r = sd_bus_message_new_method_return(call->door_data, &message);
	if (r >= 0)
		r = message_bus_append(message, reply, fds);
	if (r < 0)
		(void)refuse_now(call->door_data, r, NULL);
	else
		send_last(call, message);
	sd_bus_message_unref(message);
}

static void refuse(struct call *call, int code, const char *sentence) {
	sd_bus_message *message = NULL;

	if (sd_bus_message_get_expect_reply(call->door_data) > 0 &&
	    sd_bus_message_new_method_errorf(call->door_data, &message, refusal_name(code), "%s",
					     sentence) >= 0)
		send_last(call, message);
	sd_bus_message_unref(message);
}

static void done(struct call *call) {
	sd_bus_message_unref(call->door_data);
}

static const struct door bus_door = { answer, refuse, done };

static const struct operation *operation_of(sd_bus_message *message) {
	const char *interface = sd_bus_message_get_interface(message);
	const char *member = sd_bus_message_get_member(message);
	const char *name = interface ? strrchr(interface, '.') : NULL;

	return name && member ? operation_find(name + 1, member) : NULL;
}

/* Without options, and that is right. */
static bool is_bare(sd_bus_message *message, const struct operation *operation) {
	char positional[MESSAGE_SIGNATURE_MAX];

	if (!operation || !operation->bare)
		return false;
	message_signature(operation->request, positional);
	return sd_bus_message_has_signature(message, positional);
}

static int read_request(sd_bus_message *message, const struct operation *operation, struct fds *fds,
			ProtobufCMessage **ret) {
	struct refusal refusal = { 0 };
	int r = message_bus_read(message, operation->request, is_bare(message, operation), fds, ret,
				 &refusal);

	if (r == 0)
		return 0;
	fds_done(fds);
	r = refuse_now(message, r, &refusal);
	return r < 0 ? r : 1;
}

/* The caller is taken. Of the methods of objects, what the words leave open is filled in from the
 * object. */
static int begin(struct desk *desk, sd_bus_message *message, const struct operation *operation,
		 struct caller *caller, const struct object *object) {
	int interactive = sd_bus_message_get_allow_interactive_authorization(message);
	uid_t uid = caller->known ? caller->uid : EFFORT_UNKNOWN;
	ProtobufCMessage *request = NULL;
	struct fds fds = { 0 };
	uint64_t before = effort_now();
	int r = read_request(message, operation, &fds, &request);

	effort_note(&desk->effort, uid, effort_now() - before, instant_usec());
	if (r == 0 && object && !operation->here)
		r = object->objects->kind->order(object, request, &fds);
	if (r != 0) {
		message_freep(&request);
		fds_done(&fds);
		caller_release(caller);
		return r;
	}
	return call_begin(desk, operation, caller, request, &fds, interactive > 0,
			  object ? object->number : 0, &bus_door, sd_bus_message_ref(message));
}

/* The caller is taken. */
static int take(sd_bus_message *message, struct desk *desk, struct caller *caller,
		const struct object *object) {
	int r = begin(desk, message, operation_of(message), caller, object);

	return r < 0 ? refuse_now(message, r, NULL) : 1;
}

static int take_from_known(sd_bus_message *message, struct desk *desk, struct caller *caller,
			   const struct object *object) {
	static const struct refusal too_much = {
		"too much of what this user sent has been read lately: larger messages than a "
		"megabyte need a second or two between them"
	};

	if (desk->session || !effort_is_spent(&desk->effort, caller->uid, instant_usec()))
		return take(message, desk, caller, object);
	caller_release(caller);
	return refuse_now(message, REFUSED_LIMIT, &too_much);
}

/* One that is not read before it is known whose it is. */
struct unread {
	struct desk *desk;
	sd_bus_message *message;
	struct objects *objects; /* of the object that it is about, or NULL */
	uint64_t object;
};

static void on_identified(struct caller *caller, int error, void *userdata) {
	struct unread *unread = userdata;
	const struct object *object =
		unread->objects ? objects_find(unread->objects, unread->object) : NULL;

	if (error < 0 || (unread->objects && !object)) {
		(void)refuse_now(unread->message, REFUSED_NOT_FOUND, NULL);
		caller_release(caller);
	} else
		(void)take_from_known(unread->message, unread->desk, caller, object);
	sd_bus_message_unref(unread->message);
	free(unread);
}

static int identify(sd_bus_message *message, struct desk *desk, struct caller *caller,
		    const struct object *object) {
	struct unread *unread = calloc(1, sizeof *unread);
	int r = -ENOMEM;

	if (unread) {
		*unread = (struct unread){ desk, sd_bus_message_ref(message),
					   object ? object->objects : NULL,
					   object ? object->number : 0 };
		r = caller_identify(caller, on_identified, unread);
	}
	if (r < 0) {
		if (unread)
			sd_bus_message_unref(unread->message);
		free(unread);
		caller_release(caller);
	}
	return r < 0 ? refuse_now(message, r, NULL) : 1;
}

/* Usually it is read while the bus is asked who calls. Of who makes the service read too much, it
 * is not read at all, and neither a new connection nor another user's first call changes that. */
static int take_call(sd_bus_message *message, struct desk *desk, const struct object *object) {
	struct caller *caller;

	if (!operation_of(message))
		return -ENOSYS;
	caller = callers_get(desk->callers, sd_bus_message_get_sender(message));
	if (!caller)
		return refuse_now(message, -ENOMEM, NULL);
	if (caller->known)
		return take_from_known(message, desk, caller, object);
	if (!desk->session && effort_is_spent(&desk->effort, EFFORT_UNKNOWN, instant_usec()))
		return identify(message, desk, caller, object);
	return take(message, desk, caller, object);
}

static int on_call(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	return take_call(message, userdata, NULL);
}

static int on_object_call(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	const struct object *object = userdata;

	return take_call(message, object->objects->desk, object);
}

static char *add_names(char *at, const ProtobufCMessageDescriptor *descriptor) {
	char name[MESSAGE_NAME_MAX];

	for (unsigned i = 0; i < descriptor->n_fields; i++)
		if (message_field_place(&descriptor->fields[i]) == MESSAGE_POSITIONAL) {
			message_field_name(&descriptor->fields[i], name);
			at = stpcpy(at, name) + 1;
		}
	return at;
}

/* One method's entry out of its row: signatures and argument names from the messages. */
static void fill_method(sd_bus_vtable *entry, const struct operation *operation,
			char signatures[2][MESSAGE_SIGNATURE_MAX], char names[NAMES_MAX],
			sd_bus_message_handler_t handler) {
	char positional[MESSAGE_SIGNATURE_MAX], *at;

	message_signature(operation->request, positional);
	(void)snprintf(signatures[0], MESSAGE_SIGNATURE_MAX, "%.200sa{sv}", positional);
	message_signature(operation->reply, signatures[1]);
	at = add_names(names, operation->request);
	(void)add_names(stpcpy(at, "options") + 1, operation->reply);
	*entry = (sd_bus_vtable)SD_BUS_METHOD(operation->method, signatures[0], signatures[1],
					      handler, SD_BUS_VTABLE_UNPRIVILEGED);
	entry->x.method.names = names;
}

/* The properties' entries behind the methods'. */
static size_t count_entries(const sd_bus_vtable *properties) {
	size_t n = 0;

	for (const sd_bus_vtable *entry = properties ? properties + 1 : NULL;
	     entry && entry->type != _SD_BUS_VTABLE_END; entry++)
		n++;
	return n;
}

static int fill_interface(struct interface *interface, const char *name,
			  sd_bus_message_handler_t handler, const sd_bus_vtable *properties) {
	size_t n_properties = count_entries(properties), n = 0;
	static const sd_bus_vtable start[] = { SD_BUS_VTABLE_START(0), SD_BUS_VTABLE_END };

	for (size_t i = 0; i < operations_n; i++)
		interface->n += strcmp(operations[i]->interface, name) == 0;
	(void)snprintf(interface->name, sizeof interface->name, "org.usher1.%s", name);
	interface->vtable = calloc(interface->n + n_properties + 2, sizeof *interface->vtable);
	interface->signatures = calloc(interface->n, sizeof *interface->signatures);
	interface->names = calloc(interface->n, sizeof *interface->names);
	if (!interface->vtable || !interface->signatures || !interface->names)
		return -ENOMEM;
	interface->vtable[0] = start[0];
	for (size_t i = 0; i < operations_n; i++) {
		if (strcmp(operations[i]->interface, name) != 0)
			continue;
		fill_method(&interface->vtable[n + 1], operations[i], interface->signatures[n],
			    interface->names[n], handler);
		n++;
	}
	if (properties)
		memcpy(&interface->vtable[n + 1], properties + 1,
		       n_properties * sizeof *interface->vtable);
	interface->vtable[n + n_properties + 1] = start[1];
	return 0;
}

/* A method has one signature in the table of sd-bus. */
static int on_bare_call(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	if (!sd_bus_message_is_method_call(message, NULL, NULL) ||
	    !is_bare(message, operation_of(message)))
		return 0;
	return take_call(message, userdata, NULL);
}

static int add_manager(struct door_bus *door, const char *name, const sd_bus_vtable *properties) {
	struct interface *interface = &door->interfaces[door->n_interfaces++];
	int r = fill_interface(interface, name, on_call, properties);

	if (r < 0)
		return r;
	return sd_bus_add_object_vtable(door->desk->bus, &door->slots[door->n_slots++],
					MANAGER_BUS_PATH, interface->name, interface->vtable,
					door->desk);
}

/* All that is at the path of the service itself. */
static int add_managers(struct door_bus *door) {
	static const char *const names[] = { "Mounts", "Namespaces", "Processes", "Signals",
					     "Timers", "Watches",    "Netlink" };
	struct desk *desk = door->desk;
	int r = add_manager(door, "Host", manager_bus_host);

	for (size_t i = 0; r >= 0 && i < sizeof names / sizeof *names; i++)
		r = add_manager(door, names[i], NULL);
	if (r >= 0)
		r = sd_bus_add_object_vtable(desk->bus, &door->slots[door->n_slots++],
					     MANAGER_BUS_PATH, "org.usher1.Service",
					     manager_bus_service, desk);
	if (r >= 0)
		r = sd_bus_add_object_vtable(desk->bus, &door->slots[door->n_slots++],
					     MANAGER_BUS_PATH, "org.usher1.Limits",
					     manager_bus_limits, desk);
	if (r >= 0)
		r = sd_bus_add_object(desk->bus, &door->slots[door->n_slots++], MANAGER_BUS_PATH,
				      on_bare_call, desk);
	if (r >= 0)
		r = sd_bus_add_object_manager(desk->bus, &door->slots[door->n_slots++],
					      MANAGER_BUS_PATH);
	return r;
}

static int add_objects(struct door_bus *door, enum kind kind) {
	struct interface *interface = &door->interfaces[door->n_interfaces++];
	struct objects *objects = &door->desk->objects[kind];
	sd_bus *bus = door->desk->bus;
	char prefix[OBJECT_PATH_MAX];
	int r = fill_interface(interface, objects->kind->interface, on_object_call,
			       object_bus_properties[kind]);

	(void)snprintf(prefix, sizeof prefix, OBJECT_PATH_PREFIX "%s", objects->kind->name);
	if (r >= 0)
		r = sd_bus_add_fallback_vtable(bus, &door->slots[door->n_slots++], prefix,
					       interface->name, interface->vtable, object_bus_find,
					       objects);
	if (r >= 0)
		r = sd_bus_add_node_enumerator(bus, &door->slots[door->n_slots++], prefix,
					       object_bus_list, objects);
	return r;
}

int door_bus_new(struct door_bus **ret, struct desk *desk) {
	struct door_bus *door = calloc(1, sizeof *door);
	int r;

	if (!door)
		return -ENOMEM;
	door->desk = desk;
	r = overview_guard(desk, &door->slots[door->n_slots++]);
	if (r >= 0)
		r = add_managers(door);
	for (enum kind kind = 0; r >= 0 && kind < _KIND_MAX; kind++)
		r = add_objects(door, kind);
	if (r < 0) {
		door_bus_free(door);
		return r;
	}
	*ret = door;
	return 0;
}

struct door_bus *door_bus_free(struct door_bus *door) {
	if (!door)
		return NULL;
	while (door->n_slots > 0)
		sd_bus_slot_unref(door->slots[--door->n_slots]);
	for (size_t i = 0; i < door->n_interfaces; i++) {
		free(door->interfaces[i].vtable);
		free(door->interfaces[i].signatures);
		free(door->interfaces[i].names);
	}
	free(door);
	return NULL;
}
