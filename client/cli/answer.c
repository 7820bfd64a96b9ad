/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a command says in the end, to people or in JSON. */

#include "answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../cleanup.h"
#include "text.h"

struct json_object *answer_json_name(const char *bytes) {
	_cleanup_free_ char *text = bytes ? text_from_name(bytes) : NULL;

	return text ? json_object_new_string(text) : NULL;
}

int answer_json(struct json_object *object) {
	const char *json =
		object ? json_object_to_json_string_ext(object,
							JSON_C_TO_STRING_PLAIN |
								JSON_C_TO_STRING_NOSLASHESCAPE)
		       : NULL;
	_cleanup_free_ char *text = json ? text_from_json(json) : NULL;

	if (text)
		puts(text);
	else
		fputs("usher: out of memory\n", stderr);
	json_object_put(object);
	return text ? 0 : EXIT_REFUSED;
}

int answer_nothing(const struct arguments *arguments) {
	return arguments->json ? answer_json(json_object_new_object()) : 0;
}

int answer_value(const struct arguments *arguments, const char *key, const char *bytes) {
	_cleanup_free_ char *text = NULL;
	struct json_object *object;

	if (arguments->json) {
		object = json_object_new_object();
		if (object)
			json_object_object_add(object, key, answer_json_name(bytes));
		return answer_json(object);
	}
	text = text_from_name(bytes);
	if (!text)
		return answer_failure(arguments, NULL, -ENOMEM);
	puts(text);
	return 0;
}

/* The last part of a name on the bus. */
static const char *short_name(const char *name) {
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

static int answer_named(const struct arguments *arguments, const char *subject, const char *name,
			int error, const char *message) {
	struct json_object *object;

	if (arguments->json) {
		object = json_object_new_object();
		if (object) {
			json_object_object_add(object, "error", json_object_new_string(name));
			json_object_object_add(object, "errno", json_object_new_int(-error));
			json_object_object_add(object, "message", json_object_new_string(message));
		}
		answer_json(object);
		return EXIT_REFUSED;
	}
	fprintf(stderr, "usher %s: ", arguments->command);
	if (subject && *subject) {
		_cleanup_free_ char *text = text_from_name(subject);

		fprintf(stderr, "%s: ", text ? text : "?");
	}
	text_print(stderr, message);
	putc('\n', stderr);
	return EXIT_REFUSED;
}

int answer_refusal(const struct arguments *arguments, struct usher *usher, const char *subject,
		   int error) {
	const char *name = usher_error_name(usher), *message = usher_message(usher);

	if (error == -ENOKEY && arguments->ask_later)
		return EXIT_ASK;
	return answer_named(arguments, subject, name ? short_name(name) : usher_errno_name(error),
			    error, message ? message : strerror(-error));
}

int answer_error(const struct arguments *arguments, const char *subject, int error,
		 const char *message) {
	return answer_named(arguments, subject, usher_errno_name(error), error, message);
}

int answer_failure(const struct arguments *arguments, const char *subject, int error) {
	return answer_error(arguments, subject, error, strerror(-error));
}

struct json_object *answer_json_names(char *const *words) {
	struct json_object *array = json_object_new_array();

	for (; array && *words; words++)
		json_object_array_add(array, answer_json_name(*words));
	return array;
}

static void print_word(FILE *out, const char *word) {
	_cleanup_free_ char *text = text_from_name(word);
	const char *p;

	for (p = text ? text : "?"; *p; p++)
		if (*p == ',')
			fputs("\\x2c", out);
		else
			putc(*p, out);
}

static char *join(char *const *words, char separator, void (*print)(FILE *out, const char *word)) {
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (i = 0; words[i]; i++) {
		if (i > 0)
			putc(separator, out);
		print(out, words[i]);
	}
	return fclose(out) == 0 ? text : NULL;
}

char *answer_join_names(char *const *words) {
	return join(words, ',', print_word);
}

/* In quotes, unless every byte of it means nothing but itself. */
static void print_argument(FILE *out, const char *word) {
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789%+,-./:=@_";
	_cleanup_free_ char *text = text_from_name(word);
	const char *p;

	if (text && *text && text[strspn(text, plain)] == '\0') {
		fputs(text, out);
		return;
	}
	putc('\'', out);
	for (p = text ? text : "?"; *p; p++)
		if (*p == '\'')
			fputs("'\\''", out);
		else
			putc(*p, out);
	putc('\'', out);
}

char *answer_command_line(char *const *words) {
	return join(words, ' ', print_argument);
}
