/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a command says in the end, to people or in JSON. Each returns the exit status. */
#pragma once

#include <json-c/json_object.h>

#include "arguments.h"

int answer_nothing(const struct arguments *arguments);

/* One value; escaped. In JSON it is the member of an object. */
int answer_value(const struct arguments *arguments, const char *key, const char *bytes);

/* Takes the object over; NULL means there was no memory for it. */
int answer_json(struct json_object *object);

/* A call on the handle failed. The subject is what the command was to work on; may be NULL. */
int answer_refusal(const struct arguments *arguments, struct usher *usher, const char *subject,
		   int error);

/* Something failed here: with a message of its own, or with the errno's. The subject may be NULL.
 */
int answer_error(const struct arguments *arguments, const char *subject, int error,
		 const char *message);
int answer_failure(const struct arguments *arguments, const char *subject, int error);

/* A string for JSON: a name in its escaped form. NULL gives null. */
struct json_object *answer_json_name(const char *bytes);

/* An array of them; words up to NULL. */
struct json_object *answer_json_names(char *const *words);

/* The same in one cell of a table, escaped as names are, and so is a comma within one; or a command
 * line, as a shell would take it. NULL: no memory. */
char *answer_join_names(char *const *words);
char *answer_command_line(char *const *words);
