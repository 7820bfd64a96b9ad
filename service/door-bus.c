/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "door-bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "config.h"
#include "escape.h"
#include "instant.h"
#include "message-bus.h"
#include "message.h"

#define MANAGER "/org/usher1"

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

static void answer(struct call *call, const ProtobufCMessage *reply, const struct fds *fds) {
	sd_bus_message *message = NULL;
	int r = sd_bus_message_new_method_return(call->door_data, &message);

	if (r >= 0)
		r = message_bus_append(message, reply, fds);
	if (r >= 0)
		r = sd_bus_send(NULL, message, NULL);
	if (r < 0)
		(void)refuse_now(call->door_data, r, NULL);
	sd_bus_message_unref(message);
}

static void refuse(struct call *call, int code, const char *sentence) {
	(void)sd_bus_reply_method_errorf(call->door_data, refusal_name(code), "%s", sentence);
}

static void done(struct call *call) {
	sd_bus_message_unref(call->door_data);
}

static const struct door bus_door = { answer, refuse, done };

static const struct operation *operation_of(sd_bus_message *message) {
	const char *interface = strrchr(sd_bus_message_get_interface(message), '.');

	return interface ? operation_find(interface + 1, sd_bus_message_get_member(message)) : NULL;
}

/* Without options, and that is right. */
static bool is_bare(sd_bus_message *message) {
	const char *interface = sd_bus_message_get_interface(message);
	const struct operation *operation =
		interface && sd_bus_message_get_member(message) ? operation_of(message) : NULL;
	char positional[MESSAGE_SIGNATURE_MAX];

	if (!operation || !operation->bare)
		return false;
	message_signature(operation->request, positional);
	return sd_bus_message_has_signature(message, positional);
}

static int read_request(sd_bus_message *message, const struct operation *operation, struct fds *fds,
			ProtobufCMessage **ret) {
	struct refusal refusal = { 0 };
	int r = message_bus_read(message, operation->request, is_bare(message), fds, ret, &refusal);

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
	const struct door_bus *door = userdata;

	return take_call(message, door->desk, NULL);
}

static int on_object_call(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	const struct object *object = userdata;

	return take_call(message, object->objects->desk, object);
}

/* A property is the field that callers know by its name. */
static int get_object_property(sd_bus *bus, const char *path, const char *interface,
			       const char *property, sd_bus_message *reply, void *userdata,
			       sd_bus_error *error) {
	const struct object *object = userdata;
	const ProtobufCMessageDescriptor *descriptor = object->message->descriptor;
	char name[MESSAGE_NAME_MAX];

	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		message_field_name(&descriptor->fields[i], name);
		if (strcmp(name, property) == 0)
			return message_bus_append_field(reply, object->message,
							&descriptor->fields[i], NULL);
	}
	return -ENOENT;
}

/* Not who is told of the object: everybody is. And who has not called anything yet is nobody. */
static bool is_reader_trusted(sd_bus *bus, const struct object *object) {
	const struct desk *desk = object->objects->desk;
	sd_bus_message *message = sd_bus_get_current_message(bus);
	struct caller *reader = NULL;
	bool trusted;

	if (message && sd_bus_message_is_method_call(message, NULL, NULL))
		reader = callers_get(desk->callers, sd_bus_message_get_sender(message));
	trusted = desk->session ||
		  (reader && reader->known && (reader->uid == object->owner || reader->uid == 0));
	if (reader)
		caller_release(reader);
	return trusted;
}

/* What somebody watches may have a name that others cannot see. */
static int get_own_property(sd_bus *bus, const char *path, const char *interface,
			    const char *property, sd_bus_message *reply, void *userdata,
			    sd_bus_error *error) {
	if (!is_reader_trusted(bus, userdata))
		return sd_bus_message_append(reply, "s", "");
	return get_object_property(bus, path, interface, property, reply, userdata, error);
}

/* Whoever reads a property that changes will want to hear of it: as long as such a connection is
 * there, so is the service. */
static void note_listener(struct door_bus *door, sd_bus *bus) {
	sd_bus_message *message = sd_bus_get_current_message(bus);
	const char *sender = message ? sd_bus_message_get_sender(message) : NULL;
	struct caller *caller = sender ? callers_get(door->desk->callers, sender) : NULL;

	if (!caller)
		return;
	caller->listens = true;
	caller_release(caller);
}

static int get_host_property(sd_bus *bus, const char *path, const char *interface,
			     const char *property, sd_bus_message *reply, void *userdata,
			     sd_bus_error *error) {
	_cleanup_free_ char *text = NULL;
	struct utsname names;

	if (uname(&names) < 0)
		return -errno;
	note_listener(userdata, bus);
	text = usher_escape(strcmp(property, "Hostname") == 0 ? names.nodename : names.domainname);
	return text ? sd_bus_message_append(reply, "s", text) : -ENOMEM;
}

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
	return sd_bus_message_append(reply, "s", USHER_VERSION);
}

