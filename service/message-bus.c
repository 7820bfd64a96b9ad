/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "message-bus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "message.h"
#include "row-bus.h"

/* More elements than any honest call has; what a call may weigh is bounded by the frame as well. */
enum { ELEMENTS_MAX = 4096 };

int message_bus_read_string(sd_bus_message *bus, char letter, const char *name, char **ret,
			    struct refusal *refusal) {
	const char *text;
	int r = sd_bus_message_read_basic(bus, letter, &text);

	if (r < 0)
		return r;
	r = usher_unescape(text, ret);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return refusal_note(
			refusal, REFUSED_INVALID,
			"%s: a backslash stands only in an escaped byte, \\xNN, and never "
			"for the byte 0",
			name);
	return 0;
}

int message_bus_read_descriptor(sd_bus_message *bus, const char *name, struct fds *fds,
				uint32_t *ret, struct refusal *refusal) {
	int fd, r;

	r = sd_bus_message_read_basic(bus, 'h', &fd);
	if (r == -EBADMSG)
		return refusal_note(refusal, REFUSED_INVALID,
				    "%s: no such descriptor came with the message", name);
	if (r < 0)
		return r;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	r = fds_add(fds, fd);
	if (r < 0)
		return r;
	*ret = (uint32_t)r;
	return 0;
}

static int read_fields(sd_bus_message *bus, const char *within, struct fds *fds,
		       ProtobufCMessage *message, struct refusal *refusal);

/* A message in a message: a struct, or an entry of a dictionary. It belongs to the other before it
 * is read, so that it goes with it. */
static int read_struct(sd_bus_message *bus, const ProtobufCMessageDescriptor *descriptor,
		       const char *name, struct fds *fds, ProtobufCMessage **ret,
		       struct refusal *refusal) {
	char contents[MESSAGE_SIGNATURE_MAX];
	int r;

	if (message_is_dictionary(descriptor))
		return -EOPNOTSUPP; /* no request has one; the table's test finds it if one does */
	*ret = message_new(descriptor);
	if (!*ret)
		return -ENOMEM;
	if (message_is_row(descriptor))
		return row_bus_read(bus, name, fds, (Usher__Row *)*ret, refusal);
	message_signature(descriptor, contents);
	r = sd_bus_message_enter_container(bus, message_is_entry(descriptor) ? 'e' : 'r', contents);
	if (r < 0)
		return r;
	r = read_fields(bus, name, fds, *ret, refusal);
	if (r == 0)
		r = sd_bus_message_exit_container(bus);
	return r < 0 || *refusal->text ? r : 0;
}

static int read_value(sd_bus_message *bus, const ProtobufCFieldDescriptor *field, char letter,
		      const char *name, struct fds *fds, void *value, struct refusal *refusal) {
	int boolean, r;

	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return read_struct(bus, field->descriptor, name, fds, value, refusal);
	switch (letter) {
	case 's':
	case 'o': return message_bus_read_string(bus, letter, name, value, refusal);
	case 'h': return message_bus_read_descriptor(bus, name, fds, value, refusal);
	case 'b':
		r = sd_bus_message_read_basic(bus, 'b', &boolean);
		if (r >= 0)
			*(protobuf_c_boolean *)value = boolean;
		return r < 0 ? r : 0;
	case '\0': return -EOPNOTSUPP; /* bytes, say: found by the table's test, too */
	default: r = sd_bus_message_read_basic(bus, letter, value); return r < 0 ? r : 0;
	}
}

static int read_array(sd_bus_message *bus, const ProtobufCFieldDescriptor *field,
		      const char *contents, const char *name, struct fds *fds,
		      ProtobufCMessage *message, struct refusal *refusal) {
	int r = *contents ? sd_bus_message_enter_container(bus, 'a', contents) : -EOPNOTSUPP;

	if (r < 0)
		return r;
	while ((r = sd_bus_message_at_end(bus, 0)) == 0) {
		void *element;

		if (*message_count(message, field) == ELEMENTS_MAX)
			return refusal_note(refusal, REFUSED_LIMIT, "%s: more than %d elements",
					    name, ELEMENTS_MAX);
		element = message_append_element(message, field);
		if (!element)
			return -ENOMEM;
		r = read_value(bus, field, *contents, name, fds, element, refusal);
		if (r != 0)
			return r;
	}
	r = r < 0 ? r : sd_bus_message_exit_container(bus);
	return r < 0 ? r : 0;
}

/* What is wrong inside an argument is told by that argument's name. 0, a refusal, or a negative
 * errno. */
