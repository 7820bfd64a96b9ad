/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call, argument by argument. The first error sticks: after it the rest does nothing, and
 * sending returns it.
 */
#pragma once

#include "attributes.h"
#include "bus.h"

struct call {
	struct usher *usher;
	struct bus_message *message;
	struct usher_options options;
	const struct usher_attributes *attributes; /* more of them; may be NULL */
	bool patient;    /* wait for the answer as long as it takes, unless there is a deadline */
	bool in_options; /* a key was added: there are no more arguments */
	int error;
};

/* A call of org.usher1.<interface> on the manager, or on an object. */
struct call call_begin(struct usher *usher, const char *interface, const char *method,
		       const struct usher_options *options);
struct call call_begin_on(struct usher *usher, const char *object, const char *interface,
			  const char *method, const struct usher_options *options);
void call_done(struct call *call);

#define _cleanup_call_ _cleanup_(call_done)

/* The arguments, in order; name is what messages call them. */
void call_add_string(struct call *call, const char *name, const char *bytes);
void call_add_path(struct call *call, const char *name, const char *path);
void call_add_words(struct call *call, const char *name, const char *const words[]);
void call_add_fd(struct call *call, const char *name, int fd);
void call_add_number(struct call *call, const char *name, char type, uint64_t value);
/* An a{sv} of any keys. */
void call_add_values(struct call *call, const char *name, const struct usher_values *values);

/* What is to be made, as keys of the options; and what a process is given, as arguments. */
void call_add_attributes(struct call *call, const struct usher_attributes *attributes);
void call_add_belongings(struct call *call);

/* Keys of the options that only this method has, after the last argument; those that are NULL or
 * false are not sent. */
void call_add_string_key(struct call *call, const char *key, const char *bytes);
void call_add_words_key(struct call *call, const char *key, const char *const words[]);
void call_add_flag_key(struct call *call, const char *key, bool value);
void call_add_number_key(struct call *call, const char *key, char type, uint64_t value);
void call_add_fd_key(struct call *call, const char *key, int fd);
/* Keys of any names and types, those in rows by the names of both; may be NULL. */
void call_add_values_keys(struct call *call, const struct usher_values *values);

/* Appends the rest of the options; for whoever sends the message himself. */
int call_finish(struct call *call);

/* The same, sends, and waits for the answer. */
int call_send(struct call *call, struct bus_message **ret_reply);

/* The same, for answers of one value; the object may be unwanted (NULL). */
int call_for_nothing(struct call *call);
int call_for_object(struct call *call, char **ret);
int call_for_string(struct call *call, char **ret);
int call_for_fd(struct call *call, int *ret);
int call_for_object_and_fd(struct call *call, char **ret, int *ret_fd);

/* The next value of an answer: the path of an object, a descriptor that becomes the program's own.
 * Or it is none of these: returns -EBADMSG after noting that. */
int call_read_object(struct call *call, struct bus_message *reply, char **ret);
int call_read_fd(struct call *call, struct bus_message *reply, int *ret);
int call_not_understood(struct call *call);
