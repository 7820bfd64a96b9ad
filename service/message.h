/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A protobuf message seen as an argument list. What a field is follows from its number and its
 * name; interfaces/usher.proto states the convention.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum message_place {
	MESSAGE_POSITIONAL,
	MESSAGE_KEY,
	MESSAGE_OTHERS, /* a Row of all keys that no field has */
	MESSAGE_PRIVATE,
};

enum { MESSAGE_NAME_MAX = 64, MESSAGE_SIGNATURE_MAX = 256 };

enum message_place message_field_place(const ProtobufCFieldDescriptor *field);
/* The name that callers know a field by: a key, or an argument's name in introspection. */
void message_field_name(const ProtobufCFieldDescriptor *field, char ret_name[MESSAGE_NAME_MAX]);
bool message_field_is_descriptor(const ProtobufCFieldDescriptor *field);
/* The D-Bus signature of a field, with the array that a repeated field is. */
void message_field_signature(const ProtobufCFieldDescriptor *field,
			     char ret_signature[MESSAGE_SIGNATURE_MAX]);
/* The positional fields' signatures, one after the other. */
void message_signature(const ProtobufCMessageDescriptor *descriptor,
		       char ret_signature[MESSAGE_SIGNATURE_MAX]);
/* A message with nothing but keys is an a{sv}. */
bool message_is_dictionary(const ProtobufCMessageDescriptor *descriptor);

/* A Row: an a{sv} whose keys nobody knows beforehand; see row-bus.h. */
bool message_is_row(const ProtobufCMessageDescriptor *descriptor);

/* Of one with the fields "key" and "value", an array is a dictionary: a{ss}, a{uh}. */
bool message_is_entry(const ProtobufCMessageDescriptor *descriptor);

/* Where a field lives in a message. */
void *message_member(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
/* How many elements a repeated field has. */
size_t *message_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
bool message_has(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
void message_set_has(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* The value of a field that every request may have, or a default. */
uint64_t message_number(const ProtobufCMessage *message, const char *field, uint64_t otherwise);

/* The same of a string; NULL if it is not there. */
const char *message_string(const ProtobufCMessage *message, const char *field);
/* The same, and it is the message's no more. */
char *message_take_string(ProtobufCMessage *message, const char *field);
/* Sets a field, where the message has it. 0 or -ENOMEM. */
void message_set_number(ProtobufCMessage *message, const char *field, uint64_t value);
int message_set_string(ProtobufCMessage *message, const char *field, const char *value);

ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *descriptor);
/* NULL when there is no memory. */
ProtobufCMessage *message_copy(const ProtobufCMessage *message);
/* Frees it with all that it holds; NULL is fine. */
void message_freep(ProtobufCMessage **message);

/* What an element of a repeated field takes. */
size_t message_element_size(const ProtobufCFieldDescriptor *field);
/* Appends an element that is all zeros to a repeated field; NULL when there is no memory. */
void *message_append_element(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
/* Visits the places of all descriptors in a message and in those inside it, until one visit does
 * not return 0; that is returned. */
int message_each_descriptor(const ProtobufCMessage *message,
			    int (*visit)(uint32_t place, void *data), void *data);

/* Appends a copy of a string to a repeated string field. 0 or -ENOMEM. */
int message_append_string(char ***strings, size_t *n, const char *string);