static int read_field(sd_bus_message *bus, const ProtobufCFieldDescriptor *field,
		      const char *within, struct fds *fds, ProtobufCMessage *message,
		      struct refusal *refusal) {
	char signature[MESSAGE_SIGNATURE_MAX], name[MESSAGE_NAME_MAX];
	int r;

	message_field_signature(field, signature);
	message_field_name(field, name);
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		r = read_array(bus, field, signature + 1, within ?: name, fds, message, refusal);
	else
		r = read_value(bus, field, *signature, within ?: name, fds,
			       message_member(message, field), refusal);
	if (r != 0)
		return r;
	message_set_has(message, field);
	return 0;
}

/* The positional ones, in their order. */
static int read_fields(sd_bus_message *bus, const char *within, struct fds *fds,
		       ProtobufCMessage *message, struct refusal *refusal) {
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		int r;

		if (message_field_place(&message->descriptor->fields[i]) != MESSAGE_POSITIONAL)
			continue;
		r = read_field(bus, &message->descriptor->fields[i], within, fds, message, refusal);
		if (r != 0)
			return r;
	}
	return 0;
}

/* The field behind a key; where a key has several forms, the one of this type. */
static const ProtobufCFieldDescriptor *key_field(const ProtobufCMessageDescriptor *descriptor,
						 const char *key, const char *contents,
						 char *ret_expected, size_t size) {
	size_t used = 0;

	*ret_expected = '\0';
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		char name[MESSAGE_NAME_MAX], signature[MESSAGE_SIGNATURE_MAX];

		if (message_field_place(field) != MESSAGE_KEY)
			continue;
		message_field_name(field, name);
		if (strcmp(name, key) != 0)
			continue;
		message_field_signature(field, signature);
		if (strcmp(signature, contents) == 0)
			return field;
		used += (size_t)snprintf(ret_expected + used, used < size ? size - used : 0, "%s%s",
					 used ? " or " : "", signature);
	}
	return NULL;
}

static const ProtobufCFieldDescriptor *others_field(const ProtobufCMessageDescriptor *descriptor) {
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		if (message_field_place(&descriptor->fields[i]) == MESSAGE_OTHERS)
			return &descriptor->fields[i];
	return NULL;
}

/* In whatever form. */
static bool is_given(const ProtobufCMessage *message, const char *key) {
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		char name[MESSAGE_NAME_MAX];

		if (message_field_place(field) != MESSAGE_KEY || !message_has(message, field))
			continue;
		message_field_name(field, name);
		if (strcmp(name, key) == 0)
			return true;
	}
	return false;
}

/* Into the row of all other keys, if there is such a field. */
static int read_other(sd_bus_message *bus, const char *key, const char *contents, struct fds *fds,
		      ProtobufCMessage *message, struct refusal *refusal) {
	const ProtobufCFieldDescriptor *others = others_field(message->descriptor);
	ProtobufCMessage **row;

	if (!others)
		return refusal_note(refusal, REFUSED_INVALID, "options: unknown key '%.200s'", key);
	row = message_member(message, others);
	if (!*row)
		*row = message_new(others->descriptor);
	if (!*row)
		return -ENOMEM;
	return row_bus_read_member(bus, "options", key, contents, fds, (Usher__Row *)*row, refusal);
}

/* An empty list is as good as none, but where the message can tell them apart. */
static void note_empty(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
	char key[MESSAGE_NAME_MAX], name[MESSAGE_NAME_MAX + 8];

	if (field->label != PROTOBUF_C_LABEL_REPEATED || *message_count(message, field) > 0)
		return;
	message_field_name(field, key);
	(void)snprintf(name, sizeof name, "%s_none", key);
	message_set_number(message, name, 1);
}

static int read_key(sd_bus_message *bus, struct fds *fds, ProtobufCMessage *message,
		    struct refusal *refusal) {
	char expected[MESSAGE_SIGNATURE_MAX];
	const ProtobufCFieldDescriptor *field;
	const char *key, *contents;
	int r;

	r = sd_bus_message_read_basic(bus, 's', &key);
	if (r < 0)
		return r;
	r = sd_bus_message_peek_type(bus, NULL, &contents);
	if (r < 0)
		return r;
	field = key_field(message->descriptor, key, contents, expected, sizeof expected);
	if (!field && *expected)
		return refusal_note(refusal, REFUSED_INVALID,
				    "options: key '%.200s' is of type %s, not %.64s", key, expected,
				    contents);
	if (!field)
		return read_other(bus, key, contents, fds, message, refusal);
	if (is_given(message, key))
		return refusal_note(refusal, REFUSED_INVALID, "options: key '%s' is there twice",
				    key);
	r = sd_bus_message_enter_container(bus, 'v', contents);
	if (r < 0)
		return r;
	r = read_field(bus, field, NULL, fds, message, refusal);
	if (r != 0)
		return r;
	note_empty(message, field);
	return sd_bus_message_exit_container(bus);
}

