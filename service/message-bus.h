/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protobuf messages to and from D-Bus arguments. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "fd.h"
#include "refusal.h"

/* Reads the arguments of a method call, the last a{sv} with them unless it is bare. Descriptors are
 * duplicated into fds and the fields hold their places. 0, a negative errno, or a refusal with its
 * reason. */
int message_bus_read(sd_bus_message *bus, const ProtobufCMessageDescriptor *descriptor, bool bare,
		     struct fds *fds, ProtobufCMessage **ret, struct refusal *refusal);
/* Appends the positional fields of a reply. */
int message_bus_append(sd_bus_message *bus, const ProtobufCMessage *message, const struct fds *fds);
/* Appends one field's value, as a property has it. */
int message_bus_append_field(sd_bus_message *bus, const ProtobufCMessage *message,
			     const ProtobufCFieldDescriptor *field, const struct fds *fds);

/* One value of a type that takes more than reading it, for whoever reads others; `name` is that of
 * the argument. 0, a negative errno, or a refusal. */
int message_bus_read_string(sd_bus_message *bus, char letter, const char *name, char **ret,
			    struct refusal *refusal);
int message_bus_read_descriptor(sd_bus_message *bus, const char *name, struct fds *fds,
				uint32_t *ret, struct refusal *refusal);
/* A negative errno on failure. */
int message_bus_append_string(sd_bus_message *bus, char letter, const char *string);
