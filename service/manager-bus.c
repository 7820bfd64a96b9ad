/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "manager-bus.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "config.h"
#include "escape.h"

/* Whoever reads a property that changes will want to hear of it: as long as such a connection is
 * there, so is the service. */
static void note_listener(struct desk *desk, sd_bus *bus) {
	sd_bus_message *message = sd_bus_get_current_message(bus);
	const char *sender = message ? sd_bus_message_get_sender(message) : NULL;
	struct caller *caller = sender ? callers_get(desk->callers, sender) : NULL;

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

const sd_bus_vtable manager_bus_service[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_VTABLE_END,
};

static int get_limit(sd_bus *bus, const char *path, const char *interface, const char *property,
		     sd_bus_message *reply, void *userdata, sd_bus_error *error) {
	const struct desk *desk = userdata;
	enum limit limit = limit_find(property);
	uint64_t value;

	if (limit == _LIMIT_MAX)
		return -ENOENT;
	value = desk->configuration.limits.value[limit];
	return *limit_type(limit) == 't' ? sd_bus_message_append(reply, "t", value)
					 : sd_bus_message_append(reply, "u", (uint32_t)value);
}

#define LIMIT(name, type) \
	SD_BUS_PROPERTY(name, type, get_limit, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

const sd_bus_vtable manager_bus_limits[] = {
	SD_BUS_VTABLE_START(0),    LIMIT("Calls", "u"),       LIMIT("Mounts", "u"),
	LIMIT("Namespaces", "u"),  LIMIT("Processes", "u"),   LIMIT("Watches", "u"),
	LIMIT("LoopDevices", "u"), LIMIT("Traps", "u"),       LIMIT("Timers", "u"),
	LIMIT("Objects", "u"),     LIMIT("Descriptors", "u"), LIMIT("QueuedBytes", "t"),
	LIMIT("Streams", "u"),     LIMIT("RowBytes", "t"),    LIMIT("Monitors", "u"),
	LIMIT("Questions", "u"),   SD_BUS_VTABLE_END,
};

const sd_bus_vtable manager_bus_host[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Hostname", "s", get_host_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Domainname", "s", get_host_property, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_VTABLE_END,
};

void manager_bus_host_changed(const struct desk *desk, const char *property) {
	(void)sd_bus_emit_properties_changed(desk->bus, MANAGER_BUS_PATH, "org.usher1.Host",
					     property, NULL);
}

void manager_bus_limits_changed(const struct desk *desk, const struct limits *before) {
	const struct limits *now = &desk->configuration.limits;
	char *names[_LIMIT_MAX + 1];
	size_t n = 0;

	for (enum limit limit = 0; limit < _LIMIT_MAX; limit++)
		if (now->value[limit] != before->value[limit])
			names[n++] = (char *)limit_name(limit);
	names[n] = NULL;
	if (n > 0)
		(void)sd_bus_emit_properties_changed_strv(desk->bus, MANAGER_BUS_PATH,
							  "org.usher1.Limits", names);
}