static int read_options(sd_bus_message *bus, struct fds *fds, ProtobufCMessage *message,
			struct refusal *refusal) {
	int r = sd_bus_message_enter_container(bus, 'a', "{sv}");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(bus, 'e', "sv")) > 0) {
		r = read_key(bus, fds, message, refusal);
		if (r < 0 || *refusal->text)
			return r;
		r = sd_bus_message_exit_container(bus);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	return sd_bus_message_exit_container(bus);
}

int message_bus_read(sd_bus_message *bus, const ProtobufCMessageDescriptor *descriptor, bool bare,
		     struct fds *fds, ProtobufCMessage **ret, struct refusal *refusal) {
	_cleanup_(message_freep) ProtobufCMessage *message = message_new(descriptor);
	int r;

	if (!message)
		return -ENOMEM;
	r = read_fields(bus, NULL, fds, message, refusal);
	if (r != 0)
		return r;
	if (!bare)
		r = read_options(bus, fds, message, refusal);
	if (r < 0 || *refusal->text)
		return r;
	*ret = message;
	message = NULL;
	return 0;
}

int message_bus_append_string(sd_bus_message *bus, char letter, const char *string) {
	_cleanup_free_ char *text = letter == 's' ? usher_escape(string ?: "") : strdup(string);

	if (!text)
		return -ENOMEM;
	return sd_bus_message_append_basic(bus, letter, text);
}

/* That a list is empty is told, too. */
static bool is_told(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
	return field->label == PROTOBUF_C_LABEL_REPEATED || message_has(message, field);
}

static int append_dictionary(sd_bus_message *bus, const ProtobufCMessage *message,
			     const struct fds *fds) {
	int r;

	if (message_is_row(message->descriptor))
		return row_bus_append(bus, (const Usher__Row *)message, fds);
	r = sd_bus_message_open_container(bus, 'a', "{sv}");
	for (unsigned i = 0; r >= 0 && i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		char name[MESSAGE_NAME_MAX], signature[MESSAGE_SIGNATURE_MAX];

		if (message_field_place(field) != MESSAGE_KEY || !is_told(message, field))
			continue;
		message_field_name(field, name);
		message_field_signature(field, signature);
		if ((r = sd_bus_message_open_container(bus, 'e', "sv")) < 0 ||
		    (r = sd_bus_message_append_basic(bus, 's', name)) < 0 ||
		    (r = sd_bus_message_open_container(bus, 'v', signature)) < 0 ||
		    (r = message_bus_append_field(bus, message, field, fds)) < 0 ||
		    (r = sd_bus_message_close_container(bus)) < 0)
			return r;
		r = sd_bus_message_close_container(bus);
	}
	return r < 0 ? r : sd_bus_message_close_container(bus);
}

static int append_value(sd_bus_message *bus, const char *signature, const void *value,
			const struct fds *fds) {
	char inner[MESSAGE_SIGNATURE_MAX];
	int number, r;

	switch (*signature) {
	case 's':
	case 'o': return message_bus_append_string(bus, *signature, *(char *const *)value);
	case 'h':
		number = fds_get(fds, *(const uint32_t *)value);
		return number < 0 ? number : sd_bus_message_append_basic(bus, 'h', &number);
	case 'b':
		number = *(const protobuf_c_boolean *)value;
		return sd_bus_message_append_basic(bus, 'b', &number);
	case 'a': return append_dictionary(bus, *(ProtobufCMessage *const *)value, fds);
	case '{':
	case '(':
		*(char *)mempcpy(inner, signature + 1, strlen(signature) - 2) = '\0';
		r = sd_bus_message_open_container(bus, *signature == '{' ? 'e' : 'r', inner);
		if (r >= 0)
			r = message_bus_append(bus, *(ProtobufCMessage *const *)value, fds);
		return r < 0 ? r : sd_bus_message_close_container(bus);
	default: return sd_bus_message_append_basic(bus, *signature, value);
	}
}

int message_bus_append_field(sd_bus_message *bus, const ProtobufCMessage *message,
			     const ProtobufCFieldDescriptor *field, const struct fds *fds) {
	char signature[MESSAGE_SIGNATURE_MAX];
	const uint8_t *elements;
	size_t n;
	int r;

	message_field_signature(field, signature);
	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return append_value(bus, signature, message_member(message, field), fds);
	n = *message_count(message, field);
	elements = *(uint8_t **)message_member(message, field);
	r = sd_bus_message_open_container(bus, 'a', signature + 1);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = append_value(bus, signature + 1, elements + i * message_element_size(field),
				 fds);
	return r < 0 ? r : sd_bus_message_close_container(bus);
}

int message_bus_append(sd_bus_message *bus, const ProtobufCMessage *message,
		       const struct fds *fds) {
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		int r;

		if (message_field_place(field) != MESSAGE_POSITIONAL)
			continue;
		r = message_bus_append_field(bus, message, field, fds);
		if (r < 0)
			return r;
	}
	return 0;
}