static const sd_bus_vtable service_properties[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_VTABLE_END,
};

static int get_limit(sd_bus *bus, const char *path, const char *interface, const char *property,
		     sd_bus_message *reply, void *userdata, sd_bus_error *error) {
	const struct door_bus *door = userdata;
	enum limit limit = limit_find(property);
	uint64_t value;

	if (limit == _LIMIT_MAX)
		return -ENOENT;
	value = door->desk->configuration.limits.value[limit];
	return *limit_type(limit) == 't' ? sd_bus_message_append(reply, "t", value)
					 : sd_bus_message_append(reply, "u", (uint32_t)value);
}

static const sd_bus_vtable limits_properties[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Calls", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Mounts", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Namespaces", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Processes", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Watches", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("LoopDevices", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Traps", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Timers", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Objects", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Descriptors", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("QueuedBytes", "t", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Streams", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("RowBytes", "t", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Monitors", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable host_properties[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Hostname", "s", get_host_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Domainname", "s", get_host_property, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable mount_properties[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "t", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Source", "s", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Target", "s", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("FSType", "s", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Options", "as", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Owner", "u", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Lifetime", "s", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable namespace_properties[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Name", "s", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Types", "as", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Leader", "u", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Owner", "u", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("UidMap", "a(uuu)", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("GidMap", "a(uuu)", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Lifetime", "s", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("CreatedUSec", "t", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable process_properties[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Pid", "u", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Owner", "u", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Command", "as", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Namespace", "o", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("State", "s", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Status", "i", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_SIGNAL_WITH_NAMES("Exited", "si", SD_BUS_PARAM(state) SD_BUS_PARAM(status), 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable trap_properties[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Signals", "as", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Pid", "u", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Owner", "u", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_SIGNAL_WITH_NAMES("Received", "suuiit",
				 SD_BUS_PARAM(signal) SD_BUS_PARAM(pid) SD_BUS_PARAM(uid)
					 SD_BUS_PARAM(code) SD_BUS_PARAM(value) SD_BUS_PARAM(usec),
				 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable timer_properties[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Clock", "s", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("IntervalUSec", "t", get_object_property, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Owner", "u", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_SIGNAL_WITH_NAMES("Elapsed", "t", SD_BUS_PARAM(count), 0),
	SD_BUS_SIGNAL("Cancelled", "", 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable watch_properties[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Path", "s", get_own_property, 0, 0),
	SD_BUS_PROPERTY("Events", "as", get_object_property, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Scope", "s", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Backend", "s", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Owner", "u", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Clock", "t", get_object_property, 0, 0),
	SD_BUS_PROPERTY("Delivered", "t", get_object_property, 0, 0),
	SD_BUS_PROPERTY("Lost", "t", get_object_property, 0, 0),
	SD_BUS_SIGNAL_WITH_NAMES("Events", "a(ttsssu)", SD_BUS_PARAM(events), 0),
	SD_BUS_SIGNAL_WITH_NAMES("Lost", "tas", SD_BUS_PARAM(clock) SD_BUS_PARAM(directories), 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable monitor_properties[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Types", "as", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Owner", "u", get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Delivered", "t", get_object_property, 0, 0),
	SD_BUS_PROPERTY("Lost", "t", get_object_property, 0, 0),
	SD_BUS_SIGNAL_WITH_NAMES("Changed", "a(ssa{sv})", SD_BUS_PARAM(changes), 0),
	SD_BUS_SIGNAL_WITH_NAMES("Gap", "t", SD_BUS_PARAM(lost), 0),
	SD_BUS_SIGNAL("Vanished", "", 0),
	SD_BUS_VTABLE_END,
};

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
	const struct door_bus *door = userdata;

	if (!sd_bus_message_is_method_call(message, NULL, NULL) || !is_bare(message))
		return 0;
	return take_call(message, door->desk, NULL);
}

static int add_manager(struct door_bus *door, const char *name, const sd_bus_vtable *properties) {
	struct interface *interface = &door->interfaces[door->n_interfaces++];
	int r = fill_interface(interface, name, on_call, properties);

	if (r < 0)
		return r;
	return sd_bus_add_object_vtable(door->desk->bus, &door->slots[door->n_slots++], MANAGER,
					interface->name, interface->vtable, door);
}

/* The names of a node are a list that ends with NULL, or no list. */
static int end_list(char **paths, size_t n, int r, char ***ret) {
	char **grown = r == 0 && n > 0 ? reallocarray(paths, n + 1, sizeof *paths) : NULL;

	if (grown) {
		grown[n] = NULL;
		*ret = grown;
		return 0;
	}
	r = r == 0 && n > 0 ? -ENOMEM : r;
	while (n > 0)
		free(paths[--n]);
	free(paths);
	return r;
}

static int find_object(sd_bus *bus, const char *path, const char *interface, void *userdata,
		       void **ret, sd_bus_error *error) {
	struct object *object = objects_find_path(userdata, path);

	if (!object)
		return 0;
	*ret = object;
	return 1;
}

static int list_objects(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
			sd_bus_error *error) {
	const struct objects *objects = userdata;
	char path[OBJECT_PATH_MAX], **paths = NULL;
	size_t n = 0;
	int r = 0;

	for (struct object *object = objects->first; object && r == 0; object = object->next) {
		if (object->hidden)
			continue;
		object_path(object, path);
		r = message_append_string(&paths, &n, path);
	}
	return end_list(paths, n, r, ret);
}

static int add_objects(struct door_bus *door, struct objects *objects,
		       const sd_bus_vtable *properties) {
	struct interface *interface = &door->interfaces[door->n_interfaces++];
	sd_bus *bus = door->desk->bus;
	char prefix[OBJECT_PATH_MAX];
	int r = fill_interface(interface, objects->kind->interface, on_object_call, properties);

	(void)snprintf(prefix, sizeof prefix, OBJECT_PATH_PREFIX "%s", objects->kind->name);
	if (r >= 0)
		r = sd_bus_add_fallback_vtable(bus, &door->slots[door->n_slots++], prefix,
					       interface->name, interface->vtable, find_object,
					       objects);
	if (r >= 0)
		r = sd_bus_add_node_enumerator(bus, &door->slots[door->n_slots++], prefix,
					       list_objects, objects);
	return r;
}

int door_bus_new(struct door_bus **ret, struct desk *desk) {
	struct door_bus *door = calloc(1, sizeof *door);
	int r;

	if (!door)
		return -ENOMEM;
	door->desk = desk;
	r = add_manager(door, "Mounts", NULL);
	if (r >= 0)
		r = add_manager(door, "Host", host_properties);
	if (r >= 0)
		r = sd_bus_add_object_vtable(desk->bus, &door->slots[door->n_slots++], MANAGER,
					     "org.usher1.Service", service_properties, door);
	if (r >= 0)
		r = sd_bus_add_object_vtable(desk->bus, &door->slots[door->n_slots++], MANAGER,
					     "org.usher1.Limits", limits_properties, door);
	if (r >= 0)
		r = add_objects(door, &desk->objects[KIND_MOUNT], mount_properties);
	if (r >= 0)
		r = add_manager(door, "Namespaces", NULL);
	if (r >= 0)
		r = add_objects(door, &desk->objects[KIND_NAMESPACE], namespace_properties);
	if (r >= 0)
		r = add_manager(door, "Processes", NULL);
	if (r >= 0)
		r = add_objects(door, &desk->objects[KIND_PROCESS], process_properties);
	if (r >= 0)
		r = add_manager(door, "Signals", NULL);
	if (r >= 0)
		r = add_objects(door, &desk->objects[KIND_TRAP], trap_properties);
	if (r >= 0)
		r = add_manager(door, "Timers", NULL);
	if (r >= 0)
		r = add_objects(door, &desk->objects[KIND_TIMER], timer_properties);
	if (r >= 0)
		r = add_manager(door, "Watches", NULL);
	if (r >= 0)
		r = add_objects(door, &desk->objects[KIND_WATCH], watch_properties);
	if (r >= 0)
		r = add_manager(door, "Netlink", NULL);
	if (r >= 0)
		r = sd_bus_add_object(desk->bus, &door->slots[door->n_slots++], MANAGER,
				      on_bare_call, door);
	if (r >= 0)
		r = add_objects(door, &desk->objects[KIND_MONITOR], monitor_properties);
	if (r >= 0)
		r = sd_bus_add_object_manager(desk->bus, &door->slots[door->n_slots++], MANAGER);
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

void door_bus_host_changed(struct door_bus *door, const char *property) {
	(void)sd_bus_emit_properties_changed(door->desk->bus, MANAGER, "org.usher1.Host", property,
					     NULL);
}

void door_bus_limits_changed(struct door_bus *door, const struct limits *before) {
	const struct limits *now = &door->desk->configuration.limits;
	char *names[_LIMIT_MAX + 1];
	size_t n = 0;

	for (enum limit limit = 0; limit < _LIMIT_MAX; limit++)
		if (now->value[limit] != before->value[limit])
			names[n++] = (char *)limit_name(limit);
	names[n] = NULL;
	if (n > 0)
		(void)sd_bus_emit_properties_changed_strv(door->desk->bus, MANAGER,
							  "org.usher1.Limits", names);
}
