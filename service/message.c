/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "message.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "usher.pb-c.h"

/* The number of the field with all other keys. */
enum { OTHERS = 999 };

static bool ends_with(const char *name, const char *tail) {
	size_t n = strlen(name), t = strlen(tail);

	return n >= t && strcmp(name + n - t, tail) == 0;
}

/* As much of it as there is room for; how long it is. A name and a signature are asked for with
 * each field of each call, and snprintf() took a sixth of what a small one takes us. */
static size_t put(char *ret, size_t size, const char *text) {
	size_t n = strlen(text), fits = n < size ? n : size - 1;

	*(char *)mempcpy(ret, text, fits) = '\0';
	return n;
}

enum message_place message_field_place(const ProtobufCFieldDescriptor *field) {
	if (field->id < 16)
		return MESSAGE_POSITIONAL;
	if (field->id == OTHERS)
		return MESSAGE_OTHERS;
	return field->id < OTHERS ? MESSAGE_KEY : MESSAGE_PRIVATE;
}

bool message_field_is_descriptor(const ProtobufCFieldDescriptor *field) {
	return field->type == PROTOBUF_C_TYPE_UINT32 && ends_with(field->name, "_fd");
}

static bool is_object_path(const ProtobufCFieldDescriptor *field) {
	return field->type == PROTOBUF_C_TYPE_STRING &&
	       (ends_with(field->name, "_object") || strcmp(field->name, "Object") == 0);
}

void message_field_name(const ProtobufCFieldDescriptor *field, char ret_name[MESSAGE_NAME_MAX]) {
	char *cut;

	(void)put(ret_name, MESSAGE_NAME_MAX, field->name);
	cut = strstr(ret_name, "_as_");
	if (!cut && message_field_place(field) == MESSAGE_POSITIONAL) {
		if (message_field_is_descriptor(field) || is_object_path(field))
			cut = strrchr(ret_name, '_');
	}
	if (cut)
		*cut = '\0';
}

static void message_inner_signature(const ProtobufCMessageDescriptor *descriptor, char *ret,
				    size_t size) {
	bool entry = message_is_entry(descriptor);
	char fields[MESSAGE_SIGNATURE_MAX];
	size_t n;

	if (message_is_dictionary(descriptor) || message_is_row(descriptor)) {
		(void)put(ret, size, "a{sv}");
		return;
	}
	message_signature(descriptor, fields);
	assert(strlen(fields) + sizeof "()" <= size);
	n = put(ret, size, entry ? "{" : "(");
	n += put(ret + n, size - n, fields);
	(void)put(ret + n, size - n, entry ? "}" : ")");
}

bool message_is_row(const ProtobufCMessageDescriptor *descriptor) {
	return descriptor == &usher__row__descriptor;
}

bool message_is_entry(const ProtobufCMessageDescriptor *descriptor) {
	return descriptor->n_fields == 2 && strcmp(descriptor->fields[0].name, "key") == 0 &&
	       strncmp(descriptor->fields[1].name, "value", 5) == 0;
}

static const char *basic_signature(const ProtobufCFieldDescriptor *field) {
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING: return is_object_path(field) ? "o" : "s";
	case PROTOBUF_C_TYPE_UINT32: return message_field_is_descriptor(field) ? "h" : "u";
	case PROTOBUF_C_TYPE_INT32: return "i";
	case PROTOBUF_C_TYPE_UINT64: return "t";
	case PROTOBUF_C_TYPE_INT64: return "x";
	case PROTOBUF_C_TYPE_BOOL: return "b";
	case PROTOBUF_C_TYPE_DOUBLE: return "d";
	default: return NULL; /* no D-Bus form; the table's test finds it */
	}
}

void message_field_signature(const ProtobufCFieldDescriptor *field,
			     char ret_signature[MESSAGE_SIGNATURE_MAX]) {
	const char *basic = basic_signature(field);
	size_t n = put(ret_signature, MESSAGE_SIGNATURE_MAX,
		       field->label == PROTOBUF_C_LABEL_REPEATED ? "a" : "");

	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		message_inner_signature(field->descriptor, ret_signature + n,
					MESSAGE_SIGNATURE_MAX - n);
	else if (basic)
		(void)put(ret_signature + n, MESSAGE_SIGNATURE_MAX - n, basic);
}

void message_signature(const ProtobufCMessageDescriptor *descriptor,
		       char ret_signature[MESSAGE_SIGNATURE_MAX]) {
	char one[MESSAGE_SIGNATURE_MAX];
	size_t used = 0;

	*ret_signature = '\0';
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		if (message_field_place(&descriptor->fields[i]) != MESSAGE_POSITIONAL)
			continue;
		message_field_signature(&descriptor->fields[i], one);
		used += put(ret_signature + used, MESSAGE_SIGNATURE_MAX - used, one);
		assert(used < MESSAGE_SIGNATURE_MAX);
	}
}

