/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object-bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "message-bus.h"
#include "message.h"

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

/* Whose changes are told, and whose are not. */
#define CONSTANT(name, type) \
	SD_BUS_PROPERTY(name, type, get_object_property, 0, SD_BUS_VTABLE_PROPERTY_CONST)
#define TOLD(name, type) \
	SD_BUS_PROPERTY(name, type, get_object_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
#define UNTOLD(name, type) SD_BUS_PROPERTY(name, type, get_object_property, 0, 0)

static const sd_bus_vtable mount_properties[] = {
	SD_BUS_VTABLE_START(0),  CONSTANT("Id", "t"),       CONSTANT("Source", "s"),
	CONSTANT("Target", "s"), CONSTANT("FSType", "s"),   CONSTANT("Options", "as"),
	CONSTANT("Owner", "u"),  CONSTANT("Lifetime", "s"), SD_BUS_VTABLE_END,
};

static const sd_bus_vtable namespace_properties[] = {
	SD_BUS_VTABLE_START(0),       CONSTANT("Name", "s"),
	CONSTANT("Types", "as"),      CONSTANT("Leader", "u"),
	CONSTANT("Owner", "u"),       CONSTANT("UidMap", "a(uuu)"),
	CONSTANT("GidMap", "a(uuu)"), CONSTANT("Lifetime", "s"),
	CONSTANT("CreatedUSec", "t"), SD_BUS_VTABLE_END,
};

static const sd_bus_vtable process_properties[] = {
	SD_BUS_VTABLE_START(0),
	CONSTANT("Pid", "u"),
	CONSTANT("Owner", "u"),
	CONSTANT("Command", "as"),
	CONSTANT("Namespace", "o"),
	TOLD("State", "s"),
	TOLD("Status", "i"),
	SD_BUS_SIGNAL_WITH_NAMES("Exited", "si", SD_BUS_PARAM(state) SD_BUS_PARAM(status), 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable trap_properties[] = {
	SD_BUS_VTABLE_START(0),
	CONSTANT("Signals", "as"),
	CONSTANT("Pid", "u"),
	CONSTANT("Owner", "u"),
	SD_BUS_SIGNAL_WITH_NAMES("Received", "suuiit",
				 SD_BUS_PARAM(signal) SD_BUS_PARAM(pid) SD_BUS_PARAM(uid)
					 SD_BUS_PARAM(code) SD_BUS_PARAM(value) SD_BUS_PARAM(usec),
				 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable timer_properties[] = {
	SD_BUS_VTABLE_START(0),
	CONSTANT("Clock", "s"),
	TOLD("IntervalUSec", "t"),
	CONSTANT("Owner", "u"),
	SD_BUS_SIGNAL_WITH_NAMES("Elapsed", "t", SD_BUS_PARAM(count), 0),
	SD_BUS_SIGNAL("Cancelled", "", 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable watch_properties[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Path", "s", get_own_property, 0, 0),
	TOLD("Events", "as"),
	CONSTANT("Scope", "s"),
	CONSTANT("Backend", "s"),
	CONSTANT("Owner", "u"),
	UNTOLD("Clock", "t"),
	UNTOLD("Delivered", "t"),
	UNTOLD("Lost", "t"),
	SD_BUS_SIGNAL_WITH_NAMES("Events", "a(ttsssu)", SD_BUS_PARAM(events), 0),
	SD_BUS_SIGNAL_WITH_NAMES("Lost", "tas", SD_BUS_PARAM(clock) SD_BUS_PARAM(directories), 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable monitor_properties[] = {
	SD_BUS_VTABLE_START(0),
	CONSTANT("Types", "as"),
	CONSTANT("Owner", "u"),
	UNTOLD("Delivered", "t"),
	UNTOLD("Lost", "t"),
	SD_BUS_SIGNAL_WITH_NAMES("Changed", "a(ssa{sv})", SD_BUS_PARAM(changes), 0),
	SD_BUS_SIGNAL_WITH_NAMES("Gap", "t", SD_BUS_PARAM(lost), 0),
	SD_BUS_SIGNAL("Vanished", "", 0),
	SD_BUS_VTABLE_END,
};

const sd_bus_vtable *const object_bus_properties[_KIND_MAX] = {
	[KIND_MOUNT] = mount_properties,     [KIND_NAMESPACE] = namespace_properties,
	[KIND_PROCESS] = process_properties, [KIND_TRAP] = trap_properties,
	[KIND_TIMER] = timer_properties,     [KIND_WATCH] = watch_properties,
	[KIND_MONITOR] = monitor_properties,
};

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

int object_bus_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
		    void **ret, sd_bus_error *error) {
	struct object *object = objects_find_path(userdata, path);

	if (!object)
		return 0;
	*ret = object;
	return 1;
}

int object_bus_list(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
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