bool message_is_dictionary(const ProtobufCMessageDescriptor *descriptor) {
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		if (message_field_place(&descriptor->fields[i]) == MESSAGE_POSITIONAL)
			return false;
	return true;
}

void *message_member(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
	return (uint8_t *)(uintptr_t)message + field->offset;
}

static void *quantifier(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
	return (uint8_t *)(uintptr_t)message + field->quantifier_offset;
}

size_t *message_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
	return quantifier(message, field);
}

bool message_has(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *message_count(message, field) > 0;
	if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE) {
		const void *value = *(void **)message_member(message, field);

		return value && value != field->default_value;
	}
	return field->label == PROTOBUF_C_LABEL_REQUIRED ||
	       *(protobuf_c_boolean *)quantifier(message, field);
}

void message_set_has(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type != PROTOBUF_C_TYPE_STRING &&
	    field->type != PROTOBUF_C_TYPE_MESSAGE)
		*(protobuf_c_boolean *)quantifier(message, field) = true;
}

uint64_t message_number(const ProtobufCMessage *message, const char *name, uint64_t otherwise) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

	if (!field || !message_has(message, field))
		return otherwise;
	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32: return *(uint32_t *)message_member(message, field);
	case PROTOBUF_C_TYPE_UINT64: return *(uint64_t *)message_member(message, field);
	default: return otherwise;
	}
}

const char *message_string(const ProtobufCMessage *message, const char *name) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

	return field ? *(char *const *)message_member(message, field) : NULL;
}

char *message_take_string(ProtobufCMessage *message, const char *name) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	char **member = field ? message_member(message, field) : NULL;
	char *taken = member ? *member : NULL;

	if (member)
		*member = NULL;
	return taken;
}

void message_set_number(ProtobufCMessage *message, const char *name, uint64_t value) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	void *member;

	if (!field)
		return;
	member = message_member(message, field);
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)member = value != 0; break;
	case PROTOBUF_C_TYPE_UINT32: *(uint32_t *)member = (uint32_t)value; break;
	default: *(uint64_t *)member = value;
	}
	message_set_has(message, field);
}

int message_set_string(ProtobufCMessage *message, const char *name, const char *value) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	char **member, *copy = field ? strdup(value) : NULL;

	if (!copy)
		return field ? -ENOMEM : 0;
	member = message_member(message, field);
	free(*member);
	*member = copy;
	return 0;
}

ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *descriptor) {
	ProtobufCMessage *message = calloc(1, descriptor->sizeof_message);

	if (message)
		protobuf_c_message_init(descriptor, message);
	return message;
}

ProtobufCMessage *message_copy(const ProtobufCMessage *message) {
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(size + 1);
	ProtobufCMessage *copy;

	if (!bytes)
		return NULL;
	protobuf_c_message_pack(message, bytes);
	copy = protobuf_c_message_unpack(message->descriptor, NULL, size, bytes);
	free(bytes);
	return copy;
}

void message_freep(ProtobufCMessage **message) {
	if (*message)
		protobuf_c_message_free_unpacked(*message, NULL);
	*message = NULL;
}

size_t message_element_size(const ProtobufCFieldDescriptor *field) {
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_DOUBLE: return 8;
	default: return 4;
	}
}

void *message_append_element(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
	const size_t size = message_element_size(field);
	size_t *n = message_count(message, field);
	void **elements = message_member(message, field);
	uint8_t *grown = reallocarray(*elements, *n + 1, size);

	if (!grown)
		return NULL;
	*elements = grown;
	return memset(grown + (*n)++ * size, 0, size);
}

/* Visits a member: one value, or as many as there are. */
static int each_descriptor(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
			   int (*visit)(uint32_t place, void *data), void *data) {
	const bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
	const size_t n = repeated ? *message_count(message, field) : 1;
	const void *member = message_member(message, field),
		   *values = repeated ? *(void *const *)member : member;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = field->type == PROTOBUF_C_TYPE_MESSAGE
			    ? message_each_descriptor(((ProtobufCMessage *const *)values)[i], visit,
						      data)
			    : visit(((const uint32_t *)values)[i], data);
	return r;
}

int message_each_descriptor(const ProtobufCMessage *message,
			    int (*visit)(uint32_t place, void *data), void *data) {
	int r = 0;

	for (unsigned i = 0; r == 0 && i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];

		if ((field->type == PROTOBUF_C_TYPE_MESSAGE ||
		     message_field_is_descriptor(field)) &&
		    message_has(message, field))
			r = each_descriptor(message, field, visit, data);
	}
	return r;
}

int message_append_string(char ***strings, size_t *n, const char *string) {
	char **grown = reallocarray(*strings, *n + 1, sizeof **strings);

	if (!grown)
		return -ENOMEM;
	*strings = grown;
	grown[*n] = strdup(string);
	if (!grown[*n])
		return -ENOMEM;
	(*n)++;
	return 0;
}
